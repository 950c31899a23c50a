"""A caller's connection: requests are answered one at a time, in order."""

import asyncio
from collections import deque
from typing import Protocol, cast

import structlog

from pierhead.gateway.http.answers import Refusal, whole_answer
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.http.handler import Handler
from pierhead.gateway.http.head import Head
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.http.pace import Pace
from pierhead.gateway.http.parsing import Malformed, RequestParser
from pierhead.gateway.http.shortcuts import Shortcut, Shortcuts
from pierhead.gateway.http.silent import SILENT
from pierhead.kit.clock import monotonic_s

log = structlog.get_logger()

_WRITE_BUFFER_BYTES = 256 * 1024

_CLOSE = b"connection: close\r\n"

# How long a caller that was just let in may take to begin its request although we want to go.
_FIRST_BYTE_S = 0.5

# How long we read on behind a last answer whose caller had more to ask.
_LAST_READ_S = 2

_BUG = Refusal(500, "INTERNAL_ERROR", "the request failed; the gateway's log has more")

_UNREADABLE = Head(
    method="GET",
    target=b"",
    version="1.1",
    headers=[],
    keep_alive=False,
    content_length=None,
    is_chunked=False,
    expects_continue=False,
)


class Grounds(Protocol):
    """What a connection shares with all others: its site."""

    loop: asyncio.AbstractEventLoop
    limits: Limits
    shortcuts: Shortcuts
    open: "set[Connection]"
    is_draining: bool

    def serve(self, exchange: Exchange, /) -> Handler: ...


class Connection(asyncio.Protocol):
    """Reads no further than the next request while one is being answered, so that memory stays bounded.

    Most requests take a shortcut (see `shortcuts`): the connection is their exchange. All others go the long way, with
    an `Exchange` of their own; one that comes while a shortcut is being taken waits behind it.
    """

    def __init__(self, site: Grounds) -> None:
        self._site = site
        self._known = site.shortcuts.known
        self._transport: asyncio.Transport
        self._parser: RequestParser | None = RequestParser(self, site.limits.header_bytes)
        self._express: Handler | None = None
        """What answers the request that has taken a shortcut."""
        self._head = b""
        """A head that leads to `_shortcut`, whose body has yet to arrive."""
        self._shortcut: Shortcut | None = None
        self._queue: deque[Exchange] = deque()
        self._incoming: Exchange | None = None
        """The exchange whose body is being read; the last of the queue."""
        self.peer = ""
        """The caller's address."""
        self._touched_s = monotonic_s()
        """When a byte arrived or an answer was finished."""
        self._head_since_s: float | None = None
        self._write_paused_since_s: float | None = None
        self._unread_bytes = 0
        """What of our answer the caller had not taken when we last looked."""
        self._has_asked = False
        self._lingers_until_s: float | None = None
        self._is_read_paused = False
        self._pace = Pace(0.0)
        self._is_advancing = False
        self._is_between = True
        """Whether the parser waits for the first byte of a request, and nothing speaks against answering it."""

    @property
    def is_draining(self) -> bool:
        return self._site.is_draining

    # --- what the event loop tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES, low=_WRITE_BUFFER_BYTES // 4)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self._site.open.add(self)

    def data_received(self, data: bytes) -> None:
        self._touched_s = now_s = monotonic_s()
        if self._express is None and self._is_between and not self._queue:
            shortcut = self._shortcut
            if shortcut is not None:
                # Clients send head and body apart. A body that does not come in one piece is read by the parser.
                self._shortcut = None
                is_known = self._known.get(self._head) is shortcut
                if is_known and len(data) == shortcut.length and self._take(shortcut, data, now_s):
                    return
                data = self._head + data
            else:
                end = data.find(b"\r\n\r\n") + 4
                shortcut = self._known.get(data[:end])
                if shortcut is not None:
                    length = len(data) - end
                    if length == shortcut.length:
                        if self._take(shortcut, data[end:], now_s):
                            return
                    elif not length:
                        self._head, self._shortcut = data, shortcut
                        return
        self._read(data)

    def eof_received(self) -> bool:
        # A caller that sends no more does not wait for an answer either: clients close, they do not half-close.
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        self._site.open.discard(self)
        self._stop_parsing()
        express, self._express = self._express, None
        if express is not None:
            express.hung_up()
        while self._queue:
            self._queue.popleft().lose()

    def pause_writing(self) -> None:
        self._is_between = False
        self._write_paused_since_s = monotonic_s()
        self._unread_bytes = self._transport.get_write_buffer_size()
        handler = self._writer()
        if handler is not None:
            handler.pause_writing()

    def resume_writing(self) -> None:
        self._write_paused_since_s = None
        self._note()
        handler = self._writer()
        if handler is not None:
            handler.resume_writing()
        self._advance()

    # --- the shortcut

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """Answer the request that took a shortcut."""
        if self._express is None:
            return
        self._express = None
        transport = self._transport
        if transport.is_closing():
            return
        self._touched_s = monotonic_s()
        if self._site.is_draining and not self._queue:
            self._stop_parsing()
            transport.write(whole_answer(status, lines, body, _CLOSE))
            transport.close()
            return
        transport.write(whole_answer(status, lines, body))
        if self._queue:
            self._advance()

    def _take(self, shortcut: Shortcut, body: bytes, now_s: float) -> bool:
        try:
            self._express = shortcut.take(self, body, now_s)
        except Exception as error:
            log.error("request failed", exc_info=error)
            self._fail(_BUG)
            return True
        self._has_asked = True
        return self._express is not None

    def _leave_shortcut(self) -> None:
        """The body of a known head takes its time: from here on it is the parser's business."""
        if self._shortcut is not None:
            self._shortcut = None
            self._read(self._head)

    # --- the long way

    def _read(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            return
        is_first = self._is_between and not self._queue
        try:
            parser.feed(data)
        except Malformed as error:
            self._fail(error.refusal)
        except Exception as error:
            log.error("request failed", exc_info=error)
            self._fail(_BUG)
        else:
            if not parser.is_in_head:
                self._head_since_s = None
            elif self._head_since_s is None or parser.has_ended_one:
                self._head_since_s = self._touched_s
        self._note()
        if is_first and self._queue:
            first = self._queue[0]
            if first.shortcut is not None:
                self._site.shortcuts.learn(data, first.head, first.shortcut)
        self._regulate_reading()

    def _note(self) -> None:
        parser = self._parser
        self._is_between = parser is not None and parser.is_between and self._write_paused_since_s is None

    def _stop_parsing(self) -> None:
        self._parser = None
        self._incoming = None
        self._shortcut = None
        self._is_between = False

    # --- what the parser tells us

    def head_parsed(self, head: Head) -> None:
        if self._parser is None:
            # The answer to the request in front of this one was the last.
            return
        self._has_asked = True
        exchange = Exchange(self, head, self.peer)
        self._incoming = exchange
        self._pace = Pace(self._site.loop.time())
        self._queue.append(exchange)
        self._advance()

    def body_parsed(self, chunk: bytes) -> None:
        if self._incoming is not None:
            self._incoming.feed(chunk)

    def request_parsed(self) -> None:
        exchange, self._incoming = self._incoming, None
        if exchange is not None:
            if not exchange.head.keep_alive:
                self._parser = None
                self._is_between = False
            exchange.complete()
            self._advance()

    # --- what exchanges ask of us

    def write(self, data: bytes) -> None:
        # uvloop raises where asyncio only logs.
        if not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        self._stop_parsing()
        self._transport.abort()

    def progressed(self) -> None:
        self._advance()

    # --- what the site asks of us

    def check(self, now_s: float) -> None:
        """End the connection if it has been waiting for its caller for too long."""
        limits = self._site.limits
        self._leave_shortcut()
        if self._lingers_until_s is not None:
            if now_s > self._lingers_until_s:
                self.abort()
        elif self._write_paused_since_s is not None:
            self._write_paused_since_s = self._last_read_s(self._write_paused_since_s, now_s)
            if now_s - self._write_paused_since_s > limits.write_stall_s:
                self.abort()
        elif self._head_since_s is not None and not self._queue:
            if now_s - self._head_since_s > limits.header_timeout_s:
                self._fail(Refusal(408, "BAD_REQUEST", "the request's headers did not arrive in time"))
        elif self._express is None and not self._queue:
            if now_s - self._touched_s > limits.idle_timeout_s:
                self._transport.close()
        elif self._incoming is not None and not self._is_read_paused:
            self._check_body(self._incoming, now_s)

    def _check_body(self, incoming: Exchange, now_s: float) -> None:
        limits = self._site.limits
        if now_s - self._touched_s > limits.body_stall_s:
            self._fail(Refusal(408, "BAD_REQUEST", "the request's body stopped arriving"))
        elif self._pace.is_too_slow(
            incoming.received_bytes, now_s, grace_s=limits.body_stall_s, bytes_per_s=limits.body_bytes_per_s
        ):
            self._fail(Refusal(408, "BAD_REQUEST", "the request's body arrived too slowly"))

    def close_if_idle(self) -> None:
        is_new = not self._has_asked and self._site.loop.time() - self._touched_s < _FIRST_BYTE_S
        is_asking = self._queue or self._express is not None or self._shortcut is not None
        if not is_asking and self._head_since_s is None and self._lingers_until_s is None and not is_new:
            self._transport.close()

    # --- details

    def _last_read_s(self, before_s: float, now_s: float) -> float:
        """When the caller last took something of its answer, as far as looks from time to time can tell."""
        former, self._unread_bytes = self._unread_bytes, self._transport.get_write_buffer_size()
        return now_s if self._unread_bytes < former else before_s

    def _writer(self) -> Handler | None:
        front = self._queue[0] if self._queue else None
        return None if front is None or front.is_answered else front.handler

    def _advance(self) -> None:
        """Begin the front exchange, or go on to the next one if it is done. Safe to call from anywhere."""
        if self._is_advancing or self._express is not None:
            return
        self._is_advancing = True
        try:
            while self._queue and self._write_paused_since_s is None:
                front = self._queue[0]
                self._begin(front)
                if not front.is_answered or not (front.is_complete or front.closes):
                    break
                self._queue.popleft()
                self._touched_s = self._site.loop.time()
                # Exchange and handler hold each other: without this each request would wait for the garbage collector.
                front.handler = None
                if front.closes:
                    self._end(front)
                    return
        finally:
            self._is_advancing = False
        if self.is_draining:
            self.close_if_idle()
        self._regulate_reading()

    def _begin(self, front: Exchange) -> None:
        if front.handler is None and front.refusal is None:
            try:
                front.start(self._site.serve(front))
            except Exception as error:
                log.error("request failed", exc_info=error)
                front.refusal = _BUG
        if front.refusal is not None:
            front.refuse(front.refusal)

    def _end(self, last: Exchange) -> None:
        """Close behind the last answer. Whoever may still be sending is read on: a reset would destroy the answer."""
        self._stop_parsing()
        while self._queue:
            self._queue.popleft().lose()
        if self._transport.is_closing():
            return
        # Behind the head of what could not be read there may be any number of bytes.
        is_whole = last.is_complete or (last.refusal is None and not last.head.has_body)
        if is_whole and not last.head.keep_alive:
            self._transport.close()
            return
        longest_s = self._site.limits.linger_s
        self._lingers_until_s = self._site.loop.time() + (min(longest_s, _LAST_READ_S) if is_whole else longest_s)
        # Under TLS no side can end alone: there the caller closes, as it was told to.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._resume_reading()

    def _fail(self, refusal: Refusal) -> None:
        """Nothing of what follows can be understood: say so behind the answers that are due, then close."""
        if self._parser is None and self._incoming is None:
            # Bytes behind a request that said it is the last.
            return
        exchange = self._incoming
        self._stop_parsing()
        if exchange is None:
            exchange = Exchange(self, _UNREADABLE, self.peer)
            self._queue.append(exchange)
        elif exchange.is_answered:
            exchange.closes = True
        elif exchange.is_begun:
            self.abort()
            return
        elif exchange.handler is not None:
            exchange.handler.hung_up()
        exchange.handler = SILENT
        exchange.refusal = refusal
        self._advance()

    def _regulate_reading(self) -> None:
        front = self._queue[0] if self._queue else None
        wants = front is None or (
            self._express is None
            and len(self._queue) == 1
            and (front.is_answered or front.is_complete or not front.is_paused)
        )
        if wants or self._lingers_until_s is not None:
            self._resume_reading()
        elif not self._is_read_paused and not self._transport.is_closing():
            self._is_read_paused = True
            self._pace.pause(self._site.loop.time())
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_read_paused and not self._transport.is_closing():
            self._is_read_paused = False
            # A pause is our doing and must not count as the caller's silence.
            self._touched_s = now_s = self._site.loop.time()
            self._pace.resume(now_s)
            self._transport.resume_reading()
