"""The routing snapshot on disk."""

import stat
from pathlib import Path

from pierhead.serving.adapters.snapshot_file import SnapshotFile
from pierhead.serving.domain.snapshot import EMPTY, Principal, Snapshot


def test_what_was_written_is_read(tmp_path: Path) -> None:
    place = SnapshotFile(tmp_path / "routes.json")
    snapshot = Snapshot(7, {"aa": Principal("1", "me", ["admins"])}, {})
    place.write(EMPTY)
    place.write(snapshot)
    assert place.read() == snapshot
    assert [file.name for file in tmp_path.iterdir() if ".spare" not in file.name] == ["routes.json"]


def test_nothing_and_nonsense_read_as_none(tmp_path: Path) -> None:
    place = SnapshotFile(tmp_path / "routes.json")
    assert place.read() is None
    (tmp_path / "routes.json").write_text('{"number": 1')
    assert place.read() is None


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    SnapshotFile(tmp_path / "routes.json").write(EMPTY)
    assert stat.S_IMODE((tmp_path / "routes.json").stat().st_mode) == 0o600
