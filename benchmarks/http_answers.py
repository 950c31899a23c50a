"""Cuts what a server sends on one connection into HTTP/1.1 answers. As little as a load generator needs."""

import re
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class AnswerCutter:
    """Feed it bytes as they come; it gives each answer when its last byte is there.

    >>> cutter = AnswerCutter()
    >>> cutter.feed(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n")
    >>> cutter.feed(b"ok")
    Answer(status=200, body=b'ok')
    """

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, received: bytes) -> Answer | None:
        """The answer that is now complete, or None. Raises ValueError if this is no answer of known length."""
        self._buffer = self._buffer + received if self._buffer else received
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head, rest = self._buffer[:end], self._buffer[end + 4 :]
        length = _LENGTH.search(head)
        if length is not None:
            size = int(length[1])
            found = (rest[:size], rest[size:]) if len(rest) >= size else None
        elif _CHUNKED.search(head):
            found = _join_chunks(rest)
        else:
            raise ValueError(f"an answer without a length: {head[:200]!r}")
        if found is None:
            return None
        body, self._buffer = found
        return Answer(int(head[9:12]), body)


def _join_chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    """The body that the chunks make and what follows it; None if some are still to come."""
    body = b""
    while True:
        line, separator, after = rest.partition(b"\r\n")
        if not separator:
            return None
        size = int(line.partition(b";")[0], 16)
        if len(after) < size + 2:
            return None
        if size == 0:
            return body, after[2:]
        body += after[:size]
        rest = after[size + 2 :]
