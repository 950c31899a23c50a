"""Heads that were read before: a client that keeps its connection sends the same one again and again.

Reading a request costs more than everything else that a gateway does for it. So what the byte-for-byte same head led to
is remembered, and a request that consists of such a head and its whole body is not read again. Everything else goes
through the parser, which alone judges what a request is: a head is remembered only after the parser has accepted it,
and only if a far stricter reading (`is_plain`) finds the same in it.
"""

import re
from typing import Protocol

from pierhead.gateway.http.handler import Handler
from pierhead.gateway.http.head import Head

_MOST_HEADS = 2048
_LONGEST_HEAD_BYTES = 2048
_LONGEST_BODY_BYTES = 128 * 1024

_FIRST_LINE = re.compile(rb"POST (/[!-~]*) HTTP/1\.1")
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([!-~](?:[ -~]*[!-~])?)?")
_LENGTH = re.compile(rb"[0-9]{1,9}")

# With any of these there is more to a request than its head and a body of known length.
_NEVER = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"http2-settings"))


class ExpressLine(Protocol):
    """The connection, as a request that took a shortcut sees it."""

    @property
    def peer(self) -> str:
        """The caller's address."""

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """The whole answer at once. `lines` are encoded header lines without length and connection."""


class Shortcut(Protocol):
    """What a head led to."""

    length: int
    """Of the body, as the head announces it."""

    def take(self, line: ExpressLine, body: bytes, now_s: float) -> Handler | None:
        """Begin to answer; never answers before it returns. None if the request is to go the long way."""


class Shortcuts:
    """Shortcuts by head, the end of the head included. When there are too many, the oldest goes."""

    def __init__(self) -> None:
        self.known: dict[bytes, Shortcut] = {}
        self._is_closed = False

    def learn(self, data: bytes, head: Head, shortcut: Shortcut) -> None:
        """Remember where the head led with which `data` begins, if it is safe to."""
        end = data.find(b"\r\n\r\n") + 4
        raw = data[:end]
        if self._is_closed or shortcut.length > _LONGEST_BODY_BYTES or len(raw) > _LONGEST_HEAD_BYTES:
            return
        if is_plain(raw, head):
            self.known[raw] = shortcut
            if len(self.known) > _MOST_HEADS:
                del self.known[next(iter(self.known))]

    def forget_all(self) -> None:
        """What heads lead to has changed."""
        self.known.clear()

    def close(self) -> None:
        """Nobody takes a shortcut any more."""
        self._is_closed = True
        self.known.clear()


def is_plain(raw: bytes, head: Head) -> bool:
    """Whether these bytes can mean nothing but this head, with a body of its announced length and no more to it.

    >>> head = Head("POST", b"/a", "1.1", [(b"content-length", b"2")], True, 2, False, False)
    >>> is_plain(b"POST /a HTTP/1.1\\r\\nContent-Length: 2\\r\\n\\r\\n", head)
    True
    >>> is_plain(b"POST /a HTTP/1.1\\nContent-Length: 2\\r\\n\\r\\n", head)
    False
    """
    if not raw.endswith(b"\r\n\r\n") or not head.keep_alive:
        return False
    first, *lines = raw[:-4].split(b"\r\n")
    request = _FIRST_LINE.fullmatch(first)
    if request is None or request[1] != head.target:
        return False
    found = [_LINE.fullmatch(line) for line in lines]
    headers = [(match[1].lower(), match[2] or b"") for match in found if match is not None]
    if len(headers) != len(lines) or headers != head.headers:
        return False
    names = [name for name, _ in headers]
    connection = [value.lower() for name, value in headers if name == b"connection"]
    lengths = [value for name, value in headers if name == b"content-length"]
    return (
        _NEVER.isdisjoint(names)
        and connection in ([], [b"keep-alive"])
        and len(lengths) == 1
        and _LENGTH.fullmatch(lengths[0]) is not None
        and int(lengths[0]) == head.content_length
    )
