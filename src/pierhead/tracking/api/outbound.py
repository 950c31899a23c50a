"""A call on its way to MLflow's server: what of it passes, and what we change."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from pierhead.kit.errors import BadRequest, TooLarge
from pierhead.kit.web.caller import Caller
from pierhead.tracking.domain.rewriting import experiment_of, run_of

# Not the token, the cookies or the origin: the child knows no users, and refuses what looks like another site.
_PASSED_IN = (
    "accept",
    "content-type",
    "content-encoding",
    "if-none-match",
    "if-modified-since",
    "range",
    "user-agent",
    "x-mlflow-experiment-id",
    "x-mlflow-run-id",
)
Body = AsyncIterator[bytes] | bytes | None

_LARGEST_BODY_BYTES = 64 * 1024 * 1024
_LARGEST_CHANGED_BODY_BYTES = 1024 * 1024


def headers_of(request: Request, body: Body) -> dict[str, str]:
    """The headers that pass with `body`."""
    headers = {name: request.headers[name] for name in _PASSED_IN if name in request.headers}
    if isinstance(body, AsyncIterator):
        headers["content-length"] = request.headers["content-length"]
    return headers


def query_of(request: Request) -> str:
    """The query as it came. Raises BadRequest if it is not plain ASCII, as the protocol demands."""
    try:
        query: str = request.scope["query_string"].decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest("the query holds bytes that are not percent-encoded") from None
    return query


async def body_of(request: Request, path: str) -> Body:
    """The body to send to `path` at MLflow's server. Raises BadRequest, InvalidArgument or TooLarge."""
    caller: Caller = request.state.caller
    if path.endswith("/2.0/mlflow/runs/create"):
        return orjson.dumps(run_of(caller.user_name, await _json(request)))
    if path.endswith("/2.0/mlflow/experiments/create"):
        return orjson.dumps(experiment_of(await _json(request)))
    length = request.headers.get("content-length", "")
    if not length:
        # MLflow's server reads no body whose length it is not told.
        return b"".join([piece async for piece in _bounded(request, _LARGEST_BODY_BYTES)]) or None
    if length == "0":
        return None
    if length.isdigit() and int(length) > _LARGEST_BODY_BYTES:
        raise TooLarge(f"the body of {request.method} {request.scope['path']} exceeds {_LARGEST_BODY_BYTES} bytes")
    return _bounded(request, _LARGEST_BODY_BYTES)


async def _bounded(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > limit_bytes:
                raise TooLarge(f"the body of {request.method} {request.scope['path']} exceeds {limit_bytes} bytes")
            if piece:
                yield piece
    except ClientDisconnect:
        raise BadRequest("the request broke off before its end") from None


async def _json(request: Request) -> dict[str, Any]:
    text = b"".join([piece async for piece in _bounded(request, _LARGEST_CHANGED_BODY_BYTES)])
    try:
        value = orjson.loads(text or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the request body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest(f"the request body must be a JSON object, not a {type(value).__name__}")
    return value
