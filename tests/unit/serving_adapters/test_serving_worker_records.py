"""Records of workers and the sentences on their ends."""

from dataclasses import replace
from pathlib import Path

import pytest

from pierhead.serving.adapters.endings import describe_exit, is_from_outside, kills_for_memory
from pierhead.serving.adapters.worker_environment import worker_environment
from pierhead.serving.adapters.worker_records import WorkerRecord, WorkerRecords, WorkerStatus

RECORD = WorkerRecord("w", "load", "/m", "/p", "/l", "/s", "/t", started_at_ms=5)
READY = WorkerStatus("ready", "", 1, "")
LOADING = WorkerStatus("loading", "", 1, "")


def test_records_come_back_in_the_order_of_their_start(tmp_path: Path) -> None:
    records = WorkerRecords(tmp_path / "workers")
    for worker_id, started_at_ms in (("b", 1), ("a", 2)):
        records.write(replace(RECORD, worker_id=worker_id, started_at_ms=started_at_ms))
    assert [record.worker_id for record in records.list()] == ["b", "a"]


def test_what_cannot_be_read_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    (tmp_path / "y.json").write_text('{"other": 1}')
    assert WorkerRecords(tmp_path).list() == []
    assert WorkerRecords(tmp_path / "missing").list() == []


def test_a_removed_worker_leaves_nothing(tmp_path: Path) -> None:
    records = WorkerRecords(tmp_path)
    records.write(RECORD)
    records.socket("w").touch()
    records.status_file("w").touch()
    records.remove("w")
    records.remove("w")
    assert [file.name for file in tmp_path.iterdir() if ".spare" not in file.name] == []


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        (None, None, "the process is gone; it ended before it was ready"),
        (None, READY, "the process is gone; it ended after it was ready"),
        (-9, LOADING, "the process was killed before it was ready (signal 9, from outside)"),
        (-11, READY, "the process was ended after it was ready by signal 11"),
        (1, None, "the process ended before it was ready with exit code 1"),
    ],
)
def test_an_end_is_described(code: int | None, status: WorkerStatus | None, said: str) -> None:
    assert describe_exit(code, status, RECORD) == said


def test_an_end_that_was_asked_for_is_described_so() -> None:
    assert describe_exit(-9, READY, replace(RECORD, kill_at_ms=9)) == "the process was told to stop and is gone"


def test_the_entitys_variables_win_over_ours() -> None:
    environment = worker_environment({"PATH": "/bin"}, Path("/env/bin/python"), {"OMP_NUM_THREADS": "4"})
    assert environment["OMP_NUM_THREADS"] == "4"
    assert environment["MKL_NUM_THREADS"] == "1"
    assert environment["PATH"] == "/env/bin:/bin"


@pytest.mark.parametrize(
    "said",
    [
        '{"phase": "ready"}',
        '{"phase": "ready", "message": "", "last_words": "", "pid": "12"}',
        '{"phase": 1, "message": "", "last_words": "", "pid": 12}',
        '{"phase": "ready", "message": "", "last_words": "", "pid": -1}',
        "[]",
    ],
)
def test_a_status_that_makes_no_sense_is_no_status(tmp_path: Path, said: str) -> None:
    records = WorkerRecords(tmp_path)
    records.status_file("w").write_text(said)
    assert records.status_of("w") is None


def test_a_status_is_read_as_the_worker_wrote_it(tmp_path: Path) -> None:
    records = WorkerRecords(tmp_path)
    records.status_file("w").write_text('{"phase": "ready", "message": "m", "last_words": "", "pid": 12, "load_ms": 1}')
    assert records.status_of("w") == WorkerStatus("ready", "m", 12, "")


def test_lack_of_memory_is_told_only_if_there_was_some() -> None:
    said = describe_exit(-9, READY, RECORD, was_memory_short=True)
    assert said == "the process was killed after it was ready (signal 9, the machine ran out of memory meanwhile)"


def test_a_crash_of_the_process_is_its_own_doing() -> None:
    assert [is_from_outside(code) for code in (-11, -6, 1, 3)] == [False] * 4
    assert [is_from_outside(code) for code in (-9, -15, None)] == [True] * 3


def test_the_kernel_says_how_often_it_killed_for_memory(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("pgfault 12\noom_kill 3\n")
    assert kills_for_memory(tmp_path / "vmstat") == 3
    assert kills_for_memory(tmp_path / "none") == 0
