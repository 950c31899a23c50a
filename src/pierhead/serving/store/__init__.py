"""Serving's tables: importing this package declares them."""

from pierhead.serving.store import tables as tables
