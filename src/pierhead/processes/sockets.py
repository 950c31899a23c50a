"""Listening sockets that outlive the processes which serve them."""

import errno
import socket
from pathlib import Path

from pierhead.kit.home import Home
from pierhead.processes.errors import CannotStart

_BACKLOG = 2048


def listen_public(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes any free one. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(_bind_failure(host, port, error)) from None
    return listener


def listen_unix(path: Path) -> socket.socket:
    """A listening unix socket for its owner alone, in place of one that a dead process left. Raises CannotStart."""
    if answers(path):
        raise CannotStart(f"another process serves {path}; stop it first (`pierhead doctor` tells which one)")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(f"cannot listen on {path}: {error.strerror}") from None
    return listener


def answers(path: Path) -> bool:
    """Whether some process listens on this unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError as error:
            # A full backlog means somebody listens.
            return error.errno == errno.EAGAIN
    return True


def public_address(host: str, port: int, *, is_tls: bool = False) -> str:
    """The URL under which this machine reaches a socket bound to `host`.

    >>> public_address("0.0.0.0", 5050), public_address("::1", 80)
    ('http://127.0.0.1:5050', 'http://[::1]:80')
    """
    reachable = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "https" if is_tls else "http"
    return f"{scheme}://[{reachable}]:{port}" if ":" in reachable else f"{scheme}://{reachable}:{port}"


def address_file(home: Home) -> Path:
    """Holds the URL of the platform that runs on this home."""
    return home.run / "address"


def find_address(home: Home) -> str | None:
    try:
        return address_file(home).read_text().strip() or None
    except OSError:
        return None


def _bind_failure(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program; choose another with --port (0 takes any free one)"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} needs privileges that this user lacks; choose one above 1023 with --port"
    return f"cannot listen on {host} port {port}: {error.strerror or error}; check --host and --port"
