"""Heads on their way through: what is said between two neighbours only stays behind. Pure."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from pierhead.gateway.http.answers import header_lines
from pierhead.gateway.http.head import Head

_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    )
)
_REWRITTEN = frozenset((b"content-length", b"expect", b"x-forwarded-for", b"x-forwarded-proto"))


def request_head(head: Head, peer: str, scheme: bytes = b"http") -> bytes:
    """The head that the api gets; its body is framed as the caller's is. Raises ValueError as `origin_form` does.

    `scheme` is what the caller spoke to us; a proxy in front of us that speaks TLS says so itself.
    """
    dropped = _dropped(head.headers)
    headers = [pair for pair in head.headers if pair[0] not in dropped and pair[0] not in _REWRITTEN]
    if head.is_chunked:
        headers.append((b"transfer-encoding", b"chunked"))
    elif head.content_length is not None:
        headers.append((b"content-length", b"%d" % head.content_length))
    former = [value for name, value in head.headers if name == b"x-forwarded-for"]
    hops = [*former, peer.encode()] if peer else former
    if hops:
        headers.append((b"x-forwarded-for", b", ".join(hops)))
    headers.append((b"x-forwarded-proto", head.find(b"x-forwarded-proto") or scheme))
    first = b"%b %b HTTP/1.1\r\n" % (head.method.encode("latin-1"), origin_form(head.target))
    return first + header_lines(headers) + b"\r\n"


def response_lines(headers: list[tuple[bytes, bytes]]) -> tuple[bytes, int | None]:
    """Header lines that the caller gets, and the length of the body if the api told it."""
    dropped = _dropped(headers)
    length = None
    kept = []
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name not in dropped:
            kept.append((name, value))
    return header_lines(kept), length


def origin_form(target: bytes) -> bytes:
    """Path and query of a request target. Raises ValueError if it is neither a path nor a URL.

    >>> origin_form(b"http://host:1/a/b?c=d")
    b'/a/b?c=d'
    >>> origin_form(b"/a")
    b'/a'
    """
    if target.startswith((b"/", b"*")):
        return target
    parts = urlsplit(target)
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")


def _dropped(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Names of headers that end at the next neighbour: the known ones and those that `connection` names."""
    named = [value for name, value in headers if name == b"connection"]
    if not named:
        return _HOP_BY_HOP
    return _HOP_BY_HOP | {token.strip().lower() for value in named for token in value.split(b",")}
