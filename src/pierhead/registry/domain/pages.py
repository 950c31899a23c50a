"""Opaque page tokens: where the last page ended, bound to the query that it belongs to."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.queries import Query

Position = tuple[str | int, ...]
"""The sort values of the last row, times as microseconds since 1970."""


def encode_token(query: Query, position: Position) -> str:
    content = json.dumps([_fingerprint(query), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode()


def decode_token(query: Query, token: str, kinds: Sequence[type]) -> Position:
    """The position in a token; `kinds` are the types of the sort values. Raises InvalidArgument if it is not ours."""
    try:
        fingerprint, *position = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise InvalidArgument("Invalid page token; send the next_page_token of the answer before") from None
    if fingerprint != _fingerprint(query) or [type(value) for value in position] != list(kinds):
        raise InvalidArgument("Invalid page token: it belongs to another search; repeat filter and order_by unchanged")
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in position):
        raise InvalidArgument("Invalid page token; send the next_page_token of the answer before")
    return tuple(position)


def _fingerprint(query: Query) -> str:
    return hashlib.sha256(repr(query).encode()).hexdigest()[:16]
