"""Answers as bytes."""

from collections.abc import Iterable
from email.utils import format_datetime
from http import HTTPStatus

import msgspec
import orjson

from pierhead.kit.clock import SystemClock, monotonic_s

REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}

WITHOUT_BODY = frozenset((204, 304))
"""Statuses of answers that never have a body."""

JSON = b"content-type: application/json\r\n"
"""The header line of an answer in JSON."""


class Refusal(msgspec.Struct, frozen=True):
    """An answer that says no: every one is `{"error_code", "message"}`. `lines` are more header lines, encoded."""

    status: int
    code: str
    message: str
    lines: bytes = b""

    def body(self) -> bytes:
        return orjson.dumps({"error_code": self.code, "message": self.message})


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encoded header lines.

    >>> header_lines([(b"a", b"1"), (b"b", b"2")])
    b'a: 1\\r\\nb: 2\\r\\n'
    """
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def header_value(text: str) -> bytes:
    """Text that somebody else chose as a header's value: latin-1, without control characters.

    >>> header_value("a\\r\\nset-cookie: x")
    b'aset-cookie: x'
    """
    return bytes(byte for byte in text.encode("latin-1", "replace") if byte >= 0x20 and byte != 0x7F)


def status_line(status: int, reason: bytes | None = None) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, REASONS.get(status, b"") if reason is None else reason)


_STATUS_LINES = {status: status_line(status) for status in REASONS}


def whole_answer(status: int, lines: bytes, body: bytes, connection: bytes = b"") -> bytes:
    """An answer with its body to a request that is no HEAD; `lines` and `connection` are encoded header lines."""
    first = _STATUS_LINES.get(status) or status_line(status)
    if status in WITHOUT_BODY:
        return b"%b%b%b%b\r\n" % (first, date_line(), lines, connection)
    return b"%b%b%bcontent-length: %d\r\n%b\r\n%b" % (first, date_line(), lines, len(body), connection, body)


class _Date:
    """The `date` header line, made anew once a second."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._until_s = 0.0
        self._line = b""

    def line(self) -> bytes:
        now_s = monotonic_s()
        if now_s >= self._until_s:
            self._until_s = now_s + 1
            self._line = b"date: %b\r\n" % format_datetime(self._clock.now(), usegmt=True).encode()
        return self._line


date_line = _Date().line
