"""Tables of the catalog; importing this package declares all of them."""

from pierhead.catalog.store import pins as pins
from pierhead.catalog.store import rows as rows
