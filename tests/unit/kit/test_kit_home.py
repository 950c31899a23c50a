from pathlib import Path

from pierhead.kit.home import Home


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
