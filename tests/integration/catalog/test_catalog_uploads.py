"""Bodies on their way to their place."""

import asyncio
import errno
import hashlib
import os
import resource
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.clock import FixedClock
from pierhead.catalog.domain.transfers import Part, UploadSession
from pierhead.catalog.services.mounts import Mount, Mounts, Place
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.errors import AlreadyExists, DiskFull, InvalidArgument, NotFound
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.web.caller import Caller

ADA = Caller("1", "ada", frozenset())


def _names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "tree").mkdir()
    return tmp_path


@pytest.fixture
def uploads(folder: Path) -> Uploads:
    return Uploads(folder / "uploads", FixedClock(datetime.now(UTC)))


def _place(folder: Path, path: str = "models/a.bin") -> Place:
    return Mounts({"models": Mount(FolderTree(folder / "tree"))}).granted(path)


async def _chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _broken(error: Exception) -> AsyncIterator[bytes]:
    yield b"x" * 2_000_000
    raise error


def _put(uploads: Uploads, chunks: AsyncIterator[bytes], place: Place, *, overwrite: bool = True) -> None:
    asyncio.run(uploads.put(chunks, place, overwrite=overwrite, by=ADA))


def _put_part(uploads: Uploads, session: UploadSession, number: int, text: bytes) -> Part:
    return asyncio.run(uploads.put_part(session, number, _chunks(text)))


def test_a_body_appears_only_when_it_is_whole(uploads: Uploads, folder: Path) -> None:
    _put(uploads, _chunks(b"a" * 700_000, b"b" * 700_000, b""), _place(folder))

    assert (folder / "tree/a.bin").read_bytes() == b"a" * 700_000 + b"b" * 700_000
    assert _names(folder / "uploads") == []


def test_a_body_that_breaks_off_leaves_nothing(uploads: Uploads, folder: Path) -> None:
    with pytest.raises(ConnectionError):
        _put(uploads, _broken(ConnectionError()), _place(folder))

    assert _names(folder / "uploads") == _names(folder / "tree") == []


def test_a_refused_body_leaves_nothing(uploads: Uploads, folder: Path) -> None:
    _put(uploads, _chunks(b"old"), _place(folder))

    with pytest.raises(AlreadyExists):
        _put(uploads, _chunks(b"new"), _place(folder), overwrite=False)

    assert _names(folder / "uploads") == []
    assert (folder / "tree/a.bin").read_bytes() == b"old"


@pytest.fixture
def _small_disk() -> Iterator[None]:
    """No file may grow beyond a megabyte: the kernel refuses as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("_small_disk")
def test_a_full_disk_is_told_and_cleaned_up(uploads: Uploads, folder: Path) -> None:
    with pytest.raises(DiskFull, match="is full"):
        _put(uploads, _chunks(b"x" * 3_000_000), _place(folder))

    assert _names(folder / "uploads") == []


@pytest.mark.usefixtures("_small_disk")
def test_a_full_disk_at_the_end_of_an_upload_keeps_its_parts(uploads: Uploads, folder: Path) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=True)
    parts = [_put_part(uploads, session, number, b"x" * 600_000) for number in (1, 2)]

    with pytest.raises(DiskFull, match="is full"):
        uploads.complete(session, parts, _place(folder), by=ADA)

    assert len(list((folder / "uploads").glob("session-*/part-*"))) == 2
    assert list((folder / "uploads").glob("session-*/whole-*")) == []


def test_other_errors_of_the_disk_are_not_called_full(uploads: Uploads, folder: Path) -> None:
    with pytest.raises(OSError, match="nope"):
        _put(uploads, _broken(OSError(errno.EIO, "nope")), _place(folder))


def test_parts_in_any_order_make_the_file_even_after_a_restart(uploads: Uploads, folder: Path) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=True)
    second = _put_part(uploads, session, 2, b"world")
    _put_part(uploads, session, 1, b"wrong")
    first = _put_part(uploads, session, 1, b"hello ")

    restarted = Uploads(folder / "uploads", FixedClock())
    restarted.complete(restarted.get(session.id), [second, first], _place(folder), by=ADA)

    assert (folder / "tree/a.bin").read_bytes() == b"hello world"
    assert first.etag == hashlib.sha256(b"hello ").hexdigest()


def test_the_thousandth_part_costs_no_more_than_the_first(
    uploads: Uploads, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=True)
    for number in range(1, 51):
        _put_part(uploads, session, number, b"x")
    looked_at: list[str] = []
    scandir = os.scandir
    listdir = os.listdir
    monkeypatch.setattr(os, "scandir", lambda path: looked_at.append(str(path)) or scandir(path))
    monkeypatch.setattr(os, "listdir", lambda path: looked_at.append(str(path)) or listdir(path))

    _put_part(uploads, session, 51, b"x")

    assert [Path(path).name for path in looked_at] == ["part-51"]


def test_a_part_sent_again_takes_the_place_of_the_one_before(uploads: Uploads, folder: Path) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=True)
    old = _put_part(uploads, session, 1, b"wrong")
    _put_part(uploads, session, 1, b"right")

    with pytest.raises(InvalidArgument, match="etag differs"):
        uploads.complete(session, [old], _place(folder), by=ADA)
    assert len(list((folder / "uploads").glob("session-*/part-*/*"))) == 1


def test_a_part_for_a_session_that_was_aborted_meanwhile_is_refused(uploads: Uploads) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=True)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"
        uploads.abort(session.id)

    with pytest.raises(NotFound, match="start the upload again"):
        asyncio.run(uploads.put_part(session, 1, chunks()))


def test_completing_twice_is_completing_once(uploads: Uploads, folder: Path) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=False)
    parts = [_put_part(uploads, session, 1, b"x")]
    uploads.complete(session, parts, _place(folder), by=ADA)

    uploads.complete(session, parts, _place(folder), by=ADA)

    assert (folder / "tree/a.bin").read_bytes() == b"x"


def test_a_wrong_list_of_parts_changes_nothing(uploads: Uploads, folder: Path) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=True)
    part = _put_part(uploads, session, 1, b"x")

    with pytest.raises(InvalidArgument):
        uploads.complete(session, [Part(1, "0" * 64)], _place(folder), by=ADA)
    uploads.complete(session, [part], _place(folder), by=ADA)

    assert (folder / "tree/a.bin").read_bytes() == b"x"


def test_an_aborted_session_is_over(uploads: Uploads, folder: Path) -> None:
    session = uploads.start("files", "models/a.bin", overwrite=True)
    uploads.abort(session.id)
    uploads.abort(session.id)

    with pytest.raises(NotFound, match="start the upload again"):
        uploads.get(session.id)
    assert _names(folder / "uploads") == []


def test_what_nobody_came_back_for_is_swept(folder: Path) -> None:
    clock = FixedClock(datetime.now(UTC))
    uploads = Uploads(folder / "uploads", clock)
    uploads.start("files", "models/a.bin", overwrite=True)
    (folder / "uploads" / "body-of-a-killed-process").write_text("x")

    assert uploads.sweep(timedelta(days=1)) == 0
    clock.advance(2 * 86_400)
    assert uploads.sweep(timedelta(days=1)) == 2
    assert _names(folder / "uploads") == []


def test_a_part_that_arrives_for_days_is_not_swept(folder: Path) -> None:
    clock = FixedClock(datetime.now(UTC))
    uploads = Uploads(folder / "uploads", clock)
    session = uploads.start("files", "models/a.bin", overwrite=True)
    kept = folder / "uploads" / f"session-{session.id}"
    draft = kept / "draft-of-a-slow-client"
    draft.write_bytes(b"x")
    clock.advance(2 * 86_400)
    os.utime(draft, (clock.now().timestamp(),) * 2)

    assert uploads.sweep(timedelta(days=1)) == 0
    clock.advance(2 * 86_400)
    assert uploads.sweep(timedelta(days=1)) == 1
    assert uploads.sweep(timedelta(days=1)) == 0


def test_the_innermost_tree_takes_a_path(folder: Path) -> None:
    outer, inner = FolderTree(folder), FolderTree(folder / "tree")
    mounts = Mounts({"": Mount(outer), "models/inner": Mount(inner)})

    assert mounts.granted("/models/inner/a/b/") == Place("models/inner/a/b", inner, "a/b")
    assert mounts.granted("models/innermost") == Place("models/innermost", outer, "models/innermost")
    assert mounts.granted("") == Place("", outer, "")


def test_where_nothing_is_mounted_nothing_is(folder: Path) -> None:
    mounts = Mounts({"Models": Mount(FolderTree(folder))})

    with pytest.raises(NotFound):
        mounts.granted("Elsewhere/a")
