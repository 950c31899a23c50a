"""The registry's tables and what reads and writes them."""

from pierhead.registry.store import tables as tables
