"""Bodies and queries of calls, read within limits."""

import json
from collections.abc import AsyncIterator, Collection
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from pierhead.kit.errors import BadRequest, TooLarge, UnsupportedMediaType
from pierhead.tracking.domain.inflating import ENCODINGS, Inflater

Body = AsyncIterator[bytes] | bytes | None

_SMALL_BODY_BYTES = 1024 * 1024
_LARGEST_BODY_BYTES = 64 * 1024 * 1024
_LARGEST_CHECKED_BODY_BYTES = 16 * 1024 * 1024
_MOST_QUERY_FIELDS = 10_000


def query_of(request: Request) -> str:
    """The query as it came. Raises BadRequest if it is not plain ASCII, as the protocol demands."""
    try:
        query: str = request.scope["query_string"].decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest("the query holds bytes that are not percent-encoded") from None
    return query


def query_fields(request: Request, lists: Collection[str]) -> dict[str, Any]:
    """The query as fields: what is in `lists` as a list, and so is what comes with several values; others as a text.

    Raises BadRequest.
    """
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query_of(request), keep_blank_values=True, errors="strict", max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError as error:
        raise BadRequest(f"the query cannot be read: {error}") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if name in lists or len(set(values)) > 1 else values[0] for name, values in found.items()}


def refuse_compressed(request: Request) -> None:
    """Raises UnsupportedMediaType: MLflow's server would inflate without an end."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise UnsupportedMediaType(
            f"{request.method} {request.scope['path']} takes no body with Content-Encoding {encoding!r}; send it plain"
        )


async def as_it_is(request: Request, headers: dict[str, str]) -> tuple[dict[str, str], Body]:
    """The body unread, if it is large; and the headers that go with it."""
    length = request.headers.get("content-length", "")
    if not length:
        # MLflow's server reads no body whose length it is not told.
        return headers, await _whole(request, _LARGEST_BODY_BYTES) or None
    if length == "0":
        return headers, None
    if length.isdigit() and int(length) <= _SMALL_BODY_BYTES:
        # Read before a connection is taken, so that slow senders wait for themselves alone.
        return headers, await _whole(request, _SMALL_BODY_BYTES)
    _refuse_announced(request, _LARGEST_BODY_BYTES)
    return {**headers, "content-length": length}, _bounded(request, _LARGEST_BODY_BYTES)


async def checked(request: Request) -> bytes:
    """The whole of a body that we look into."""
    return await _whole(request, _LARGEST_CHECKED_BODY_BYTES)


def json_of(text: bytes) -> Any:
    """As MLflow's server would read it, NaN and large numbers too, but in UTF-8 only. Raises BadRequest."""
    try:
        return json.loads(text.decode())
    except ValueError as error:
        raise BadRequest(f"the request body is not valid JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None


def json_object(text: bytes) -> dict[str, Any]:
    """The fields of a body; none if it is empty. Raises BadRequest."""
    value = json_of(text or b"{}")
    if not isinstance(value, dict):
        raise BadRequest(f"the request body must be a JSON object, not a {type(value).__name__}")
    return value


def json_text(value: Any) -> bytes:
    """What `json_of` read, written anew. Raises BadRequest for half characters, which MLflow's server cannot read."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequest("the request body holds one half of a surrogate pair, which is no character") from None
    except RecursionError:
        raise _too_deep() from None


async def inflated(request: Request) -> bytes:
    """The whole of a body that may come compressed."""
    return b"".join([piece async for piece in _inflated(request)])


async def _inflated(request: Request) -> AsyncIterator[bytes]:
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        async for piece in _bounded(request, _LARGEST_BODY_BYTES):
            yield piece
        return
    if encoding not in ENCODINGS:
        raise UnsupportedMediaType(f"Content-Encoding {encoding!r} is none of {', '.join(sorted(ENCODINGS))}")
    inflater = Inflater(encoding)
    size = 0
    async for piece in _bounded(request, _LARGEST_BODY_BYTES):
        for part in inflater.feed(piece):
            size += len(part)
            if size > _LARGEST_BODY_BYTES:
                raise _too_large(request, _LARGEST_BODY_BYTES)
            yield part
    inflater.end()


async def _whole(request: Request, limit_bytes: int) -> bytes:
    return b"".join([piece async for piece in _bounded(request, limit_bytes)])


async def _bounded(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    _refuse_announced(request, limit_bytes)
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > limit_bytes:
                raise _too_large(request, limit_bytes)
            if piece:
                yield piece
    except ClientDisconnect:
        raise BadRequest("the request broke off before its end") from None


def _refuse_announced(request: Request, limit_bytes: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit_bytes:
        raise _too_large(request, limit_bytes)


def _too_large(request: Request, limit_bytes: int) -> TooLarge:
    return TooLarge(f"the body of {request.method} {request.scope['path']} exceeds {limit_bytes} bytes")


def _too_deep() -> BadRequest:
    return BadRequest("the request body is nested too deeply")
