"""MLflow's artifact protocol for files in parts."""

from typing import Any

from pierhead.catalog.api.files_wire import parts_of
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.domain.transfers import Action, UploadSession, part_number
from pierhead.catalog.services.mounts import Mounts, Place
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.tracking.api.artifacts_wire import credentials_of, target_of

DOOR = "mlflow-artifacts"
"""Where the sessions of this protocol begin, and must end."""


def add_routes(routes: Routes, mounts: Mounts, uploads: Uploads, signatures: Signatures) -> None:
    """`POST /api/2.0/mlflow-artifacts/mpu/{create,complete,abort}[/DIRECTORY]` and their twins."""
    doors = PartDoors(mounts, uploads, signatures)
    for step, handler in (("create", doors.create), ("complete", doors.complete), ("abort", doors.abort)):
        path = f"/2.0/mlflow-artifacts/mpu/{step}/{{directory:path}}"
        routes.add_plain("POST", path, handler, prefixes=MLFLOW_PREFIXES)


class PartDoors:
    """One handler for each step."""

    def __init__(self, mounts: Mounts, uploads: Uploads, signatures: Signatures) -> None:
        self._mounts = mounts
        self._uploads = uploads
        self._signatures = signatures

    def create(self, call: Call) -> dict[str, Any]:
        place = self._writable(call)
        count = part_number(call.number("num_parts", 1))
        session = self._uploads.start(DOOR, place.path, overwrite=True)
        addresses = [
            self._signatures.address(call.base_url, Action.UPLOAD_PART, session.id, call.caller, number=number)
            for number in range(1, count + 1)
        ]
        return credentials_of(session.id, addresses)

    def complete(self, call: Call) -> dict[str, Any]:
        place = self._writable(call)
        self._uploads.complete(self._session(call), parts_of(call), place, by=call.caller)
        return {}

    def abort(self, call: Call) -> dict[str, Any]:
        self._uploads.abort(self._session(call).id)
        return {}

    def _session(self, call: Call) -> UploadSession:
        session = self._uploads.get(call.text("upload_id"))
        if (session.door, session.path) != (DOOR, self._writable(call).path):
            raise InvalidArgument(f"this upload_id belongs to another file than {target_of(call)}")
        return session

    def _writable(self, call: Call) -> Place:
        return self._mounts.to_write(target_of(call), by=call.caller)
