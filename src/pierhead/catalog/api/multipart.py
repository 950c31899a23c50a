"""The Databricks file API: addresses for direct transfers, and files in parts."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pierhead.catalog.api.files import in_file_terms
from pierhead.catalog.api.files_wire import expire_time, parts_of, signed_address, signed_part
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.api.transfers import path_of
from pierhead.catalog.domain.transfers import Action, UploadSession, part_number
from pierhead.catalog.services.mounts import Mounts, Place
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call, PlainHandler, Routes, parse, render

DOOR = "files"
"""Where the sessions of this API begin, and must end."""

_MOST_ADDRESSES = 100


def add_routes(routes: Routes, mounts: Mounts, uploads: Uploads, signatures: Signatures) -> None:
    """`POST /api/2.0/fs/create-*-url*` and `POST /api/2.0/fs/files/PATH?action=...`."""
    doors = MultipartDoors(mounts, uploads, signatures)
    for path, handler in (
        ("/2.0/fs/create-download-url", doors.create_download_url),
        ("/2.0/fs/create-upload-url", doors.create_upload_url),
        ("/2.0/fs/create-upload-part-urls", doors.create_part_urls),
        ("/2.0/fs/create-abort-upload-url", doors.create_abort_url),
        ("/2.0/fs/files/{path:path}", doors.act),
    ):
        _add(routes, path, handler)


def _add(routes: Routes, path: str, handler: PlainHandler) -> None:
    async def endpoint(request: Request) -> Response:
        path_of(request)
        return render(await run_in_threadpool(handler, await parse(request)))

    routes.add_streaming("POST", path, in_file_terms(endpoint))


class MultipartDoors:
    """One handler for each call."""

    def __init__(self, mounts: Mounts, uploads: Uploads, signatures: Signatures) -> None:
        self._mounts = mounts
        self._uploads = uploads
        self._signatures = signatures

    def create_download_url(self, call: Call) -> dict[str, Any]:
        place = self._mounts.to_read(call.text("path"), by=call.caller)
        place.tree.local_file(place.inside)
        return signed_address(self._address(call, Action.DOWNLOAD, place.path))

    def create_upload_url(self, call: Call) -> dict[str, Any]:
        return signed_address(self._address(call, Action.UPLOAD, self._writable(call).path))

    def create_part_urls(self, call: Call) -> dict[str, Any]:
        session = self._session(call)
        first = part_number(call.number("start_part_number", 1))
        last = part_number(first + min(call.number("count", 1), _MOST_ADDRESSES) - 1)
        return {
            "upload_part_urls": [
                signed_part(self._address(call, Action.UPLOAD_PART, session.id, number), number)
                for number in range(first, last + 1)
            ]
        }

    def create_abort_url(self, call: Call) -> dict[str, Any]:
        session = self._session(call)
        return {"abort_upload_url": signed_address(self._address(call, Action.ABORT, session.id))}

    def act(self, call: Call) -> dict[str, Any]:
        match call.text("action"):
            case "initiate-upload":
                return self._initiate(call)
            case "complete-upload":
                return self._complete(call)
            case "abort-upload":
                self._uploads.abort(self._session(call).id)
                return {}
            case other:
                raise InvalidArgument(f"action {other!r} is none of initiate-upload, complete-upload, abort-upload")

    def _initiate(self, call: Call) -> dict[str, Any]:
        place = self._writable(call)
        session = self._uploads.start(DOOR, place.path, overwrite=call.flag("overwrite", True))
        return {"multipart_upload": {"session_token": session.id}}

    def _complete(self, call: Call) -> dict[str, Any]:
        place = self._writable(call)
        self._uploads.complete(self._session(call), parts_of(call), place, by=call.caller)
        return {}

    def _session(self, call: Call) -> UploadSession:
        session = self._uploads.get(call.text("session_token"))
        if (session.door, session.path) != (DOOR, self._writable(call).path):
            raise InvalidArgument(f"this session uploads another file than {call.text('path')}")
        return session

    def _writable(self, call: Call) -> Place:
        return self._mounts.to_write(call.text("path"), by=call.caller)

    def _address(self, call: Call, action: Action, target: str, number: int = 0) -> str:
        return self._signatures.address(
            call.base_url, action, target, call.caller, number=number, until=expire_time(call)
        )
