"""MLflow's artifact protocol, streaming: MLflow's own server would hold whole files in memory."""

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from pierhead.catalog.api.transfers import body_of, file_answer, path_of, to_read, to_write
from pierhead.catalog.services.mounts import Mounts, Place
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.files import FileEntry
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Routes
from pierhead.tracking.api.artifacts_wire import files_of

# A page that was logged as an artifact must not run as a page of this server.
_HEADERS = {"x-content-type-options": "nosniff"}


def add_routes(routes: Routes, mounts: Mounts, uploads: Uploads) -> None:
    """`/api/2.0/mlflow-artifacts/artifacts[/PATH]` and its twins; '' in `mounts` is the tree of runs and models."""
    doors = ArtifactDoors(mounts, uploads)
    base = "/2.0/mlflow-artifacts/artifacts"
    routes.add_streaming("GET", base, doors.list, prefixes=MLFLOW_PREFIXES)
    for method, endpoint in (("GET", doors.download), ("PUT", doors.upload), ("DELETE", doors.delete)):
        routes.add_streaming(method, base + "/{path:path}", endpoint, prefixes=MLFLOW_PREFIXES)


class ArtifactDoors:
    """One endpoint for each call."""

    def __init__(self, mounts: Mounts, uploads: Uploads) -> None:
        self._mounts = mounts
        self._uploads = uploads

    async def list(self, request: Request) -> Response:
        place = await to_read(request, self._mounts, request.query_params.get("path", ""))
        return json_response(files_of(await run_sync(_entries, place)))

    async def download(self, request: Request) -> Response:
        place = await to_read(request, self._mounts, path_of(request))
        name = place.path.rpartition("/")[2]
        try:
            return await file_answer(request, place, filename=name, headers=_HEADERS)
        except NotFound:
            await run_sync(_refuse_directory, place)
            raise

    async def upload(self, request: Request) -> Response:
        path = path_of(request)
        if path.endswith("/") or not path:
            raise InvalidArgument(f"artifact path {path!r} must end with a file's name")
        place = await to_write(request, self._mounts, path)
        await self._uploads.put(body_of(request), place, overwrite=True, by=request.state.caller)
        return json_response({})

    async def delete(self, request: Request) -> Response:
        place = await to_write(request, self._mounts, path_of(request))
        await run_sync(_delete, place, request.state.caller)
        return json_response({})


def _entries(place: Place) -> "list[FileEntry]":
    """What MLflow answers: a path that is no directory holds nothing."""
    try:
        return place.tree.list(place.inside)
    except NotFound:
        return []


def _refuse_directory(place: Place) -> None:
    entry = place.tree.find(place.inside)
    if entry is not None and entry.is_directory:
        raise InvalidArgument(f"artifact path {place.path!r} is a directory, not a file")


def _delete(place: Place, by: Caller) -> None:
    place.tree.delete(place.inside, by=by)
