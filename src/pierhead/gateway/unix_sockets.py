"""Connections to processes on this machine."""

import socket


def connect(path: str) -> socket.socket:
    """A connected, non-blocking stream socket. Raises OSError, BlockingIOError if the listener's backlog is full.

    Connecting over a unix socket never waits: it succeeds or fails at once. An event loop's own `sock_connect` takes a
    full backlog for a connection in progress and reports success.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def is_stale(connection: socket.socket) -> bool:
    """Whether the other side has closed, or sent something, while nobody was listening to it."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
