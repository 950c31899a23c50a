"""A gateway's parts without sockets: one thread, no waiting, every order of events at will."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from pierhead.gateway.http.connection import Connection


class FakeLoop(asyncio.AbstractEventLoop):
    """Runs what is due when it is told to."""

    def __init__(self) -> None:
        self._due: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        self._due.append((callback, args))

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        """Never: nothing here takes time."""
        return _NoTimer()

    def create_task(self, coro: Any, **_options: Any) -> Any:
        """Never runs: a test connects and ends everything itself."""
        coro.close()
        return _NoTimer()

    def time(self) -> float:
        return time.monotonic()

    def run_due(self) -> None:
        while self._due:
            callback, args = self._due.popleft()
            callback(*args)


class _NoTimer:
    def cancel(self) -> None:
        pass


class FakeTransport(asyncio.Transport):
    """Keeps what is written; a caller's bytes wait in `incoming` while reading is paused, as they do in a socket."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.written = b""
        self.incoming = b""
        self.is_paused = False
        self.is_over = False
        self.is_lost = False
        self._protocol = protocol

    def write(self, data: Any) -> None:
        # uvloop raises here, too.
        assert not self.is_over, "written to a transport that is closed"
        self.written += bytes(data)

    def write_eof(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.is_over = True

    def abort(self) -> None:
        self.is_over = True

    def is_closing(self) -> bool:
        return self.is_over

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 4711) if name == "peername" else default

    # --- what the test does

    def lose(self) -> None:
        """The event loop tells the protocol that the connection is gone, once."""
        if not self.is_lost:
            self.is_over = self.is_lost = True
            self._protocol.connection_lost(None)


class Caller:
    """One connection, from the caller's side."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transport = FakeTransport(connection)
        connection.connection_made(self.transport)

    def send(self, piece: bytes) -> None:
        self.transport.incoming += piece
        self.read_on()

    def read_on(self) -> None:
        """What the kernel would hand over now."""
        transport = self.transport
        while transport.incoming and not transport.is_paused and not transport.is_over:
            piece, transport.incoming = transport.incoming, b""
            self.connection.data_received(piece)
        if transport.is_over:
            transport.lose()
