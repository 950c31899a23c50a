"""Persistent connections to the api over its unix socket: one exchange at a time on each."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from pierhead.gateway.unix_sockets import connect, is_stale
from pierhead.kit.clock import monotonic_s

_WRITE_BUFFER_BYTES = 256 * 1024

# The api closes what is idle for longer than it likes; most of these races are avoided by being first.
_LONGEST_IDLE_S = 4.0
_MOST_IDLE = 32

_CONNECT_FOR_S = 30.0
_FIRST_DELAY_S = 0.01
_LONGEST_DELAY_S = 0.25

_WITHOUT_BODY = frozenset((204, 304))


class UpstreamUser(Protocol):
    """Who sent the request that an upstream answers."""

    def upstream_answers(self, status: int, reason: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """The head of the final answer; header names in lower case."""

    def upstream_sends(self, chunk: bytes) -> None:
        """A piece of the answer's body."""

    def upstream_ended(self) -> None:
        """The answer is complete."""

    def upstream_lost(self, *, was_read: bool) -> None:
        """The connection is gone before the answer was complete. Unless `was_read`, the api never saw the request."""

    def upstream_full(self) -> None:
        """The api takes the body more slowly than we send it."""

    def upstream_free(self) -> None: ...


class Upstream(asyncio.Protocol):
    """A connection to the api."""

    def __init__(self, connection: socket.socket) -> None:
        self.idle_since_s = 0.0
        self._socket = connection
        self._transport: asyncio.Transport
        self._reply: _Reply | None = None
        self._keeps_alive = False

    def begin(self, user: UpstreamUser, *, is_head: bool) -> None:
        """Answers go to `user` from now on. An answer to a HEAD request has no body, whatever its headers say."""
        self._reply = _Reply(user, self._over, is_head=is_head)

    @property
    def is_kept_alive(self) -> bool:
        """Whether the api waits for another request after the one it has answered."""
        return self._keeps_alive and not self._transport.is_closing()

    @property
    def is_usable(self) -> bool:
        """Whether an idle connection can take a request."""
        is_fresh = monotonic_s() - self.idle_since_s < _LONGEST_IDLE_S
        return is_fresh and self.is_kept_alive and not is_stale(self._socket)

    def write(self, data: bytes) -> None:
        # uvloop raises where asyncio only logs.
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def pause(self) -> None:
        """Read no more of the answer for now."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def abandon(self) -> None:
        """Close; the user hears nothing more."""
        self._reply = None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES, low=_WRITE_BUFFER_BYTES // 4)

    def data_received(self, data: bytes) -> None:
        # What comes unasked makes the connection useless, as does what is no HTTP.
        if self._reply is None or not self._reply.feed(data):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._reply is not None:
            self._reply.user.upstream_full()

    def resume_writing(self) -> None:
        if self._reply is not None:
            self._reply.user.upstream_free()

    def _over(self, keeps_alive: bool) -> None:
        self._reply = None
        self._keeps_alive = keeps_alive
        self.idle_since_s = monotonic_s()


class _Reply:
    """One answer of the api, as it is parsed. A new one for each request, so that nothing of the last one is left."""

    def __init__(self, user: UpstreamUser, over: Callable[[bool], None], *, is_head: bool) -> None:
        self.user = user
        self._over = over
        self._is_head = is_head
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._is_final = False
        """Whether the head of the final answer is complete; interim answers come before."""
        self._ends_with_connection = False
        self._keeps_alive = False
        self._is_over = False

    def feed(self, data: bytes) -> bool:
        """False if the bytes are no answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_final and self._ends_with_connection and exc is None:
            self.user.upstream_ended()
            return
        # A unix socket that is closed with unread bytes in it resets its peer.
        number = exc.errno if isinstance(exc, OSError) else None
        self.user.upstream_lost(was_read=number not in (errno.ECONNRESET, errno.EPIPE))

    def on_message_begin(self) -> None:
        self._reason = b""
        self._headers = []

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_final:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._is_over:
            return
        self._is_final = True
        named = dict(self._headers)
        has_end = b"content-length" in named or b"transfer-encoding" in named or status in _WITHOUT_BODY
        self._ends_with_connection = not has_end and not self._is_head
        self._keeps_alive = self._parser.should_keep_alive() or (self._is_head and b"connection" not in named)
        self.user.upstream_answers(status, self._reason, self._headers)
        if self._is_head:
            self._end()

    def on_body(self, chunk: bytes) -> None:
        if self._is_final and not self._is_over:
            self.user.upstream_sends(chunk)

    def on_message_complete(self) -> None:
        if self._is_final and not self._is_over:
            self._end()

    def _end(self) -> None:
        self._is_over = True
        self._over(self._keeps_alive)
        self.user.upstream_ended()


class UpstreamPool:
    """Idle connections, and the way to new ones."""

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop, connect_for_s: float = _CONNECT_FOR_S) -> None:
        self._path = path
        self._loop = loop
        self._connect_for_s = connect_for_s
        self._idle: list[Upstream] = []

    @property
    def idle(self) -> int:
        return len(self._idle)

    def take_idle(self) -> Upstream | None:
        """An idle connection that the api has not closed, or None."""
        while self._idle:
            upstream = self._idle.pop()
            if upstream.is_usable:
                return upstream
            upstream.abandon()
        return None

    def give_back(self, upstream: Upstream) -> None:
        """Keep a connection whose exchange is over for the next one."""
        upstream.resume()
        self._idle.append(upstream)
        if len(self._idle) > _MOST_IDLE:
            self._idle.pop(0).abandon()

    async def connect(self) -> Upstream:
        """A new connection. Tries for a while, as the api may be restarting; raises OSError in the end."""
        until_s = monotonic_s() + self._connect_for_s
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                return await self._connect_once()
            except OSError:
                if monotonic_s() + delay_s > until_s:
                    raise
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)

    def close(self) -> None:
        for upstream in self._idle:
            upstream.abandon()
        self._idle.clear()

    async def _connect_once(self) -> Upstream:
        connection = connect(self._path)
        upstream = Upstream(connection)
        try:
            await self._loop.create_unix_connection(lambda: upstream, sock=connection)
        except BaseException:
            connection.close()
            raise
        return upstream
