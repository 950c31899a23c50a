"""A call on its way to MLflow's server: what of it passes, and what we change."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request

from pierhead.kit.errors import BadRequest, TooLarge, UnsupportedMediaType
from pierhead.kit.web.caller import Caller
from pierhead.tracking.domain.bodies import Check, check_of
from pierhead.tracking.domain.inflating import ENCODINGS, Inflater
from pierhead.tracking.domain.spans import SpanScreen

# Not the token, the cookies or the origin: the child knows no users, and refuses what looks like another site.
# Not content-encoding either: the child inflates without an end.
_PASSED_IN = (
    "accept",
    "content-type",
    "if-none-match",
    "if-modified-since",
    "range",
    "user-agent",
    "x-mlflow-experiment-id",
    "x-mlflow-run-id",
)
Body = AsyncIterator[bytes] | bytes | None

_SMALL_BODY_BYTES = 1024 * 1024
_LARGEST_BODY_BYTES = 64 * 1024 * 1024
_LARGEST_CHECKED_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outbound:
    """What goes to MLflow's server."""

    headers: dict[str, str]
    body: Body


def query_of(request: Request) -> str:
    """The query as it came. Raises BadRequest if it is not plain ASCII, as the protocol demands."""
    try:
        query: str = request.scope["query_string"].decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest("the query holds bytes that are not percent-encoded") from None
    return query


async def outbound_of(request: Request, path: str) -> Outbound:
    """What to send to `path` there. Raises a PierheadError; while the body is read, too."""
    headers = {name: request.headers[name] for name in _PASSED_IN if name in request.headers}
    if path.endswith("/v1/traces"):
        return Outbound(headers, await _spans(request))
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise UnsupportedMediaType(
            f"{request.method} {request.scope['path']} takes no body with Content-Encoding {encoding!r}; send it plain"
        )
    check = check_of(path)
    if check is not None:
        return Outbound(headers, await _checked(request, check))
    return await _as_it_is(request, headers)


async def _as_it_is(request: Request, headers: dict[str, str]) -> Outbound:
    length = request.headers.get("content-length", "")
    if not length:
        # MLflow's server reads no body whose length it is not told.
        return Outbound(headers, await _whole(request, _LARGEST_BODY_BYTES) or None)
    if length == "0":
        return Outbound(headers, None)
    if length.isdigit() and int(length) <= _SMALL_BODY_BYTES:
        # Read before a connection is taken, so that slow senders wait for themselves alone.
        return Outbound(headers, await _whole(request, _SMALL_BODY_BYTES))
    _refuse_announced(request, _LARGEST_BODY_BYTES)
    return Outbound({**headers, "content-length": length}, _bounded(request, _LARGEST_BODY_BYTES))


async def _checked(request: Request, check: Check) -> bytes | None:
    text = await _whole(request, _LARGEST_CHECKED_BODY_BYTES)
    if not text and request.method in ("GET", "HEAD", "DELETE"):
        return None
    caller: Caller = request.state.caller
    return await run_sync(_rebuilt, text, check, caller.user_name)


def _rebuilt(text: bytes, check: Check, user_name: str) -> bytes:
    value = _json(text or b"{}")
    if not isinstance(value, dict):
        raise BadRequest(f"the request body must be a JSON object, not a {type(value).__name__}")
    try:
        return json.dumps(check(user_name, value), separators=(",", ":")).encode()
    except RecursionError:
        raise BadRequest("the request body is nested too deeply") from None


def _json(text: bytes) -> Any:
    """As MLflow's server would read it, NaN and large numbers too, but in UTF-8 only."""
    try:
        return json.loads(text.decode())
    except ValueError as error:
        raise BadRequest(f"the request body is not valid JSON: {error}") from None
    except RecursionError:
        raise BadRequest("the request body is nested too deeply") from None


async def _spans(request: Request) -> Body:
    """The body of spans: its sender may compress it, and it may not set tags of MLflow's."""
    pieces = _inflated(request)
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        return _screened(pieces)
    text = b"".join([piece async for piece in pieces])
    return await run_sync(_screened_json, text)


async def _screened(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    screen = SpanScreen()
    async for piece in pieces:
        screen.look_at(piece)
        yield piece


def _screened_json(text: bytes) -> bytes:
    written = json.dumps(_json(text)).encode()
    SpanScreen().look_at(written)
    return written


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
        for inflated in inflater.feed(piece):
            size += len(inflated)
            if size > _LARGEST_BODY_BYTES:
                raise _too_large(request, _LARGEST_BODY_BYTES)
            if inflated:
                yield inflated
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
