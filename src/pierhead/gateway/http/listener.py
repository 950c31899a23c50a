"""Takes connections from a listening socket that other processes take from too."""

import asyncio
import errno
import os
import socket
import ssl

import structlog

from pierhead.gateway.http.site import Site

log = structlog.get_logger()

# Few at a time, so that the other gateways on this socket get their share.
_ACCEPTS_A_TURN = 16
_REST_S = 0.1

# How long a caller may take to agree on keys.
_HANDSHAKE_S = 10.0

_OUT_OF_RESOURCES = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Listener:
    """Accepts on a descriptor it does not own: stopping leaves the socket listening for the others."""

    def __init__(
        self, descriptor: int, site: Site, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext | None = None
    ) -> None:
        # A copy: closing it on garbage collection must not close the descriptor we were given.
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._socket.setblocking(False)
        self._site = site
        self._loop = loop
        self._tls = tls
        self._is_stopped = True
        self._greetings: set[asyncio.Task[None]] = set()

    @property
    def is_greeting(self) -> bool:
        """Whether an accepted connection is not in the site's hands yet."""
        return bool(self._greetings)

    def start(self) -> None:
        self._is_stopped = False
        self._loop.add_reader(self._socket.fileno(), self._accept)

    def stop(self) -> None:
        if self._is_stopped:
            return
        self._is_stopped = True
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            try:
                accepted, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                # Another gateway was faster, or the caller is gone already.
                return
            except OSError as error:
                self._rest(error)
                return
            accepted.setblocking(False)
            if accepted.family != socket.AF_UNIX:
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            greeting = self._loop.create_task(self._greet(accepted))
            self._greetings.add(greeting)
            greeting.add_done_callback(self._greetings.discard)

    async def _greet(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._site.connection,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else _HANDSHAKE_S,
            )
        except (ssl.SSLError, ConnectionError, TimeoutError):
            # Plain HTTP on a TLS port, a scanner, a caller without our protocol: their affair, and not a line each.
            accepted.close()
        except OSError as error:
            log.warning("connection could not be taken", error=str(error))
            accepted.close()

    def _rest(self, error: OSError) -> None:
        """Without free descriptors accepting would fail again at once, for ever."""
        if error.errno not in _OUT_OF_RESOURCES:
            raise error
        log.error("no connection can be accepted for a moment", error=str(error))
        self._loop.remove_reader(self._socket.fileno())
        self._loop.call_later(_REST_S, self._resume)

    def _resume(self) -> None:
        if not self._is_stopped:
            self._loop.add_reader(self._socket.fileno(), self._accept)
