"""Tells the controller at once that somebody waits for a worker."""

import contextlib
import socket
from pathlib import Path


class Nudge:
    """Sends empty datagrams. Whether anybody takes them does not matter: counters on disk say the same, a bit later."""

    def __init__(self, path: Path | None) -> None:
        self._path = None if path is None else str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def send(self) -> None:
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(b"", self._path)

    def close(self) -> None:
        self._socket.close()
