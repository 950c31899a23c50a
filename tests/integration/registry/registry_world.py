"""A registry on a real database and a real folder, and the doors to it on a loopback port."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.furnishing import furnish
from harness.http import Answer
from pierhead.identity.services.accounts import Identities
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from pierhead.kit.folder_tree import relative_path
from pierhead.kit.names import FullName
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import Routes
from pierhead.registry.adapters.http_deliverer import HttpDeliverer
from pierhead.registry.api.downloads import is_public
from pierhead.registry.api.routes import add_routes
from pierhead.registry.domain.gate import Evidence, PromotionTarget, ProvenanceState, Scan
from pierhead.registry.domain.models import ModelVersion, VersionDraft
from pierhead.registry.domain.policies import Provenance
from pierhead.registry.services.gatekeeping import GateSources
from pierhead.registry.services.models import Models
from pierhead.registry.services.origins import Origins
from pierhead.registry.services.policies import Policies
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.provenance import Provenances
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.training_data import TrainingData
from pierhead.registry.services.tree import BY_NAME, BY_PARTS, RegistryTree
from pierhead.registry.services.versions import Versions
from pierhead.registry.services.webhook_sender import WebhookSender, webhook_seal
from pierhead.tracking.domain.runs import LoggedModelFacts, RunFacts

ADA = Caller("1", "ada", frozenset({"admins", "ml-leads"}), entitlements=frozenset({"workspace-access"}))
"""Who may everything that rights allow; under the policy `solo` nothing else is asked for."""

MLMODEL = """\
artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.7
mlflow_version: 3.17.2
model_uuid: 5f0e1c2d3b4a59687766554433221100
run_id: 0123456789abcdef0123456789abcdef
signature:
  inputs: '[{"type": "double", "name": "amount", "required": true}]'
  outputs: '[{"type": "double", "name": "score", "required": true}]'
"""


class NoRuns:
    """A tracking server that knows nothing."""

    def find(self, run_id: str) -> RunFacts | None:
        return None

    def find_logged_model(self, model_id: str) -> LoggedModelFacts | None:
        return None


class NoTables:
    """A catalog without tables."""

    def find_location(self, name: FullName) -> Path | None:
        return None

    def may_open(self, path: Path) -> bool:
        return False

    def is_kept(self, location: Path) -> bool:
        return False


GOOD_EVIDENCE = Evidence(
    files_digest="",
    has_signature=True,
    provenance=ProvenanceState.COMPLETE,
    provenance_message="",
    provenance_digest="p" * 64,
    scan=Scan(3, ()),
)
"""Passes every check of the policies that ship with Pierhead; the digest is that of the version at hand."""


class FakeSources:
    """Sources that are folders here, by the words that clients use for them."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}

    def require_origin(self, run_id: str | None, model_id: str | None, *, by: Caller) -> None:
        return

    def locate(self, source: str, *, run_id: str | None, model_id: str | None, by: Caller) -> Path:
        if source not in self.folders:
            raise InvalidArgument(f"source '{source}' names nothing here")
        return self.folders[source]


class World:
    """Everything that wiring would give to the registry."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.clock = FixedClock(datetime.now(UTC))
        self.database = database
        self.artifacts = ArtifactStore(folder / "store")
        self.pending = folder / "pending"
        self.pending.mkdir()
        self.sources = FakeSources()
        self.callers = {"good": ADA}
        self.sender = WebhookSender(webhook_seal(b"k" * 32), HttpDeliverer())
        self.evidence = GOOD_EVIDENCE
        self.authors: dict[str, frozenset[str]] = {}
        self.refreshed: list[tuple[str, int]] = []
        self.gate = GateSources(
            clock=self.clock,
            policies=lambda connection: Policies(connection, self.clock).active(),
            evidence=self._evidence_of,
            authors=lambda _connection, version: self.authors.get(version.run_id or "", frozenset()),
            refresh=lambda name, number: self.refreshed.append((name, number)),
        )
        self.registrations = Registrations(
            self.database, self.clock, self.artifacts, self.sources, self.pending, self.gate, self._provenances()
        )
        with database.transaction() as connection:
            furnish(connection)
        self.use_policies("solo")
        self.by_parts = RegistryTree(self.database, self.artifacts, self.pending, BY_PARTS)
        self.by_name = RegistryTree(self.database, self.artifacts, self.pending, BY_NAME)
        self._app: LiveApp | None = None

    def close(self) -> None:
        if self._app is not None:
            self._app.__exit__(None, None, None)

    def _provenances(self) -> Provenances:
        data = TrainingData(NoTables())
        origins = Origins(self.artifacts, NoRuns(), data)
        return Provenances(self.database, self.clock, origins, data, lambda _name: Provenance.OFF)

    def _evidence_of(self, _connection: Connection, version: ModelVersion, _target: PromotionTarget) -> Evidence:
        return replace(self.evidence, files_digest=version.digest)

    def use_policies(self, name: str, text: str | None = None) -> None:
        """Let the set `name` decide, which `text` is if it does not ship with Pierhead."""
        with self.database.transaction() as connection:
            policies = Policies(connection, self.clock)
            if text is not None:
                policies.apply(text, by="ada")
            policies.use(name, by="ada")

    def enrol(self, *callers: Caller) -> None:
        """Give these users accounts: the gate looks up the groups of whoever approved before."""
        with self.database.transaction() as connection:
            for caller in callers:
                Identities(connection, self.clock).create_user(caller.user_name, caller.groups)

    @contextmanager
    def promotions(self, by: Caller = ADA) -> Iterator[Promotions]:
        """What `by` can do, in one transaction."""
        with self.database.transaction() as connection:
            yield Promotions(connection, by, self.gate)

    def logged_model(self, source: str, files: dict[str, str] | None = None) -> Path:
        """A folder of a logged model behind `source`."""
        folder = self.folder / "logged" / str(len(self.sources.folders))
        for path, text in (files or {"MLmodel": MLMODEL, "code/score.py": "x = 1\n", "model.pkl": source}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        self.sources.folders[source] = folder
        return folder

    def create_model(self, name: str, tags: dict[str, str] | None = None, by: str = "ada") -> None:
        with self.database.transaction() as connection:
            Models(connection, self.clock).create(name, by=by, tags=tags)

    def register(self, name: str, source: str = "models:/m-1", by: Caller = ADA, **draft: Any) -> ModelVersion:
        """A READY version; its model and its source are made if need be."""
        with self.database.reading() as connection:
            try:
                Models(connection, self.clock).get(name)
                exists = True
            except NotFound:
                exists = False
        if not exists:
            self.create_model(name)
        if source not in self.sources.folders and source.startswith("models:/m-"):
            self.logged_model(source)
        return self.registrations.register(VersionDraft(name, source, **draft), by=by)

    def get(self, name: str, number: int) -> ModelVersion:
        with self.database.reading() as connection:
            return Versions(connection, self.clock).get(name, number)

    def upload(self, path: str, text: str, *, overwrite: bool = True) -> None:
        draft = self.folder / "draft"
        draft.write_text(text)
        self.by_parts.adopt(path, draft, overwrite=overwrite, by=ADA)

    @property
    def app(self) -> LiveApp:
        if self._app is None:
            self._app = LiveApp(self._application())
            self._app.__enter__()
        return self._app

    def call(self, method: str, path: str, body: Any = None, /, *, token: str = "good", **query: str) -> Answer:
        raw = None if body is None else json.dumps(body).encode()
        if query:
            path = f"{path}?{urlencode(query)}"
        return self.app.request(method, path, {"Authorization": f"Bearer {token}"}, raw)

    def mlflow(self, method: str, path: str, body: Any = None, /, **query: str) -> Any:
        """A call that must succeed."""
        answer = self.call(method, f"/api/2.0/mlflow/{path}", body, **query)
        assert answer.status == 200, answer.text
        return answer.json()

    def _authenticate(self, token: str) -> Caller:
        if token not in self.callers:
            raise Unauthenticated("no such token")
        return self.callers[token]

    def _application(self) -> Any:
        routes = Routes(self.database)
        add_routes(
            routes,
            database=self.database,
            clock=self.clock,
            artifacts=self.artifacts,
            registrations=self.registrations,
            gate=self.gate,
            sender=self.sender,
            key=b"k" * 32,
        )
        return application(
            [*routes.routes, *_file_doors(self)],
            authenticate=self._authenticate,
            is_public=lambda path: is_public(path) or path == "/.well-known/databricks-config",
            workspace_id="7",
        )


def _file_doors(world: World) -> list[Route]:
    """The least of MLflow's artifact proxy and of the Files API that the clients get along with."""

    def entries(path: str) -> list[dict[str, Any]]:
        return [
            {"path": f"/Models/{e.path}", "name": e.name, "is_directory": e.is_directory, "file_size": e.size_bytes}
            for e in world.by_parts.list(path)
        ]

    async def proxy(request: Request) -> Response:
        path = relative_path(request.path_params["path"]).removeprefix("registered-models/")
        return FileResponse(world.by_name.local_file(path))

    async def proxy_list(request: Request) -> Response:
        path = relative_path(request.query_params["path"]).removeprefix("registered-models/")
        found = world.by_name.find(path)
        listed = world.by_name.list(path) if found and found.is_directory else []
        files = [{"path": e.name, "is_dir": e.is_directory, "file_size": e.size_bytes} for e in listed]
        return json_response({"files": files})

    async def files(request: Request) -> Response:
        path = relative_path(request.path_params["path"])
        if request.method == "PUT":
            draft = world.folder / f"draft-{id(request)}"
            draft.write_bytes(await request.body())
            world.by_parts.adopt(path, draft, overwrite=True, by=ADA)
            return Response(status_code=204)
        return FileResponse(world.by_parts.local_file(path))

    async def directories(request: Request) -> Response:
        path = relative_path(request.path_params["path"])
        found = world.by_parts.find(path)
        if found is None or not found.is_directory:
            raise NotFound("no such directory")
        return json_response({"contents": entries(path)})

    async def config(_request: Request) -> Response:
        return json_response({"oidc_endpoint": "http://127.0.0.1/oidc", "workspace_id": "7"})

    async def refuse(_request: Request) -> Response:
        raise PermissionDenied("no signed addresses here")

    root = "/api/2.0/mlflow-artifacts/artifacts"
    return [
        Route(root, proxy_list),
        Route(root + "/{path:path}", proxy),
        Route("/api/2.0/fs/files/Models/{path:path}", files, methods=["GET", "PUT"]),
        Route("/api/2.0/fs/directories/Models/{path:path}", directories),
        Route("/api/2.0/fs/create-download-url", refuse, methods=["POST"]),
        Route("/.well-known/databricks-config", config),
    ]
