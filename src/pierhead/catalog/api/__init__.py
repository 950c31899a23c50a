"""The file API, its signed addresses, and how clients discover this installation."""

PUBLIC_PREFIXES = ("/signed/", "/.well-known/databricks-config")
"""Paths that need no token: a signed address is its own, and discovery comes before the first login."""
