"""A file of 300 MB passes gateway and api without staying in their memory."""

import hashlib
import http.client
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from harness.platform import Platform

LARGE_MODEL = Path(__file__).parent / "scripts" / "large_model.py"

_MIB = 1024 * 1024
_FILE_MIB = 300
_MOST_GROWTH_MIB = 64
_PARTS = 6
_ARTIFACTS = "/api/2.0/mlflow-artifacts"


@pytest.fixture(scope="module")
def file_digest() -> str:
    digest = hashlib.sha256()
    for piece in _pieces(0, _FILE_MIB):
        digest.update(piece)
    return digest.hexdigest()


def test_a_large_file_streams_in_and_out(platform: Platform, file_digest: str) -> None:
    path = f"{_ARTIFACTS}/artifacts/0/large/plain.bin"
    _warm_up(platform)
    with _Memory(platform) as memory:
        assert _upload(platform, path, 0, _FILE_MIB) == 200
        assert _download(platform, path) == file_digest
    assert platform.request("DELETE", path).status == 200
    assert memory.growth_mib() == {}


def test_a_large_file_streams_in_parts(platform: Platform, file_digest: str) -> None:
    _warm_up(platform)
    with _Memory(platform) as memory:
        started = platform.request(
            "POST", f"{_ARTIFACTS}/mpu/create/0/large", {"path": "parts.bin", "num_parts": _PARTS}
        ).json()
        parts = []
        for number, credential in enumerate(started["credentials"]):
            share = _FILE_MIB // _PARTS
            url = urlsplit(credential["url"])
            etags: list[str] = []
            status = _upload(
                platform, f"{url.path}?{url.query}", number * share, share, lambda tag, etags=etags: etags.append(tag)
            )
            assert status == 200
            parts.append({"part_number": credential["part_number"], "etag": etags[0], "url": credential["url"]})
        body = {"path": "parts.bin", "upload_id": started["upload_id"], "parts": parts}
        done = platform.request("POST", f"{_ARTIFACTS}/mpu/complete/0/large", body)
        assert done.status == 200, done.text
        assert _download(platform, f"{_ARTIFACTS}/artifacts/0/large/parts.bin") == file_digest
    assert platform.request("DELETE", f"{_ARTIFACTS}/artifacts/0/large/parts.bin").status == 200
    assert memory.growth_mib() == {}


def test_a_large_model_is_logged_registered_and_fetched(platform: Platform) -> None:
    _warm_up(platform)
    with _Memory(platform) as memory:
        is_same = platform.run_client(str(LARGE_MODEL), "main.e2e.large", str(_FILE_MIB))
    assert is_same is True
    assert memory.growth_mib() == {}


class _Memory:
    """The peak of what gateway and api hold in memory while a `with` goes on, beside what they held before."""

    def __init__(self, platform: Platform) -> None:
        self._processes = {name: platform.child(name) for name in ("gateway", "api")}
        self._before: dict[str, float] = {}
        self._peak: dict[str, float] = {}

    def __enter__(self) -> "_Memory":
        for name, process in self._processes.items():
            # The kernel's mark of the highest level begins anew.
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")
            self._before[name] = _mib(process, "VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        self._peak = {name: _mib(process, "VmHWM") for name, process in self._processes.items()}
        print({name: f"{self._before[name]:.0f} -> {peak:.0f} MiB" for name, peak in self._peak.items()})

    def growth_mib(self) -> dict[str, float]:
        """The processes that grew by more than they may, with how much."""
        growth = {name: peak - self._before[name] for name, peak in self._peak.items()}
        return {name: mib for name, mib in growth.items() if mib > _MOST_GROWTH_MIB}


def _mib(process: psutil.Process, field: str) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def _warm_up(platform: Platform) -> None:
    """Load what the first file loads; that is no part of what a large file costs."""
    assert platform.request("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0").status == 200
    path = f"{_ARTIFACTS}/artifacts/0/large/small.bin"
    assert platform.request("PUT", path, b"x").status == 200
    assert platform.request("GET", path).body == b"x"
    assert platform.request("DELETE", path).status == 200


def _pieces(first_mib: int, count_mib: int) -> Iterator[bytes]:
    for number in range(first_mib, first_mib + count_mib):
        yield number.to_bytes(4, "big") * (_MIB // 4)


def _upload(
    platform: Platform,
    path: str,
    first_mib: int,
    count_mib: int,
    take_etag: Callable[[str], None] = lambda _tag: None,
) -> int:
    connection = _connect(platform)
    try:
        headers = {"Authorization": f"Bearer {platform.token}", "Content-Length": str(count_mib * _MIB)}
        connection.request("PUT", path, _pieces(first_mib, count_mib), headers)
        response = connection.getresponse()
        response.read()
        take_etag(response.headers.get("ETag", ""))
        return response.status
    finally:
        connection.close()


def _download(platform: Platform, path: str) -> str:
    """The SHA-256 of what comes."""
    connection = _connect(platform)
    digest = hashlib.sha256()
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {platform.token}"})
        response = connection.getresponse()
        assert response.status == 200
        while piece := response.read(_MIB):
            digest.update(piece)
    finally:
        connection.close()
    return digest.hexdigest()


def _connect(platform: Platform) -> http.client.HTTPConnection:
    parts = urlsplit(platform.url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
