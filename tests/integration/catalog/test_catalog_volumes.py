"""Volumes, and the files in them, as the official client and as a stranger with raw HTTP see them."""

import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service.catalog import VolumeInfo, VolumeType

from fakes.clock import FixedClock
from integration.catalog.catalog_unity_app import Models, Unity, make_unity
from pierhead.kit.db import Database

FILES, DIRECTORIES = "/api/2.0/fs/files/Volumes", "/api/2.0/fs/directories/Volumes"


@pytest.fixture
def unity(tmp_path: Path, database: Database) -> Iterator[Unity]:
    made = make_unity(tmp_path, database, FixedClock(datetime.now(UTC)), Models())
    with made.live:
        yield made


@pytest.fixture
def volume(unity: Unity) -> VolumeInfo:
    return unity.client("sam").volumes.create("main", "default", "v", VolumeType.MANAGED, comment="files")


def test_a_managed_volume_has_a_folder_of_its_own(unity: Unity, volume: VolumeInfo) -> None:
    found = unity.client("rob").volumes.read("main.default.v")
    assert (found.full_name, found.owner, found.comment) == ("main.default.v", "sam", "files")
    assert (found.volume_type, found.volume_id) == (VolumeType.MANAGED, volume.volume_id)
    assert found.storage_location == str(unity.home.volumes / "main" / "default" / "v")
    assert [each.name for each in unity.client("rob").volumes.list("main", "default")] == ["v"]


def test_files_go_in_and_come_out(unity: Unity, volume: VolumeInfo) -> None:
    writer, reader = unity.client("sam"), unity.client("rob")
    writer.files.upload("/Volumes/main/default/v/in/a b.bin", io.BytesIO(b"0123456789"))
    writer.files.create_directory("/Volumes/main/default/v/empty")

    path = "/Volumes/main/default/v/in/a b.bin"
    download = reader.files.download(path)
    assert download.contents is not None
    assert download.contents.read() == b"0123456789"
    assert reader.files.get_metadata(path).content_length == 10
    reader.files.get_directory_metadata("/Volumes/main/default/v/in/")
    entries = list(reader.files.list_directory_contents("/Volumes/main/default/v"))
    assert [(entry.path, entry.is_directory) for entry in entries] == [
        ("/Volumes/main/default/v/empty", True),
        ("/Volumes/main/default/v/in", True),
    ]
    part = unity.live.request(
        "GET",
        f"{FILES}/main/default/v/in/a%20b.bin",
        {"Authorization": f"Bearer {unity.tokens['rob']}", "Range": "bytes=2-4"},
    )
    assert (part.status, part.body) == (206, b"234")
    writer.files.delete(path)
    writer.files.delete_directory("/Volumes/main/default/v/in")
    with pytest.raises(NotFound):
        reader.files.get_metadata(path)


def test_a_large_file_goes_up_in_parts(unity: Unity, volume: VolumeInfo, tmp_path: Path) -> None:
    client = unity.client("sam")
    content = os.urandom(1024) * 1024 * 60
    client.files.upload("/Volumes/main/default/v/large", io.BytesIO(content))
    assert (unity.home.volumes / "main" / "default" / "v" / "large").read_bytes() == content


def test_readers_read_and_nobody_else_writes(unity: Unity, volume: VolumeInfo) -> None:
    unity.client("sam").files.upload("/Volumes/main/default/v/a", io.BytesIO(b"x"))
    path = "main/default/v/a"
    for method, where, body in (
        ("PUT", f"{FILES}/{path}", b"y"),
        ("DELETE", f"{FILES}/{path}", None),
        ("PUT", f"{DIRECTORIES}/main/default/v/d", None),
        ("DELETE", f"{DIRECTORIES}/main/default/v/d", None),
        ("POST", f"{FILES}/{path}?action=initiate-upload", b"{}"),
        ("POST", "/api/2.0/fs/create-upload-url", b'{"path": "/Volumes/main/default/v/a"}'),
    ):
        for user in ("rob", "sue"):
            answer = unity.ask(user, method, where, body)
            assert (answer.status, "WRITE_VOLUME" in answer.json()["message"]) == (403, True), (method, where)
    assert unity.ask("rob", "GET", f"{FILES}/{path}").body == b"x"
    client = unity.client("rob")
    for forbidden in (
        lambda: client.volumes.create("main", "default", "mine", VolumeType.MANAGED),
        lambda: client.volumes.update("main.default.v", comment="mine"),
        lambda: client.volumes.delete("main.default.v"),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()


def test_a_signed_address_is_made_only_for_who_may(unity: Unity, volume: VolumeInfo) -> None:
    unity.client("sam").files.upload("/Volumes/main/default/v/a", io.BytesIO(b"x"))
    body = b'{"path": "/Volumes/main/default/v/a"}'
    given = unity.ask("rob", "POST", "/api/2.0/fs/create-download-url", body).json()["url"]
    assert unity.live.get(given.removeprefix(unity.live.url)).body == b"x"
    assert unity.live.request("POST", "/api/2.0/fs/create-download-url", {}, body).status == 401


def test_another_s_session_of_parts_is_of_no_use(unity: Unity, volume: VolumeInfo) -> None:
    where = f"{FILES}/main/default/v/big"
    begun = unity.ask("sam", "POST", f"{where}?action=initiate-upload", b"{}").json()
    token = begun["multipart_upload"]["session_token"]
    wanted = (
        f'{{"path": "/Volumes/main/default/v/big", "session_token": "{token}", "start_part_number": 1, "count": 1}}'
    )
    assert unity.ask("rob", "POST", "/api/2.0/fs/create-upload-part-urls", wanted.encode()).status == 403
    done = unity.ask("rob", "POST", f"{where}?action=complete-upload&session_token={token}", b'{"parts": []}')
    assert done.status == 403
    assert unity.ask("sam", "POST", "/api/2.0/fs/create-upload-part-urls", wanted.encode()).status == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "climb",
    [
        "%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret.key",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fsecret.key",
        "%252e%252e/%252e%252e/secret.key",
        "..%2f..%2f..%2f..%2fsecret.key",
        "../../../../secret.key",
        "..%5c..%5c..%5c..%5csecret.key",
        "x/../../../../../secret.key",
        "./secret.key",
        "a//b",
        "a%00b",
        "a%0ab",
        "%2e%2e%00/x",
        ".%20./.%2e/x",
        "leak",
        "out/secret.key",
        "a" * 300,
    ],
)
def test_no_path_leaves_its_volume(unity: Unity, volume: VolumeInfo, climb: str, tmp_path: Path) -> None:
    (unity.home.root / "secret.key").write_text("top secret")
    inside = unity.home.volumes / "main" / "default" / "v"
    (inside / "leak").symlink_to(unity.home.root / "secret.key")
    (inside / "out").symlink_to(unity.home.root)
    before = sorted(path for path in unity.home.root.rglob("*") if "pierhead.db" not in path.name)
    for method, door in (
        ("GET", FILES),
        ("HEAD", FILES),
        ("PUT", FILES),
        ("DELETE", FILES),
        ("GET", DIRECTORIES),
        ("PUT", DIRECTORIES),
        ("DELETE", DIRECTORIES),
    ):
        answer = unity.ask("ada", method, f"{door}/main/default/v/{climb}", b"evil" if method == "PUT" else None)
        assert answer.status in (400, 404), (method, door, answer)
        assert b"top secret" not in answer.body
    body = json.dumps({"path": f"/Volumes/main/default/v/{climb}"}).encode()
    assert unity.ask("ada", "POST", "/api/2.0/fs/create-download-url", body).status in (400, 404)
    assert sorted(path for path in unity.home.root.rglob("*") if "pierhead.db" not in path.name) == before
    assert (unity.home.root / "secret.key").read_text() == "top secret"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "above", ["", "main", "main/default", "main/default/none", "main.default/v/x", "main/default.v/x/y"]
)
def test_above_volumes_there_is_nothing_to_see_or_to_make(unity: Unity, volume: VolumeInfo, above: str) -> None:
    for method, door in (("GET", DIRECTORIES), ("PUT", DIRECTORIES), ("DELETE", DIRECTORIES), ("PUT", f"{FILES}")):
        answer = unity.ask("ada", method, f"{door}/{above}", b"x" if door == FILES else None)
        assert answer.status in (400, 404), (method, answer)


def test_a_link_inside_a_volume_is_followed_and_removed_alone(unity: Unity, volume: VolumeInfo) -> None:
    inside = unity.home.volumes / "main" / "default" / "v"
    (inside / "real").mkdir()
    (inside / "real" / "a").write_text("kept")
    (inside / "link").symlink_to(inside / "real")
    assert unity.ask("rob", "GET", f"{FILES}/main/default/v/link/a").body == b"kept"
    (inside / "real" / "a").unlink()
    assert unity.ask("sam", "DELETE", f"{DIRECTORIES}/main/default/v/link").status == 204
    assert ((inside / "real").is_dir(), (inside / "link").exists()) == (True, False)


def test_an_external_volume_is_opened_by_an_admin_alone(unity: Unity, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "a").write_text("x")
    with pytest.raises(PermissionDenied):
        unity.client("sam").volumes.create("main", "default", "e", VolumeType.EXTERNAL, storage_location=str(theirs))
    client = unity.client("ada")
    made = client.volumes.create("main", "default", "e", VolumeType.EXTERNAL, storage_location=f"file://{theirs}")
    assert made.storage_location == str(theirs)
    assert unity.ask("rob", "GET", f"{FILES}/main/default/e/a").body == b"x"
    for location in (theirs, tmp_path, theirs / "sub"):
        location.mkdir(exist_ok=True)
        with pytest.raises((ResourceAlreadyExists, InvalidParameterValue)):
            client.volumes.create("main", "default", "f", VolumeType.EXTERNAL, storage_location=str(location))
    for location in (unity.home.root, unity.home.artifacts, Path("/nowhere"), Path("/")):
        with pytest.raises(InvalidParameterValue):
            client.volumes.create("main", "default", "f", VolumeType.EXTERNAL, storage_location=str(location))
    client.volumes.delete("main.default.e")
    assert (theirs / "a").read_text() == "x"


def test_a_renamed_volume_keeps_its_files_and_its_rights(unity: Unity, volume: VolumeInfo) -> None:
    client = unity.client("sam")
    client.files.upload("/Volumes/main/default/v/a", io.BytesIO(b"x"))
    renamed = client.volumes.update("main.default.v", new_name="w", comment="more files")
    assert (renamed.full_name, renamed.comment, renamed.volume_id) == ("main.default.w", "more files", volume.volume_id)
    assert unity.ask("rob", "GET", f"{FILES}/main/default/w/a").body == b"x"
    assert unity.ask("rob", "GET", f"{FILES}/main/default/v/a").status == 404
    again = client.volumes.create("main", "default", "v", VolumeType.MANAGED)
    assert again.storage_location != renamed.storage_location
    with pytest.raises(ResourceAlreadyExists):
        client.volumes.update("main.default.v", new_name="w")


def test_a_deleted_volume_is_kept_aside(unity: Unity, volume: VolumeInfo) -> None:
    client = unity.client("sam")
    client.files.upload("/Volumes/main/default/v/a", io.BytesIO(b"x"))
    client.volumes.delete("main.default.v")
    assert unity.ask("sam", "GET", f"{FILES}/main/default/v/a").status == 404
    [kept] = (unity.home.volumes / ".dropped").iterdir()
    assert (kept / "a").read_bytes() == b"x"
    with pytest.raises(ResourceDoesNotExist):
        client.volumes.read("main.default.v")
    assert unity.ask("ada", "GET", f"{FILES}/.dropped/{kept.name}/x/a").status in (400, 404)


def test_wrong_wishes_are_refused(unity: Unity) -> None:
    named = {"catalog_name": "main", "schema_name": "default", "name": "x"}
    for wish in (
        {"volume_type": "OTHER"},
        {"volume_type": "MANAGED", "name": "../x"},
        {"volume_type": "MANAGED", "storage_location": "/x"},
        {"volume_type": "EXTERNAL"},
    ):
        body = json.dumps(named | wish).encode()
        assert unity.ask("ada", "POST", "/api/2.1/unity-catalog/volumes", body).status == 400, body
