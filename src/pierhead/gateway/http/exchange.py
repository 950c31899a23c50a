"""One request and its answer on a connection."""

from enum import Enum
from typing import Protocol

from pierhead.gateway.http.answers import JSON, WITHOUT_BODY, Refusal, date_line, status_line, whole_answer
from pierhead.gateway.http.handler import Handler
from pierhead.gateway.http.head import Head
from pierhead.gateway.http.shortcuts import Shortcut

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# What is left of a refused request's body is read and thrown away up to this size; beyond it the connection ends.
_DISCARD_BYTES = 1024 * 1024


class Line(Protocol):
    """The connection, as an exchange sees it."""

    @property
    def is_draining(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None: ...

    def progressed(self) -> None:
        """An exchange was answered or wants more or less of its body."""


class Framing(Enum):
    """How the caller knows where the answer's body ends."""

    LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "close"


class Exchange:
    """Answer with `answer` or `refuse`, or piece by piece: `begin`, `write` ..., `finish`."""

    __slots__ = (
        "_framing",
        "_line",
        "_sends_body",
        "closes",
        "handler",
        "head",
        "is_answered",
        "is_begun",
        "is_complete",
        "is_continued",
        "is_gone",
        "is_paused",
        "peer",
        "pending",
        "received_bytes",
        "refusal",
        "shortcut",
    )

    def __init__(self, line: Line, head: Head, peer: str) -> None:
        self._line = line
        self._framing = Framing.LENGTH
        self._sends_body = True
        self.head = head
        self.peer = peer
        """Address of the caller, for the log and `x-forwarded-for`."""
        self.handler: Handler | None = None
        self.pending = bytearray()
        self.received_bytes = 0
        self.is_complete = False
        self.is_begun = False
        self.is_answered = False
        self.is_gone = False
        self.is_paused = False
        self.is_continued = False
        self.refusal: Refusal | None = None
        """Set if the request turned out unreadable: the answer, behind which the connection ends."""
        self.shortcut: Shortcut | None = None
        """What requests with this very head may take from now on."""
        self.closes = False
        """Whether the connection ends with this exchange; known once the answer has begun."""

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """The whole answer at once. `lines` are encoded header lines without length and connection."""
        if self.is_gone or self.is_begun:
            return
        self.is_begun = self.is_answered = True
        connection = self._connection_line()
        if self.head.method == "HEAD":
            length = b"" if status in WITHOUT_BODY else b"content-length: %d\r\n" % len(body)
            self._line.write(b"".join((status_line(status), date_line(), lines, length, connection, b"\r\n")))
        else:
            self._line.write(whole_answer(status, lines, body, connection))
        self._line.progressed()

    def refuse(self, refusal: Refusal, lines: bytes = b"") -> None:
        self.answer(refusal.status, JSON + refusal.lines + lines, refusal.body())

    def begin(self, status: int, reason: bytes, lines: bytes, length: int | None) -> None:
        """The head of an answer that comes in pieces; `length` None if it is not known, or the answer has no body."""
        if self.is_gone or self.is_begun:
            return
        self.is_begun = True
        self._sends_body = self.head.method != "HEAD" and status not in WITHOUT_BODY
        if length is not None:
            lines += b"content-length: %d\r\n" % length
        elif self._sends_body and self.head.version == "1.1":
            self._framing = Framing.CHUNKED
            lines += b"transfer-encoding: chunked\r\n"
        elif self._sends_body:
            self._framing = Framing.CLOSE
        self._line.write(b"".join((status_line(status, reason), lines, self._connection_line(), b"\r\n")))

    def write(self, chunk: bytes) -> None:
        if self.is_gone or self.is_answered or not self._sends_body or not chunk:
            return
        if self._framing is Framing.CHUNKED:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        self._line.write(chunk)

    def finish(self) -> None:
        """The answer is complete."""
        if self.is_gone or self.is_answered:
            return
        if self._framing is Framing.CHUNKED and self._sends_body:
            self._line.write(b"0\r\n\r\n")
        self.is_answered = True
        self._line.progressed()

    def abort(self) -> None:
        """Cut the connection, so that the caller sees that the answer is not complete."""
        if not self.is_gone and not self.is_answered:
            self._line.abort()

    def send_continue(self) -> None:
        """Tell a caller that waits for it to send the body."""
        if self.head.expects_continue and not (self.is_continued or self.is_begun or self.is_gone or self.is_complete):
            self.is_continued = True
            if not self.received_bytes:
                self._line.write(_CONTINUE)

    def pause_body(self) -> None:
        """Ask the caller, by way of TCP, to send no more of the body for now."""
        if not self.is_paused:
            self.is_paused = True
            self._line.progressed()

    def resume_body(self) -> None:
        if self.is_paused:
            self.is_paused = False
            self._line.progressed()

    def start(self, handler: Handler) -> None:
        """Give `handler` what has arrived while an earlier exchange was under way. Called by the connection alone."""
        self.handler = handler
        pending, self.pending = self.pending, bytearray()
        if pending and not self.is_answered:
            handler.receive(bytes(pending))
        if self.is_complete and not self.is_answered:
            handler.complete()

    def feed(self, chunk: bytes) -> None:
        """The next piece of the body. Called by the connection alone."""
        self.received_bytes += len(chunk)
        if self.is_answered:
            return
        if self.handler is None:
            self.pending += chunk
        else:
            self.handler.receive(chunk)

    def complete(self) -> None:
        """The request is complete. Called by the connection alone."""
        self.is_complete = True
        if self.handler is not None and not self.is_answered:
            self.handler.complete()

    def lose(self) -> None:
        """The caller is gone. Called by the connection alone."""
        if self.is_gone:
            return
        self.is_gone = True
        handler, self.handler = self.handler, None
        if handler is not None and not self.is_answered:
            handler.hung_up()

    def _connection_line(self) -> bytes:
        framed_by_close = self._framing is Framing.CLOSE
        self.closes = (
            framed_by_close
            or not self.head.keep_alive
            or self.refusal is not None
            or self._line.is_draining
            or not self._is_rest_of_body_small()
        )
        if self.closes:
            return b"connection: close\r\n"
        return b"" if self.head.version == "1.1" else b"connection: keep-alive\r\n"

    def _is_rest_of_body_small(self) -> bool:
        """Whether the connection can go on after an answer that came before the end of the request."""
        if self.is_complete or not self.head.has_body:
            return True
        if self.head.expects_continue and not self.is_continued:
            # Nobody knows whether the caller will send its body now.
            return False
        length = self.head.content_length
        return length is not None and length - self.received_bytes <= _DISCARD_BYTES
