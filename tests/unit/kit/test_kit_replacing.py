"""Files are replaced in one step."""

import stat
from pathlib import Path

import pytest

from pierhead.kit.replacing import replace_file


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("content", ["new", b"new"])
def test_a_replaced_file_has_the_new_content_and_mode_and_leaves_no_draft(
    tmp_path: Path, content: str | bytes, *, synced: bool
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    replace_file(path, content, mode=0o640, synced=synced)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_neither_a_change_nor_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OSError, match="folder"):
        replace_file(path, "new")
    assert list(tmp_path.iterdir()) == [path]
