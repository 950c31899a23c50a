"""Logs stay small, however much is written."""

from pathlib import Path

from pierhead.processes.log_rotation import rotate, rotate_logs


def test_logs_of_children_workers_and_builds_are_cut_and_small_ones_left_alone(tmp_path: Path) -> None:
    for folder in ("workers", "builds"):
        (tmp_path / folder).mkdir()
    large = [tmp_path / name for name in ("api.log", "workers/a.log", "builds/a.log")]
    for path in large:
        path.write_bytes(b"x" * 101)
    small = tmp_path / "workers" / "b.log"
    small.write_bytes(b"x" * 100)

    rotate_logs(tmp_path, largest_bytes=100)

    assert [path.stat().st_size for path in large] == [0, 0, 0]
    assert small.stat().st_size == 100
    assert sorted(path.name for path in tmp_path.rglob("*.1")) == ["a.log.1", "a.log.1", "api.log.1"]


def test_whoever_has_the_log_open_writes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"before\n" * 20)
        rotate(path, largest_bytes=100)
        writer.write(b"after\n")
    assert path.read_bytes() == b"after\n"


def test_one_older_log_is_kept_with_the_end_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for content in (b"1" * 200, b"2" * 300 + b"3" * 99 + b"4"):
        path.write_bytes(content)
        rotate(path, largest_bytes=100)
    assert (tmp_path / "a.log.1").read_bytes() == b"3" * 99 + b"4"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.log", "a.log.1"]


def test_a_log_that_cannot_be_kept_is_cut_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 200)
    (tmp_path / ".a.log.1").mkdir()
    rotate(path, largest_bytes=100)
    assert path.stat().st_size == 0


def test_a_log_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    rotate(tmp_path / "a.log", largest_bytes=100)
    rotate_logs(tmp_path / "missing")
