"""MLflow's artifact protocol, at doors of ours."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.http import Answer, request
from pierhead.catalog.api import PUBLIC_PREFIXES
from pierhead.catalog.api import routes as catalog_routes
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mount, Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes
from pierhead.tracking.api import artifact_parts, artifacts

BASE = "/api/2.0/mlflow-artifacts"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[LiveApp]:
    for name in ("runs", "versions", "uploads"):
        (tmp_path / name).mkdir()
    clock = FixedClock(datetime.now(UTC))
    routes = Routes(Database(sqlite_url(tmp_path / "unused.db")))
    runs, versions = Mount(FolderTree(tmp_path / "runs")), Mount(FolderTree(tmp_path / "versions"))
    mounts = Mounts({"": runs, "registered-models": versions})
    uploads, signatures = Uploads(tmp_path / "uploads", clock), Signatures(b"k" * 32, clock)
    catalog_routes.add_routes(routes, Mounts({}), uploads, signatures, workspace_id="1")
    artifacts.add_routes(routes, mounts, uploads)
    artifact_parts.add_routes(routes, mounts, uploads, signatures)
    web = application(
        routes.routes,
        authenticate=lambda _token: Caller("1", "ada", frozenset()),
        is_public=lambda path: path.startswith(PUBLIC_PREFIXES),
        workspace_id="1",
    )
    with LiveApp(web) as live:
        yield live


def _ask(app: LiveApp, method: str, path: str, body: bytes | None = None) -> Answer:
    return app.request(method, BASE + path, {"Authorization": "Bearer any"}, body)


def _post(app: LiveApp, path: str, body: object) -> Answer:
    return _ask(app, "POST", path, json.dumps(body).encode())


def test_an_artifact_goes_in_and_comes_out(app: LiveApp) -> None:
    assert _ask(app, "PUT", "/artifacts/1/ab/artifacts/page.html", b"<p>").status == 200

    answer = _ask(app, "GET", "/artifacts/1/ab/artifacts/page.html")

    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"<p>", "3")
    assert answer.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_listing_names_what_lies_in_a_directory(app: LiveApp) -> None:
    _ask(app, "PUT", "/artifacts/1/ab/artifacts/a/b", b"x")
    _ask(app, "PUT", "/artifacts/1/ab/artifacts/c", b"xyz")

    listed = _ask(app, "GET", "/artifacts?path=1/ab/artifacts").json()

    assert listed == {"files": [{"path": "a", "is_dir": True}, {"path": "c", "is_dir": False, "file_size": 3}]}


@pytest.mark.parametrize("path", ["1/none", "1/ab/artifacts/c"])
def test_what_is_no_directory_holds_nothing(app: LiveApp, path: str) -> None:
    _ask(app, "PUT", "/artifacts/1/ab/artifacts/c", b"xyz")

    assert _ask(app, "GET", f"/artifacts?path={path}").json() == {"files": []}


def test_a_missing_file_and_a_directory_are_told_apart(app: LiveApp) -> None:
    _ask(app, "PUT", "/artifacts/1/ab/artifacts/c", b"xyz")

    missing = _ask(app, "GET", "/artifacts/1/ab/artifacts/none")
    directory = _ask(app, "GET", "/artifacts/1/ab/artifacts")

    assert (missing.status, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert (directory.status, directory.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_deleting_takes_a_file_or_a_whole_directory_but_not_everything(app: LiveApp) -> None:
    _ask(app, "PUT", "/artifacts/1/ab/artifacts/a/b", b"x")
    _ask(app, "PUT", "/artifacts/1/ab/artifacts/c", b"x")

    assert _ask(app, "DELETE", "/artifacts/1/ab/artifacts/c").status == 200
    assert _ask(app, "DELETE", "/artifacts/1/ab/artifacts/").status == 200
    assert _ask(app, "DELETE", "/artifacts/1/ab/artifacts").status == 404
    assert _ask(app, "DELETE", "/artifacts/").status == 400


def test_registered_versions_have_a_tree_of_their_own(app: LiveApp, tmp_path: Path) -> None:
    _ask(app, "PUT", "/artifacts/registered-models/v/MLmodel", b"x")

    assert (tmp_path / "versions/v/MLmodel").read_bytes() == b"x"
    assert _ask(app, "GET", "/artifacts?path=").json() == {"files": []}


@pytest.mark.parametrize(
    "path", ["/..%2fsecret", "/a/../../secret", "/%2e%2e/secret", "/a//secret", "/a%5c..%5csecret"]
)
def test_no_path_leads_out(app: LiveApp, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("s")

    for method in ("GET", "PUT", "DELETE"):
        assert _ask(app, method, "/artifacts" + path, b"x" if method == "PUT" else None).status == 400
    assert _ask(app, "GET", f"/artifacts?path={path[1:]}").status == 400
    assert (tmp_path / "secret").read_text() == "s"


def test_a_file_needs_a_name(app: LiveApp) -> None:
    assert _ask(app, "PUT", "/artifacts/1/ab/", b"x").status == 400


def test_a_file_arrives_in_parts(app: LiveApp) -> None:
    created = _post(app, "/mpu/create/1/ab/artifacts", {"path": "/home/me/big.bin", "num_parts": 2}).json()
    etags = [
        request(app.url, "PUT", urlsplit(credential["url"]).path, text).headers["etag"]
        for credential, text in zip(created["credentials"], (b"hello ", b"world"), strict=True)
    ]
    parts = [{"part_number": number, "etag": etag, "url": "u"} for number, etag in enumerate(etags, 1)]
    wanted = {"path": "/home/me/big.bin", "upload_id": created["upload_id"], "parts": parts}

    assert _post(app, "/mpu/complete/1/ab/artifacts", wanted).status == 200
    assert _ask(app, "GET", "/artifacts/1/ab/artifacts/big.bin").body == b"hello world"


def test_parts_can_be_given_up_and_belong_to_one_file(app: LiveApp, tmp_path: Path) -> None:
    created = _post(app, "/mpu/create/1/ab/artifacts", {"path": "big.bin", "num_parts": 1}).json()
    other = {"path": "other.bin", "upload_id": created["upload_id"]}

    assert _post(app, "/mpu/abort/1/ab/artifacts", other).status == 400
    assert _post(app, "/mpu/abort/1/ab/artifacts", other | {"path": "big.bin"}).status == 200
    assert list((tmp_path / "uploads").iterdir()) == []
    assert _post(app, "/mpu/abort/1/ab/artifacts", other | {"path": "big.bin"}).status == 404
