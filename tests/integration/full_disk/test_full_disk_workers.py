"""Workers are started and gateways are told of them on a disk that is full."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.small_disk import SmallDisk, small_disk
from pierhead.serving.adapters.snapshot_file import SnapshotFile
from pierhead.serving.adapters.worker_log import open_log
from pierhead.serving.adapters.worker_records import WorkerRecord, WorkerRecords
from pierhead.serving.domain.snapshot import EndpointRoute, Snapshot
from pierhead.serving.ports import WorkerSpec
from pierhead.worker.config import read_config
from pierhead.worker.status import StatusFile


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", megabytes=2) as disk:
        yield disk


def record(worker_id: str) -> WorkerRecord:
    where = "/run/" + worker_id
    return WorkerRecord(worker_id, "load", "/models/1", "/env/python", "/logs/1", where, where, started_at_ms=1)


def snapshot(number: int) -> Snapshot:
    routes = {f"e{i}": EndpointRoute(f"e{i}", f"id-{i}", number, []) for i in range(200)}
    return Snapshot(number, {}, routes)


def test_workers_are_put_on_record_and_say_that_they_are_ready(disk: SmallDisk) -> None:
    records = WorkerRecords(disk.folder)
    records.write(record("before"))
    disk.fill()

    for name in ("a", "b"):
        records.write(record(name))
        records.make_status_file(name)
        assert records.status_of(name) is None
        records.write(replace(record(name), process_id=7))
        status = StatusFile(records.status_file(name))
        status.loading()
        status.ready("proved by its example", 12)

    assert read_config(records.path("a")).worker_id == "a"
    assert {each.worker_id: each.process_id for each in records.list()} == {"before": None, "a": 7, "b": 7}
    found = records.status_of("b")
    assert found is not None
    assert (found.phase, found.message) == ("ready", "proved by its example")


def test_when_there_is_room_again_files_are_as_short_as_ever_and_the_reserve_is_full(disk: SmallDisk) -> None:
    records = WorkerRecords(disk.folder)
    records.write(record("before"))
    for _ in range(3):
        disk.fill()
        for number in range(4):
            records.write(record(f"w{number}"))
        disk.free()
        records.write(record("w1"))
        assert not records.path("w1").read_bytes().endswith(b" ")


def test_a_reserve_that_is_used_up_is_told_and_leaves_what_was_there(disk: SmallDisk) -> None:
    records = WorkerRecords(disk.folder)
    records.write(record("before"))
    disk.fill()
    for number in range(12):
        records.write(record(f"w{number}"))
    with pytest.raises(OSError, match="No space left on device"):
        records.write(record("w12"))
    assert records.find("before") == record("before")


def test_gateways_hear_of_changes(disk: SmallDisk) -> None:
    place = SnapshotFile(disk.folder / "routes.json")
    place.write(snapshot(1))
    disk.fill()
    for number in range(2, 6):
        place.write(snapshot(number))
        assert place.read() == snapshot(number)
    assert json.loads((disk.folder / "routes.json").read_bytes())["number"] == 5


def test_a_worker_without_a_log_is_better_than_none(disk: SmallDisk) -> None:
    spec = WorkerSpec("w", "load", Path(), Path(), disk.folder / "logs" / "w.log", {})
    disk.fill()
    with open_log(spec, datetime(2026, 1, 1, tzinfo=UTC)) as log:
        assert log.writable()


def test_what_a_dead_worker_leaves_is_room_for_the_next(disk: SmallDisk) -> None:
    records = WorkerRecords(disk.folder)
    records.write(record("before"))
    disk.fill()
    for number in range(30):
        name = f"w{number}"
        records.write(record(name))
        records.make_status_file(name)
        records.write(replace(record(name), process_id=number))
        records.remove(name)
    assert [each.worker_id for each in records.list()] == ["before"]
