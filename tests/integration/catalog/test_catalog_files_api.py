"""The Databricks file API over a real server."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.http import Answer, request
from integration.catalog.catalog_app import TOKEN, catalog_app

LOGIN = {"Authorization": f"Bearer {TOKEN}"}
FILES, DIRECTORIES = "/api/2.0/fs/files/Models", "/api/2.0/fs/directories/Models"


def _names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def app(tmp_path: Path, clock: FixedClock) -> Iterator[LiveApp]:
    with catalog_app(tmp_path, clock) as live:
        yield live


def _ask(app: LiveApp, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    return app.request(method, path, LOGIN | {name.replace("_", "-"): text for name, text in headers.items()}, body)


def _post(app: LiveApp, path: str, body: object = None) -> Answer:
    return _ask(app, "POST", path, json.dumps(body or {}).encode())


def test_a_file_goes_in_and_comes_out(app: LiveApp) -> None:
    assert _ask(app, "PUT", f"{FILES}/a/b%20c.txt?overwrite=true", b"hello").status == 204

    answer = _ask(app, "GET", f"{FILES}/a/b%20c.txt")

    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == "5"
    assert "last-modified" in answer.headers


def test_head_tells_of_a_file_without_sending_it(app: LiveApp) -> None:
    _ask(app, "PUT", f"{FILES}/a", b"hello")

    answer = _ask(app, "HEAD", f"{FILES}/a")

    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "5")
    assert _ask(app, "HEAD", f"{FILES}/none").status == 404


def test_a_part_of_a_file_can_be_asked_for(app: LiveApp) -> None:
    _ask(app, "PUT", f"{FILES}/a", b"0123456789")

    answer = _ask(app, "GET", f"{FILES}/a", range="bytes=3-5")

    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, b"345", "bytes 3-5/10")


def test_a_download_is_not_continued_in_a_changed_file(app: LiveApp) -> None:
    _ask(app, "PUT", f"{FILES}/a", b"0123456789")
    modified = _ask(app, "HEAD", f"{FILES}/a").headers["last-modified"]

    assert _ask(app, "GET", f"{FILES}/a", if_unmodified_since=modified).status == 200
    answer = _ask(app, "GET", f"{FILES}/a", if_unmodified_since="Thu, 01 Jan 1970 00:00:00 GMT")
    assert answer.status == 412
    assert _ask(app, "GET", f"{FILES}/a", if_unmodified_since="yesterday").status == 400


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_directory_is_found_with_and_without_a_slash(app: LiveApp, slash: str) -> None:
    _ask(app, "PUT", f"{FILES}/c/s/m/1/MLmodel", b"x")
    _ask(app, "PUT", f"{FILES}/c/s/m/1/data/y", b"xyz")

    assert _ask(app, "HEAD", f"{DIRECTORIES}/c/s/m/1{slash}").status == 200
    contents = _ask(app, "GET", f"{DIRECTORIES}/c/s/m/1{slash}").json()["contents"]

    assert [(entry["path"], entry["is_directory"], entry.get("file_size")) for entry in contents] == [
        ("/Models/c/s/m/1/MLmodel", False, 1),
        ("/Models/c/s/m/1/data", True, None),
    ]
    assert abs(contents[0]["last_modified"] / 1000 - time.time()) < 60


@pytest.mark.parametrize("path", [f"{DIRECTORIES}/none", f"{DIRECTORIES}/a", f"{FILES}/none", f"{FILES}/folder"])
def test_what_is_not_there_is_not_found_by_the_code_that_clients_compare(app: LiveApp, path: str) -> None:
    _ask(app, "PUT", f"{FILES}/a", b"x")
    _ask(app, "PUT", f"{DIRECTORIES}/folder")

    answer = _ask(app, "GET", path)

    assert (answer.status, answer.json()["error_code"]) == (404, "NOT_FOUND")


def test_long_listings_come_in_pages(app: LiveApp) -> None:
    for number in range(5):
        _ask(app, "PUT", f"{FILES}/d/f{number}", b"x")
    names, token = [], ""
    while True:
        page = _ask(app, "GET", f"{DIRECTORIES}/d?page_size=2&page_token={token}").json()
        names.append([entry["name"] for entry in page["contents"]])
        token = page.get("next_page_token", "")
        if not token:
            break

    assert names == [["f0", "f1"], ["f2", "f3"], ["f4"]]


def test_directories_are_made_and_only_empty_ones_deleted(app: LiveApp) -> None:
    assert _ask(app, "PUT", f"{DIRECTORIES}/d/e").status == 204
    _ask(app, "PUT", f"{FILES}/d/e/f", b"x")

    assert _ask(app, "DELETE", f"{DIRECTORIES}/d/e").json()["error_code"] == "INVALID_STATE"
    assert _ask(app, "DELETE", f"{FILES}/d/e").status == 404
    assert _ask(app, "DELETE", f"{FILES}/d/e/f").status == 204
    assert _ask(app, "DELETE", f"{DIRECTORIES}/d/e/").status == 204
    assert _ask(app, "HEAD", f"{DIRECTORIES}/d/e").status == 404


def test_overwriting_can_be_forbidden(app: LiveApp) -> None:
    _ask(app, "PUT", f"{FILES}/a", b"old")

    answer = _ask(app, "PUT", f"{FILES}/a?overwrite=false", b"new")

    assert (answer.status, answer.json()["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
    assert _ask(app, "GET", f"{FILES}/a").body == b"old"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/a/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%252e%252e/secret",
        "//secret",
        "/a%00",
        "/a%5cb",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_out(app: LiveApp, tmp_path: Path, method: str, path: str) -> None:
    (tmp_path / "secret").write_text("s")

    answer = _ask(app, method, FILES + path, b"x" if method == "PUT" else None)

    assert answer.status == 400
    assert (tmp_path / "secret").read_text() == "s"


def test_dbfs_is_said_to_be_missing(app: LiveApp) -> None:
    assert _ask(app, "PUT", "/dbfs/tmp/x", b"not json").json()["error_code"] == "NOT_IMPLEMENTED"
    assert _ask(app, "GET", "/api/2.0/dbfs/list?path=/").status == 501


def test_an_upload_that_breaks_off_leaves_nothing(app: LiveApp, tmp_path: Path) -> None:
    connection = socket.create_connection(("127.0.0.1", app.port))
    head = f"PUT {FILES}/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9000000\r\n\r\n"
    connection.sendall(head.encode() + b"x" * 3_000_000)
    _wait_for(lambda: len(_names(tmp_path / "uploads")) == 1)
    connection.close()

    _wait_for(lambda: _names(tmp_path / "uploads") == [])
    assert _names(tmp_path / "tree") == []


def _wait_for(condition: object, timeout_s: float = 10) -> None:
    limit = time.monotonic() + timeout_s
    assert callable(condition)
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_signed_address_is_enough_to_read_and_write_one_file(app: LiveApp) -> None:
    write = _post(app, "/api/2.0/fs/create-upload-url", {"path": "/Models/a"}).json()["url"]
    assert _plain(app, "PUT", write, b"hello").status == 200
    read = _post(app, "/api/2.0/fs/create-download-url?path=/Models/a&expire_time=2099-01-01T00:00:00Z").json()["url"]

    assert write.startswith(app.url)
    assert _plain(app, "GET", read).body == b"hello"
    assert _plain(app, "PUT", read, b"x").status == 405
    assert _plain(app, "GET", read + "0").status == 403
    assert _plain(app, "GET", read.replace("/download/", "/upload/")).status == 405


def test_an_address_for_a_file_that_is_not_there_is_not_given(app: LiveApp) -> None:
    answer = _post(app, "/api/2.0/fs/create-download-url", {"path": "/Models/none"})

    assert (answer.status, answer.json()["error_code"]) == (404, "NOT_FOUND")


def test_an_expired_address_says_so_in_the_words_that_clients_know(app: LiveApp, clock: FixedClock) -> None:
    _ask(app, "PUT", f"{FILES}/a", b"x")
    url = _post(app, "/api/2.0/fs/create-download-url", {"path": "/Models/a"}).json()["url"]
    clock.advance(3601)

    answer = _plain(app, "GET", url)

    assert answer.status == 403
    assert b"Request has expired" in answer.body


def _plain(app: LiveApp, method: str, url: str, body: bytes | None = None) -> Answer:
    return request(app.url, method, urlsplit(url).path, body)


def _start(app: LiveApp, path: str) -> str:
    answer = _post(app, f"/api/2.0/fs/files{path}?action=initiate-upload&overwrite=true").json()
    token: str = answer["multipart_upload"]["session_token"]
    return token


def test_a_file_arrives_in_parts(app: LiveApp) -> None:
    token = _start(app, "/Models/big")
    wanted = {"path": "/Models/big", "session_token": token, "start_part_number": 1, "count": 2}
    urls = _post(app, "/api/2.0/fs/create-upload-part-urls", wanted).json()["upload_part_urls"]
    parts = []
    for url, text in zip(reversed(urls), (b"world", b"hello "), strict=True):
        etag = _plain(app, "PUT", url["url"], text).headers["etag"]
        parts.append({"part_number": url["part_number"], "etag": etag})

    complete = f"{FILES}/big?action=complete-upload&upload_type=multipart&session_token={token}"
    assert _post(app, complete, {"parts": parts}).status == 200
    assert _ask(app, "GET", f"{FILES}/big").body == b"hello world"


def test_a_session_serves_only_the_path_it_was_begun_for(app: LiveApp) -> None:
    token = _start(app, "/Models/big")

    answer = _post(app, f"{FILES}/other?action=complete-upload&session_token={token}", {"parts": []})

    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("way", ["address", "action"])
def test_an_upload_can_be_aborted_in_both_ways(app: LiveApp, tmp_path: Path, way: str) -> None:
    token = _start(app, "/Models/big")
    if way == "address":
        wanted = {"path": "/Models/big", "session_token": token}
        url = _post(app, "/api/2.0/fs/create-abort-upload-url", wanted).json()["abort_upload_url"]["url"]
        assert _plain(app, "DELETE", url, b"").status == 200
    else:
        assert _post(app, f"{FILES}/big?action=abort-upload&session_token={token}").status == 200

    assert _names(tmp_path / "uploads") == []
    assert _post(app, f"{FILES}/big?action=abort-upload&session_token={token}").status == 404


@pytest.mark.parametrize(
    "parts", [None, "x", [{}], [{"part_number": "x", "etag": "y"}], [{"part_number": 0, "etag": "y"}]]
)
def test_a_strange_list_of_parts_is_refused(app: LiveApp, parts: object) -> None:
    token = _start(app, "/Models/big")

    answer = _post(app, f"{FILES}/big?action=complete-upload&session_token={token}", {"parts": parts})

    assert answer.status == 400


def test_discovery_needs_no_token(app: LiveApp) -> None:
    answer = request(app.url, "GET", "/.well-known/databricks-config").json()

    assert answer["oidc_endpoint"] == f"{app.url}/oidc"
    assert answer["workspace_id"] == "4242"
    assert request(app.url, "GET", "/api/2.0/fs/directories/Models").status == 401


def test_a_caller_who_hangs_up_in_a_call_leaves_no_alarm(app: LiveApp) -> None:
    head = (
        f"POST {FILES}/a.bin?action=initiate-upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        'Content-Length: 100\r\n\r\n{"overwrite":'
    )
    with capture_logs() as logged:
        with socket.create_connection(("127.0.0.1", app.port)) as connection:
            connection.sendall(head.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        # The server takes notice of the two in this order.
        assert _ask(app, "GET", f"{DIRECTORIES}/").status == 200

    assert logged == []
