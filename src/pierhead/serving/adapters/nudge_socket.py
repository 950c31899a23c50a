"""Where gateways knock when a call waits and there is no worker for it, and others when they changed a ramp."""

import contextlib
import selectors
import socket
from pathlib import Path


def knock(path: Path) -> None:
    """Wake whoever waits at this socket, from any thread or process; never raises.

    Whether anybody is there does not matter: what the knock is about is written down, and found a bit later. So it
    comes after the commit.
    """
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as knocker,
    ):
        knocker.sendto(b"", str(path))


class NudgeSocket:
    """A unix datagram socket; what is in a datagram does not matter, and any number of them is one nudge."""

    def __init__(self, path: Path) -> None:
        """Takes the place of a predecessor's socket. Raises OSError if none can be made there."""
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)

    def wait(self, timeout_s: float) -> bool:
        """Whether somebody knocked, at the latest after `timeout_s` seconds."""
        if not self._selector.select(max(0.0, timeout_s)):
            return False
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(64)
        return True

    def close(self) -> None:
        self._selector.close()
        self._socket.close()
        self._path.unlink(missing_ok=True)
