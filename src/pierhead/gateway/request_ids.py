"""Ids of requests whose callers chose none."""

import os
import re
from collections.abc import Iterator

_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")

_AT_ONCE = 256


def sane_request_id(sent: bytes | None) -> str | None:
    """The caller's own id, if it can stand in a header and in a table."""
    return sent.decode() if sent is not None and _SANE.fullmatch(sent) else None


def _random_ids() -> Iterator[str]:
    """32 random hexadecimal digits each; the kernel is asked for many at once."""
    while True:
        digits = os.urandom(16 * _AT_ONCE).hex()
        for start in range(0, 32 * _AT_ONCE, 32):
            yield digits[start : start + 32]


new_request_id = _random_ids().__next__
"""A request id that was never given before."""


def request_id_line(request_id: str) -> bytes:
    return b"x-request-id: %b\r\n" % request_id.encode()
