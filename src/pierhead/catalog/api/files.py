"""The Databricks file API: files and directories, whole."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from pierhead.catalog.api.files_wire import NoSuchFile, directory_page
from pierhead.catalog.api.transfers import body_of, file_answer, path_of, to_read, to_write
from pierhead.catalog.domain.transfers import page_start, page_token
from pierhead.catalog.services.mounts import Mounts, Place
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound
from pierhead.kit.files import FileEntry
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import Routes

Endpoint = Callable[[Request], Awaitable[Response]]

_LARGEST_PAGE = 1000


def add_routes(routes: Routes, mounts: Mounts, uploads: Uploads) -> None:
    """`GET HEAD PUT DELETE /api/2.0/fs/{files,directories}/PATH`."""
    doors = FileDoors(mounts, uploads)
    files, directories = "/2.0/fs/files/{path:path}", "/2.0/fs/directories/{path:path}"
    routes.add_streaming("GET", files, in_file_terms(doors.download))
    routes.add_streaming("PUT", files, in_file_terms(doors.upload))
    routes.add_streaming("DELETE", files, in_file_terms(doors.delete_file))
    routes.add_streaming("HEAD", directories, in_file_terms(doors.probe_directory))
    routes.add_streaming("GET", directories, in_file_terms(doors.list_directory))
    routes.add_streaming("PUT", directories, in_file_terms(doors.make_directory))
    routes.add_streaming("DELETE", directories, in_file_terms(doors.delete_directory))


def in_file_terms(endpoint: Endpoint) -> Endpoint:
    """Say NOT_FOUND where the rest of the platform says RESOURCE_DOES_NOT_EXIST: clients compare the code."""

    @wraps(endpoint)
    async def wrapped(request: Request) -> Response:
        try:
            return await endpoint(request)
        except NotFound as error:
            raise NoSuchFile(error.message) from error

    return wrapped


class FileDoors:
    """One endpoint for each call."""

    def __init__(self, mounts: Mounts, uploads: Uploads) -> None:
        self._mounts = mounts
        self._uploads = uploads

    async def download(self, request: Request) -> Response:
        place = await to_read(request, self._mounts, path_of(request))
        return await file_answer(request, place, media_type="application/octet-stream")

    async def upload(self, request: Request) -> Response:
        path = path_of(request)
        if path.endswith("/"):
            raise InvalidArgument(f"/{path} names a directory; a file is uploaded to a path without '/' at its end")
        overwrite = request.query_params.get("overwrite", "true").lower() != "false"
        place = await to_write(request, self._mounts, path)
        await self._uploads.put(body_of(request), place, overwrite=overwrite, by=request.state.caller)
        return Response(status_code=204)

    async def delete_file(self, request: Request) -> Response:
        await run_sync(_delete_file, await to_write(request, self._mounts, path_of(request)), request.state.caller)
        return Response(status_code=204)

    async def probe_directory(self, request: Request) -> Response:
        await run_sync(_directory, await to_read(request, self._mounts, path_of(request)))
        return Response()

    async def list_directory(self, request: Request) -> Response:
        place = await to_read(request, self._mounts, path_of(request))
        size = _page_size(request.query_params.get("page_size"))
        start = page_start(request.query_params.get("page_token", ""))
        return json_response(await run_sync(_page, place, start, size))

    async def make_directory(self, request: Request) -> Response:
        place = await to_write(request, self._mounts, path_of(request))
        await run_sync(_make_directory, place, request.state.caller)
        return Response(status_code=204)

    async def delete_directory(self, request: Request) -> Response:
        await run_sync(_delete_directory, await to_write(request, self._mounts, path_of(request)), request.state.caller)
        return Response(status_code=204)


def _page_size(text: str | None) -> int:
    try:
        wanted = int(text or 0)
    except ValueError:
        raise InvalidArgument(f"page_size must be a number, not {text!r}") from None
    return min(wanted, _LARGEST_PAGE) if wanted > 0 else _LARGEST_PAGE


def _page(place: Place, start: str, size: int) -> dict[str, Any]:
    entries = place.tree.list(place.inside)
    rest = [entry for entry in entries if entry.name > start]
    more = len(rest) > size
    return directory_page(place.path, rest[:size], page_token(rest[size - 1].name) if more else "")


def _directory(place: Place) -> FileEntry:
    entry = place.tree.find(place.inside)
    if entry is None or not entry.is_directory:
        raise NotFound(f"directory /{place.path} does not exist")
    return entry


def _delete_file(place: Place, by: Caller) -> None:
    entry = place.tree.find(place.inside)
    if entry is None or entry.is_directory:
        raise NotFound(f"file /{place.path} does not exist")
    place.tree.delete(place.inside, by=by)


def _make_directory(place: Place, by: Caller) -> None:
    place.tree.make_directory(place.inside, by=by)


def _delete_directory(place: Place, by: Caller) -> None:
    _directory(place)
    if place.tree.list(place.inside):
        raise InvalidState(f"directory /{place.path} is not empty; delete what is in it first")
    place.tree.delete(place.inside, by=by)
