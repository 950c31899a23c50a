"""Tables of identity; importing this package declares all of them."""

from pierhead.identity.store import accounts as accounts
