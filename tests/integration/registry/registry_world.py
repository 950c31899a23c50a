"""A registry on a real database and a real folder, and the doors to it on a loopback port."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.http import Answer
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.db import Database, metadata, sqlite_url
from pierhead.kit.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from pierhead.kit.folder_tree import relative_path
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import Routes
from pierhead.registry.api.downloads import is_public
from pierhead.registry.api.routes import add_routes
from pierhead.registry.domain.models import ModelVersion, VersionDraft
from pierhead.registry.services.models import Models
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.tree import BY_NAME, BY_PARTS, RegistryTree
from pierhead.registry.services.versions import Versions

ADA = Caller("1", "ada", frozenset())

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


class FakeSources:
    """Sources that are folders here, by the words that clients use for them."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}

    def locate(self, source: str, *, run_id: str | None, model_id: str | None) -> Path:
        if source not in self.folders:
            raise InvalidArgument(f"source '{source}' names nothing here")
        return self.folders[source]


class World:
    """Everything that wiring would give to the registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(datetime.now(UTC))
        self.database = Database(sqlite_url(folder / "test.db"))
        metadata.create_all(self.database.engine)
        self.artifacts = ArtifactStore(folder / "store")
        self.pending = folder / "pending"
        self.pending.mkdir()
        self.sources = FakeSources()
        self.registrations = Registrations(self.database, self.clock, self.artifacts, self.sources, self.pending)
        self.by_parts = RegistryTree(self.database, self.artifacts, self.pending, BY_PARTS)
        self.by_name = RegistryTree(self.database, self.artifacts, self.pending, BY_NAME)
        self._app: LiveApp | None = None

    def close(self) -> None:
        if self._app is not None:
            self._app.__exit__(None, None, None)
        self.database.dispose()

    def logged_model(self, source: str, files: dict[str, str] | None = None) -> Path:
        """A folder of a logged model behind `source`."""
        folder = self.folder / "logged" / str(len(self.sources.folders))
        for path, text in (files or {"MLmodel": MLMODEL, "code/score.py": "x = 1\n", "model.pkl": source}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        self.sources.folders[source] = folder
        return folder

    def create_model(self, name: str, tags: dict[str, str] | None = None) -> None:
        with self.database.transaction() as connection:
            Models(connection, self.clock).create(name, by="ada", tags=tags)

    def register(self, name: str, source: str = "models:/m-1", **draft: Any) -> ModelVersion:
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
        return self.registrations.register(VersionDraft(name, source, **draft), by="ada")

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

    def call(self, method: str, path: str, body: Any = None, /, **query: str) -> Answer:
        raw = None if body is None else json.dumps(body).encode()
        if query:
            path = f"{path}?{urlencode(query)}"
        return self.app.request(method, path, {"Authorization": "Bearer good"}, raw)

    def mlflow(self, method: str, path: str, body: Any = None, /, **query: str) -> Any:
        """A call that must succeed."""
        answer = self.call(method, f"/api/2.0/mlflow/{path}", body, **query)
        assert answer.status == 200, answer.text
        return answer.json()

    def _application(self) -> Any:
        routes = Routes(self.database)
        add_routes(
            routes,
            database=self.database,
            clock=self.clock,
            artifacts=self.artifacts,
            registrations=self.registrations,
            key=b"k" * 32,
        )
        return application(
            [*routes.routes, *_file_doors(self)],
            authenticate=_authenticate,
            is_public=lambda path: is_public(path) or path == "/.well-known/databricks-config",
            workspace_id="7",
        )


def _authenticate(token: str) -> Caller:
    if token != "good":
        raise Unauthenticated("no such token")
    return ADA


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
