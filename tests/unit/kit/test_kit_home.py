import os
import tempfile
from pathlib import Path

import pytest

from pierhead.kit.home import ForeignFolder, Home


def test_sockets_of_a_home_with_a_long_path_lie_where_their_paths_are_short_enough(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("x" * 120))

    assert len(str(deep.worker_records / ("a" * 32 + ".sock"))) < 108
    assert deep.run == Home(tmp_path / ("x" * 120)).run
    assert deep.run != Home(tmp_path / ("y" * 120)).run


def test_a_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    home.create()

    assert home.root.stat().st_mode & 0o077 == 0


def test_a_home_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.root.chmod(0o755)

    home.create()

    assert home.root.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_all_users_share_stays_theirs(tmp_path: Path) -> None:
    home = Home(tmp_path / "shared")
    home.root.mkdir()
    home.root.chmod(0o1777)

    home.create()

    assert home.root.stat().st_mode & 0o7777 == 0o1777


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose run folder lies in the folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Home(tmp_path / ("x" * 120))


def test_an_open_run_folder_of_our_own_is_closed_to_others(deep: Home) -> None:
    deep.run.mkdir()
    deep.run.chmod(0o777)

    deep.create()

    assert deep.run.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_place_of_the_run_folder_is_refused(deep: Home, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    deep.run.symlink_to(tmp_path / "theirs")

    with pytest.raises(ForeignFolder, match="not a folder of this user"):
        deep.create()
    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_run_folder_of_another_user_is_refused(deep: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    another = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: another)
    deep.run.mkdir()

    with pytest.raises(ForeignFolder, match="not a folder of this user"):
        deep.create()
