"""Names that nobody else has."""

import secrets
import uuid


def new_id() -> str:
    """A random id of 32 hex digits."""
    return uuid.uuid4().hex


def new_token() -> str:
    """A personal access token: the prefix that secret scanners look for in our tokens, then 256 random bits."""
    return "phd_" + secrets.token_hex(32)
