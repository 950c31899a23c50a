"""Bytes -> heads, bodies and ends of requests."""

from typing import Protocol

import httptools

from pierhead.gateway.http.answers import Refusal, header_lines
from pierhead.gateway.http.head import Head

_VERSIONS = frozenset(("1.0", "1.1"))

# Said twice, each reader may believe another one: a proxy, this gateway, the api.
_SINGULAR = frozenset((b"host", b"authorization", b"origin"))


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
        self._is_in_body = False
        self._is_replaying = False
        self._has_advanced = False
        """Whether the piece that is being parsed held a body or the end of a head: then not all of it is overhead."""
        self.has_ended_one = False
        """Whether the last piece held the end of a request: what is in its head now began with that piece."""
        self.is_in_head = False
        """Whether a request has begun whose headers are not complete."""

    @property
    def is_between(self) -> bool:
        """Whether the next byte is the first one of a request."""
        return not self.is_in_head and not self._is_in_body

    def feed(self, data: bytes) -> None:
        """Raises Malformed; what comes out of the sink passes through."""
        self.has_ended_one = self._has_advanced = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            raise Malformed(Refusal(400, "BAD_REQUEST", f"the request is not valid HTTP/1.1: {error}")) from None
        if not self._has_advanced and (self.is_in_head or self._is_in_body):
            # The parser keeps unfinished headers and trailers to itself: what it was fed is all that we know of them.
            self._count(len(data))

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._header_bytes = 0
        self.is_in_head = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers are read over.
        if self.is_in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        self.is_in_head = False
        self._is_in_body = self._has_advanced = True
        size = len(self._target)
        length: int | None = None
        codings: list[bytes] = []
        singular = set()
        expects_continue = False
        for name, value in self._headers:
            size += len(name) + len(value) + 4
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                codings.append(value.strip().lower())
            elif name == b"expect":
                expects_continue = value.lower() == b"100-continue"
            elif name in _SINGULAR:
                if name in singular:
                    message = f"the request has more than one {name.decode()!r} header; send one"
                    raise Malformed(Refusal(400, "BAD_REQUEST", message))
                singular.add(name)
        self._header_bytes = 0
        self._count(size)
        self._header_bytes = 0
        if parser.should_upgrade() and self._is_upgrade_ignored():
            self._is_replaying = True
            return
        version = parser.get_http_version()
        self._refuse_what_we_cannot(version, codings, has_host=b"host" in singular)
        self._sink.head_parsed(
            Head(
                method=parser.get_method().decode("latin-1"),
                target=self._target,
                version=version,
                headers=self._headers,
                keep_alive=parser.should_keep_alive(),
                content_length=length,
                is_chunked=bool(codings),
                expects_continue=expects_continue and version == "1.1",
            )
        )

    def on_body(self, chunk: bytes) -> None:
        self._has_advanced = True
        self._header_bytes = 0
        self._sink.body_parsed(chunk)

    def on_message_complete(self) -> None:
        self.has_ended_one = self._has_advanced = True
        self._is_in_body = False
        if not self._is_replaying:
            self._sink.request_parsed()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._max_header_bytes:
            message = f"the request's headers or trailers exceed {self._max_header_bytes} bytes; send less of them"
            raise Malformed(Refusal(431, "BAD_REQUEST", message))

    def _refuse_what_we_cannot(self, version: str, codings: list[bytes], *, has_host: bool) -> None:
        if version not in _VERSIONS:
            raise Malformed(Refusal(505, "BAD_REQUEST", f"HTTP/{version} is not spoken here; use HTTP/1.1"))
        if version == "1.1" and not has_host:
            message = "the request has no 'host' header, which HTTP/1.1 asks for; send one, or speak HTTP/1.0"
            raise Malformed(Refusal(400, "BAD_REQUEST", message))
        if codings and codings != [b"chunked"]:
            name = b", ".join(codings).decode("latin-1")
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
