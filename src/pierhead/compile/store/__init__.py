"""What is kept of compilations. Importing this package declares the area's tables."""

from pierhead.compile.store import tables as tables
