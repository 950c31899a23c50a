"""The registry's `Deliverer`: one POST to an address that a user chose, which may be a trap."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from pierhead.kit.clock import monotonic_s
from pierhead.registry.domain.public_addresses import is_public
from pierhead.registry.domain.webhooks import private_refusal
from pierhead.registry.ports import Post, Reply, Unreached

CONNECT_TIMEOUT_S = 5.0
TOTAL_TIMEOUT_S = 10.0
LARGEST_REPLY_BYTES = 64 * 1024

_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class HttpDeliverer:
    """Looks the host up once and connects to the very address that it looked at, so that a name cannot mean a public
    address when it is checked and another one a moment later. Proxies of the environment are not used.

    A reply that trickles in is cut off after `total_timeout_s` seconds since the connection stood.
    """

    def __init__(
        self, *, connect_timeout_s: float = CONNECT_TIMEOUT_S, total_timeout_s: float = TOTAL_TIMEOUT_S
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._total_timeout_s = total_timeout_s

    def post(self, post: Post) -> Reply | Unreached:
        """One request. Its headers and body are in no message."""
        parts = urlsplit(post.url)
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        try:
            addresses = _look_up(host, port)
            allowed = [each for each in addresses if post.reaches_private or is_public(str(each[1][0]))]
            if not allowed:
                return Unreached(private_refusal(host))
            plain = self._connect(allowed)
        except OSError as error:
            return Unreached(f"no connection to {host}:{port}: {_words(error)}")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with plain:
            try:
                return self._exchange(plain, post, host, port, target, is_tls=is_tls)
            except (OSError, HTTPException, ValueError) as error:
                return Unreached(f"no answer from {host}:{port}: {_words(error)}")

    def _connect(self, addresses: list[_Address]) -> socket.socket:
        """A connection to the first address that takes one. Raises OSError."""
        until_s = monotonic_s() + self._connect_timeout_s
        failure: OSError = TimeoutError("timed out")
        for family, address in addresses:
            left_s = until_s - monotonic_s()
            if left_s <= 0:
                break
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(left_s)
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise failure

    def _exchange(
        self, plain: socket.socket, post: Post, host: str, port: int, target: str, *, is_tls: bool
    ) -> Reply | Unreached:
        plain.settimeout(self._total_timeout_s)
        channel = _tls(plain, host, verifies=post.verifies_tls) if is_tls else plain
        with channel, _cut_after(channel, self._total_timeout_s) as was_cut:
            try:
                if isinstance(channel, ssl.SSLSocket):
                    channel.do_handshake()
                connection = HTTPConnection(host, port)
                # The port is part of the Host header unless it is the scheme's own.
                connection.default_port = 443 if is_tls else 80
                connection.sock = channel
                connection.request("POST", target, post.body, dict(post.headers))
                response = connection.getresponse()
                body = response.read(LARGEST_REPLY_BYTES)
                response.close()
            except (OSError, HTTPException):
                if not was_cut.is_set():
                    raise
            # Headers that end in the middle count as whole ones to the library.
            if was_cut.is_set():
                return Unreached(f"no whole answer from {host}:{port} within {self._total_timeout_s:g} s")
        return Reply(response.status, body.decode("utf-8", "replace"))


def _look_up(host: str, port: int) -> list[_Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _tls(plain: socket.socket, host: str, *, verifies: bool) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    if not verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # The handshake comes later, when the whole exchange has its deadline.
    return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


@contextmanager
def _cut_after(channel: socket.socket, timeout_s: float) -> Iterator[threading.Event]:
    """End the connection if the block takes longer: a timeout of the socket counts from each byte anew."""
    was_cut = threading.Event()

    def cut() -> None:
        was_cut.set()
        try:
            # Not the method of a TLS socket, which would take the encryption away under the reader.
            socket.socket.shutdown(channel, socket.SHUT_RDWR)
        except OSError:
            # The other side was faster.
            return

    timer = threading.Timer(timeout_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield was_cut
    finally:
        timer.cancel()


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "timed out"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:300]
