"""An answer of MLflow's server on its way back."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pierhead.kit.errors import Unavailable
from pierhead.kit.full_disk import disk_full, tells_of_full_disk
from pierhead.kit.web.caller import Client, client_of
from pierhead.kit.web.render import json_response
from pierhead.tracking.domain.rewriting import LocationRewriter

_PASSED_OUT = (
    "content-type",
    "content-length",
    "content-encoding",
    "content-disposition",
    "content-range",
    "accept-ranges",
    "cache-control",
    "etag",
    "last-modified",
    "x-content-type-options",
    "x-frame-options",
)

_LARGEST_ERROR_BYTES = 1024 * 1024
_PIECE_BYTES = 64 * 1024

_CODES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "ENDPOINT_NOT_FOUND"}


class Passing(StreamingResponse):
    """The child's answer, piece by piece; closes `connection` at its end, or when the caller has gone."""

    def __init__(self, request: Request, answer: aiohttp.ClientResponse, connection: AsyncExitStack) -> None:
        self._connection = connection
        headers = {name: answer.headers[name] for name in _PASSED_OUT if name in answer.headers}
        rewriter = _rewriter(request, answer)
        if rewriter is not None:
            headers.pop("content-length", None)
        super().__init__(_pieces(answer, rewriter), status_code=answer.status, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._connection:
            await super().__call__(scope, receive, send)


def _rewriter(request: Request, answer: aiohttp.ClientResponse) -> LocationRewriter | None:
    for_databricks = client_of(request.headers.get("user-agent", "")) is Client.DATABRICKS
    return LocationRewriter() if for_databricks and answer.content_type == "application/json" else None


async def _pieces(answer: aiohttp.ClientResponse, rewriter: LocationRewriter | None) -> AsyncIterator[bytes]:
    async for piece in answer.content.iter_chunked(_PIECE_BYTES):
        if rewriter is None:
            yield piece
        elif ready := rewriter.feed(piece):
            yield ready
    if rewriter is not None:
        yield rewriter.end()


async def failure(answer: aiohttp.ClientResponse) -> Response:
    """A refusal of the child, in our shape even where the child has another."""
    try:
        told = orjson.loads(await _short_body(answer))
    except orjson.JSONDecodeError:
        told = None
    if isinstance(told, dict) and "error_code" in told:
        if answer.status >= 500 and tells_of_full_disk(str(told.get("message"))):
            # MLflow's server says "try again", which its clients then do for minutes.
            raise disk_full(f"{answer.method} {answer.url.path}")
        return json_response({"message": "", **told}, status=answer.status)
    if answer.status == 503:
        raise Unavailable("the tracking server cannot answer at this moment; try again")
    code = _CODES.get(answer.status, "BAD_REQUEST" if answer.status < 500 else "INTERNAL_ERROR")
    message = f"the tracking server refused the call with status {answer.status}"
    if isinstance(told, dict) and "detail" in told:
        message += f": {told['detail']}"
    return json_response({"error_code": code, "message": message}, status=answer.status)


async def _short_body(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for piece in answer.content.iter_chunked(_PIECE_BYTES):
        body += piece
        if len(body) > _LARGEST_ERROR_BYTES:
            break
    return body
