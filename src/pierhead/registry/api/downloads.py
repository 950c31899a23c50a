"""How clients of the workspace registry read a version's files: a listing, and signed addresses good for a while."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from pierhead.identity.domain.objects import Action
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.errors import NotFound, PermissionDenied
from pierhead.kit.signing import is_signed, sign
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.guards import needs
from pierhead.registry.api.read import read_number
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.services.versions import Versions

_PREFIX = "/api/2.0/pierhead/artifacts/"
_LIFETIME = timedelta(minutes=15)
_PURPOSE = "download of a registered file"
_DIGITS = re.compile(r"[0-9]{1,16}")


def is_public(path: str) -> bool:
    """Whether a call needs no token, because its signature is the permission."""
    return path.startswith(_PREFIX)


class Downloads:
    """Handlers; `key` signs addresses."""

    def __init__(self, clock: Clock, artifacts: ArtifactStore, key: bytes) -> None:
        self._clock = clock
        self._artifacts = artifacts
        self._key = key

    def add_routes(self, routes: Routes) -> None:
        reads = needs(Action.READ)
        for path, handler in (("list-artifacts", self.list_files), ("get-signed-download-uri", self.sign_download)):
            routes.add("GET", f"/2.0/mlflow/model-versions/{path}", handler, prefixes=MLFLOW_PREFIXES, guard=reads)
        routes.add("GET", "/model-versions/get-artifact", self.show, prefixes=("", "/mlflow", "/ajax-api"), guard=reads)
        path = _PREFIX.removeprefix("/api") + "{signature}/{expires_ms}/{digest}/{path:path}"
        routes.add_streaming("GET", path, self.download)

    def list_files(self, call: Call, connection: Connection) -> dict[str, Any]:
        manifest = self._artifacts.manifest(self._version(call, connection).digest)
        path = (call.find_text("path") or "").strip("/")
        file = manifest.find(path)
        if file is not None:
            return {"files": [{"path": path, "is_dir": False, "file_size": file.size_bytes}]}
        inside = manifest.find_directory(path) or {}
        return {
            "files": [
                {"path": f"{path}/{name}".lstrip("/"), "is_dir": each is None}
                | ({} if each is None else {"file_size": each.size_bytes})
                for name, each in sorted(inside.items())
            ]
        }

    def sign_download(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = self._version(call, connection)
        path = call.text("path").strip("/")
        expires_ms = str(to_ms(self._clock.now() + _LIFETIME))
        # The content itself, not its version: a name can come to mean another model while the address is good.
        parts = (self._digest_of(version, path), path)
        signature = sign(self._key, _PURPOSE, expires_ms, *parts)
        address = "/".join((signature, expires_ms, *(quote(part) for part in parts)))
        return {"signed_uri": f"{call.base_url}{_PREFIX}{address}", "headers": []}

    def show(self, call: Call, connection: Connection) -> Response:
        """A file for MLflow's page, which reads `MLmodel` to show a signature. Never opened as a page of ours."""
        path = call.text("path").strip("/")
        digest = self._digest_of(self._version(call, connection), path)
        return FileResponse(
            self._artifacts.file(digest),
            media_type="application/octet-stream",
            filename=path.rpartition("/")[2],
            headers={"x-content-type-options": "nosniff"},
        )

    async def download(self, request: Request) -> Response:
        """Raises PermissionDenied if the address is not ours or too old."""
        signature, expires_ms = request.path_params["signature"], request.path_params["expires_ms"]
        digest, path = request.path_params["digest"], request.path_params["path"]
        if not is_signed(self._key, signature, _PURPOSE, expires_ms, digest, path):
            raise PermissionDenied("the signature of this address is wrong; ask for a new address")
        if not _DIGITS.fullmatch(expires_ms) or int(expires_ms) < to_ms(self._clock.now()):
            raise PermissionDenied("this address has expired; ask for a new one")
        return FileResponse(self._artifacts.file(digest), media_type="application/octet-stream")

    def _digest_of(self, version: ModelVersion, path: str) -> str:
        file = self._artifacts.manifest(version.digest).find(path)
        if file is None:
            raise NotFound(f"version {version.number} of model '{version.model_name}' has no file {path!r}")
        return file.sha256

    def _version(self, call: Call, connection: Connection) -> ModelVersion:
        return Versions(connection, self._clock).get(call.text("name"), read_number(call))
