"""Ids of accounts and groups."""

import secrets

_LOWEST, _HIGHEST = 10**15, 9 * 10**15


def new_account_id() -> str:
    """16 random digits: Databricks' clients read some of these ids as numbers, and JavaScript loses larger ones."""
    return str(_LOWEST + secrets.randbelow(_HIGHEST - _LOWEST))
