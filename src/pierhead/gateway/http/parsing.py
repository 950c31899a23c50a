"""Bytes -> heads, bodies and ends of requests."""

from typing import Protocol

import httptools

from pierhead.gateway.http.answers import Refusal, header_lines
from pierhead.gateway.http.head import Head

_VERSIONS = frozenset(("1.0", "1.1"))


class Sink(Protocol):
    """What takes the parts of requests, in order."""

    def head_parsed(self, head: Head) -> None: ...

    def body_parsed(self, chunk: bytes) -> None: ...

    def request_parsed(self) -> None: ...


class Malformed(Exception):
    """The bytes are no request that we answer; no later byte of this connection can be understood."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class RequestParser:
    """Feeds a sink. Raises Malformed once; afterwards it is of no use."""

    def __init__(self, sink: Sink, max_header_bytes: int) -> None:
        self._sink = sink
        self._max_header_bytes = max_header_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._header_bytes = 0
        self._is_replaying = False
        self._has_ended_one = False
        """Whether the piece that is being parsed held the end of a request: then not all of it is head."""
        self.is_in_head = False
        """Whether a request has begun whose headers are not complete."""

    def feed(self, data: bytes) -> None:
        """Raises Malformed; what comes out of the sink passes through."""
        self._has_ended_one = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            raise Malformed(Refusal(400, "BAD_REQUEST", f"the request is not valid HTTP/1.1: {error}")) from None
        if self.is_in_head and not self._has_ended_one:
            # The parser keeps an unfinished header to itself: what it was fed is all that we know of its length.
            self._count(len(data))

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._header_bytes = 0
        self.is_in_head = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.is_in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        self.is_in_head = False
        size = len(self._target)
        length: int | None = None
        coding = b""
        expects_continue = False
        for name, value in self._headers:
            size += len(name) + len(value) + 4
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                coding = value.lower()
            elif name == b"expect":
                expects_continue = value.lower() == b"100-continue"
        self._header_bytes = 0
        self._count(size)
        if parser.should_upgrade() and self._is_upgrade_ignored():
            self._is_replaying = True
            return
        version = parser.get_http_version()
        self._refuse_what_we_cannot(version, coding)
        self._sink.head_parsed(
            Head(
                method=parser.get_method().decode("latin-1"),
                target=self._target,
                version=version,
                headers=self._headers,
                keep_alive=parser.should_keep_alive(),
                content_length=length,
                is_chunked=bool(coding),
                expects_continue=expects_continue and version == "1.1",
            )
        )

    def on_body(self, chunk: bytes) -> None:
        self._sink.body_parsed(chunk)

    def on_message_complete(self) -> None:
        self._has_ended_one = True
        if not self._is_replaying:
            self._sink.request_parsed()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._max_header_bytes:
            message = f"the request's headers exceed {self._max_header_bytes} bytes; send less of them"
            raise Malformed(Refusal(431, "BAD_REQUEST", message))

    def _refuse_what_we_cannot(self, version: str, coding: bytes) -> None:
        if version not in _VERSIONS:
            raise Malformed(Refusal(505, "BAD_REQUEST", f"HTTP/{version} is not spoken here; use HTTP/1.1"))
        if coding not in (b"", b"chunked"):
            name = coding.decode("latin-1")
            raise Malformed(
                Refusal(501, "NOT_IMPLEMENTED", f"transfer coding {name!r} is not understood; use 'chunked'")
            )

    def _is_upgrade_ignored(self) -> bool:
        """Whether the answer to this offer is to go on with HTTP/1.1, as RFC 9110 allows. Raises Malformed."""
        if self._parser.get_method() == b"CONNECT":
            raise Malformed(Refusal(501, "NOT_IMPLEMENTED", "this is not a proxy: CONNECT is not answered"))
        if any(name == b"upgrade" and value.lower() == b"websocket" for name, value in self._headers):
            raise Malformed(Refusal(501, "NOT_IMPLEMENTED", "WebSockets are not answered here; use plain requests"))
        return True

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Read the request again without its offer of an upgrade (h2c): llhttp takes its body for another protocol."""
        head = self._parser.get_method() + b" " + self._target
        head += b" HTTP/%b\r\n" % self._parser.get_http_version().encode()
        dropped = (b"upgrade", b"connection", b"http2-settings")
        headers = [pair for pair in self._headers if pair[0] not in dropped]
        self._parser = httptools.HttpRequestParser(self)
        self._is_replaying = False
        self.feed(head + header_lines(headers) + b"\r\n" + rest)
