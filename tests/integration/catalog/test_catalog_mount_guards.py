"""No door of the file API forgets to ask a mount's guard."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.http import Answer
from integration.catalog.catalog_app import TOKEN, authenticate
from pierhead.catalog.api import PUBLIC_PREFIXES
from pierhead.catalog.api import routes as catalog_routes
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mount, Mounts, Operation
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes

FILE, DIRECTORY = "/api/2.0/fs/files/Guarded/a", "/api/2.0/fs/directories/Guarded/d"
DOORS: list[tuple[str, str, object, Operation, str]] = [
    ("GET", FILE, None, "read", "a"),
    ("HEAD", FILE, None, "read", "a"),
    ("PUT", FILE, None, "write", "a"),
    ("DELETE", FILE, None, "write", "a"),
    ("HEAD", DIRECTORY, None, "read", "d"),
    ("GET", DIRECTORY, None, "read", "d"),
    ("PUT", DIRECTORY, None, "write", "d"),
    ("DELETE", DIRECTORY, None, "write", "d"),
    ("POST", "/api/2.0/fs/create-download-url", {"path": "/Guarded/a"}, "read", "a"),
    ("POST", "/api/2.0/fs/create-upload-url", {"path": "/Guarded/a"}, "write", "a"),
    ("POST", f"{FILE}?action=initiate-upload", {}, "write", "a"),
]


class Doorkeeper:
    """A guard that remembers who asked for what, and lets in as told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Operation, str]] = []
        self.is_open = False

    def check(self, caller: Caller, operation: Operation, path: str) -> None:
        self.asked.append((caller.user_name, operation, path))
        if not self.is_open:
            raise PermissionDenied("the doorkeeper says no")


@pytest.fixture
def keeper() -> Doorkeeper:
    return Doorkeeper()


@pytest.fixture
def app(tmp_path: Path, keeper: Doorkeeper) -> Iterator[LiveApp]:
    for name in ("uploads", "tree"):
        (tmp_path / name).mkdir()
    clock = FixedClock(datetime.now(UTC))
    routes = Routes(Database(sqlite_url(tmp_path / "unused.db")))
    mounts = Mounts({"Guarded": Mount(FolderTree(tmp_path / "tree"), keeper.check)})
    signatures = Signatures(b"k" * 32, clock)
    catalog_routes.add_routes(routes, mounts, Uploads(tmp_path / "uploads", clock), signatures, workspace_id="1")
    web = application(
        routes.routes,
        authenticate=authenticate,
        is_public=lambda path: path.startswith(PUBLIC_PREFIXES),
        workspace_id="1",
    )
    with LiveApp(web) as live:
        yield live


def ask(app: LiveApp, method: str, path: str, body: object = None) -> Answer:
    raw = None if body is None else json.dumps(body).encode()
    return app.request(method, path, {"Authorization": f"Bearer {TOKEN}"}, raw)


@pytest.mark.parametrize(("method", "path", "body", "operation", "inside"), DOORS)
def test_every_door_asks_before_it_acts(
    app: LiveApp,
    keeper: Doorkeeper,
    tmp_path: Path,
    method: str,
    path: str,
    body: object,
    operation: Operation,
    inside: str,
) -> None:
    assert ask(app, method, path, body).status == 403
    assert keeper.asked == [("ada", operation, inside)]
    assert (list((tmp_path / "tree").iterdir()), list((tmp_path / "uploads").iterdir())) == ([], [])


def test_a_session_is_asked_about_at_every_step(app: LiveApp, keeper: Doorkeeper) -> None:
    keeper.is_open = True
    begun = ask(app, "POST", f"{FILE}?action=initiate-upload", {}).json()
    token = begun["multipart_upload"]["session_token"]
    keeper.is_open = False
    for path, body in (
        ("/api/2.0/fs/create-upload-part-urls", {"path": "/Guarded/a", "session_token": token}),
        ("/api/2.0/fs/create-abort-upload-url", {"path": "/Guarded/a", "session_token": token}),
        (f"{FILE}?action=complete-upload&session_token={token}", {"parts": []}),
        (f"{FILE}?action=abort-upload&session_token={token}", {}),
    ):
        assert ask(app, "POST", path, body).status == 403, path
    assert {operation for _, operation, _ in keeper.asked} == {"write"}


def test_a_signed_address_needs_no_second_question(app: LiveApp, keeper: Doorkeeper, tmp_path: Path) -> None:
    keeper.is_open = True
    given = ask(app, "POST", "/api/2.0/fs/create-upload-url", {"path": "/Guarded/a"}).json()["url"]
    keeper.is_open = False
    keeper.asked.clear()
    assert app.request("PUT", urlsplit(given).path, {}, b"hello").status == 200
    assert ((tmp_path / "tree" / "a").read_bytes(), keeper.asked) == (b"hello", [])
