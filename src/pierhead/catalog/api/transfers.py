"""What every door for files shares: paths as the caller wrote them, files as answers."""

import os
import re
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from pierhead.catalog.services.mounts import Mounts, Place
from pierhead.kit.errors import BadRequest, InvalidArgument
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.render import json_response

_ENCODED_SEPARATOR = re.compile(rb"%(2f|5c)", re.IGNORECASE)


def path_of(request: Request) -> str:
    """The path behind the route. Raises InvalidArgument for a separator that was hidden by percent-encoding."""
    if _ENCODED_SEPARATOR.search(request.scope.get("raw_path") or b""):
        raise InvalidArgument("the path holds an encoded '/' or '\\'; write separators as they are")
    path: str = request.path_params.get("path", "")
    return path


async def to_read(request: Request, mounts: Mounts, path: str) -> Place:
    """As `Mounts.to_read`, for whoever sent the request."""
    caller: Caller = request.state.caller
    return await run_sync(lambda: mounts.to_read(path, by=caller))


async def to_write(request: Request, mounts: Mounts, path: str) -> Place:
    """As `Mounts.to_write`, for whoever sent the request."""
    caller: Caller = request.state.caller
    return await run_sync(lambda: mounts.to_write(path, by=caller))


async def body_of(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces. Raises BadRequest if the caller hangs up before its end."""
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise BadRequest("the upload broke off before its end; nothing of it was kept") from None


class FileAnswer(FileResponse):
    """A file, streamed; understands ranges, and HEAD."""

    # A megabyte for each hop to a thread instead of 64 kB makes large downloads several times as fast.
    chunk_size = 1024 * 1024


async def file_answer(request: Request, place: Place, **answer: Any) -> Response:
    """The file at `place`. Raises NotFound; answers 412 if it changed after `If-Unmodified-Since`."""
    file, seen = await run_sync(_find, place)
    since = request.headers.get("if-unmodified-since")
    if since is not None and seen.st_mtime >= _moment(since) + 1:
        message = f"/{place.path} changed after {since}; download it again from its beginning"
        return json_response({"error_code": "BAD_REQUEST", "message": message}, status=412)
    return FileAnswer(file, stat_result=seen, **answer)


def _find(place: Place) -> tuple[Path, os.stat_result]:
    file = place.tree.local_file(place.inside)
    return file, file.stat()


def _moment(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise BadRequest(f"If-Unmodified-Since is not a date: {text!r}") from None
