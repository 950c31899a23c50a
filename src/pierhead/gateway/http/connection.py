"""A caller's connection: requests are answered one at a time, in order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import structlog

from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.http.exchange import Exchange, Handler
from pierhead.gateway.http.head import Head
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.http.parsing import Malformed, RequestParser
from pierhead.gateway.http.silent import SILENT

log = structlog.get_logger()

Serve = Callable[[Exchange], Handler]
"""Begin to answer an exchange; what it returns gets the body and the caller's moods."""

_WRITE_BUFFER_BYTES = 256 * 1024

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


class Site:
    """What all connections of a gateway share."""

    def __init__(self, serve: Serve, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.serve = serve
        self.limits = limits
        self.loop = loop
        self.open: set[Connection] = set()
        self.is_draining = False

    def connection(self) -> "Connection":
        """A protocol for a connection that was just accepted."""
        return Connection(self)

    def sweep(self) -> None:
        """End the connections that wait for too long."""
        now = self.loop.time()
        for connection in list(self.open):
            connection.check(now)

    def drain(self) -> None:
        """Close what is idle; what is under way ends with its answer."""
        self.is_draining = True
        for connection in list(self.open):
            connection.close_if_idle()

    def abort(self) -> None:
        for connection in list(self.open):
            connection.abort()


class Connection(asyncio.Protocol):
    """Reads no further than the next request while one is being answered, so that memory stays bounded."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._transport: asyncio.Transport
        self._parser: RequestParser | None = RequestParser(self, site.limits.header_bytes)
        self._queue: deque[Exchange] = deque()
        self._incoming: Exchange | None = None
        """The exchange whose body is being read; the last of the queue."""
        self._peer = ""
        self._touched_s = site.loop.time()
        """When a byte arrived or an answer was finished."""
        self._head_since_s: float | None = None
        self._write_paused_since_s: float | None = None
        self._unread_bytes = 0
        """What of our answer the caller had not taken when we last looked."""
        self._has_asked = False
        self._lingers_until_s: float | None = None
        self._is_read_paused = False
        self._is_advancing = False

    @property
    def is_draining(self) -> bool:
        return self._site.is_draining

    # --- what the event loop tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES, low=_WRITE_BUFFER_BYTES // 4)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._site.open.add(self)

    def data_received(self, data: bytes) -> None:
        self._touched_s = self._site.loop.time()
        parser = self._parser
        if parser is None:
            return
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
        self._regulate_reading()

    def eof_received(self) -> bool:
        # A caller that sends no more does not wait for an answer either: clients close, they do not half-close.
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        self._site.open.discard(self)
        self._parser = None
        self._incoming = None
        while self._queue:
            self._queue.popleft().lose()

    def pause_writing(self) -> None:
        self._write_paused_since_s = self._site.loop.time()
        self._unread_bytes = self._transport.get_write_buffer_size()
        handler = self._writer()
        if handler is not None:
            handler.pause_writing()

    def resume_writing(self) -> None:
        self._write_paused_since_s = None
        handler = self._writer()
        if handler is not None:
            handler.resume_writing()
        self._advance()

    # --- what the parser tells us

    def head_parsed(self, head: Head) -> None:
        if self._parser is None:
            # The answer to the request in front of this one was the last.
            return
        self._has_asked = True
        exchange = Exchange(self, head, self._peer)
        self._incoming = exchange
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
            exchange.complete()
            self._advance()

    # --- what exchanges ask of us

    def write(self, data: bytes) -> None:
        # uvloop raises where asyncio only logs.
        if not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        self._parser = None
        self._transport.abort()

    def progressed(self) -> None:
        self._advance()

    # --- what the site asks of us

    def check(self, now_s: float) -> None:
        """End the connection if it has been waiting for its caller for too long."""
        limits = self._site.limits
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
        elif not self._queue:
            if now_s - self._touched_s > limits.idle_timeout_s:
                self._transport.close()
        elif self._incoming is not None and not self._is_read_paused and now_s - self._touched_s > limits.body_stall_s:
            self._fail(Refusal(408, "BAD_REQUEST", "the request's body stopped arriving"))

    def close_if_idle(self) -> None:
        is_new = not self._has_asked and self._site.loop.time() - self._touched_s < _FIRST_BYTE_S
        if not self._queue and self._head_since_s is None and self._lingers_until_s is None and not is_new:
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
        if self._is_advancing:
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
        self._parser = None
        self._incoming = None
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
        self._transport.write_eof()
        self._resume_reading()

    def _fail(self, refusal: Refusal) -> None:
        """Nothing of what follows can be understood: say so behind the answers that are due, then close."""
        if self._parser is None and self._incoming is None:
            # Bytes behind a request that said it is the last.
            return
        self._parser = None
        exchange, self._incoming = self._incoming, None
        if exchange is None:
            exchange = Exchange(self, _UNREADABLE, self._peer)
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
            len(self._queue) == 1 and (front.is_answered or front.is_complete or not front.is_paused)
        )
        if wants or self._lingers_until_s is not None:
            self._resume_reading()
        elif not self._is_read_paused and not self._transport.is_closing():
            self._is_read_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_read_paused and not self._transport.is_closing():
            self._is_read_paused = False
            # A pause is our doing and must not count as the caller's silence.
            self._touched_s = self._site.loop.time()
            self._transport.resume_reading()
