"""What a worker writes about itself, and how it reads its orders."""

import json
import os
from pathlib import Path

import pytest

from pierhead.worker.config import read_config
from pierhead.worker.status import StatusFile


def test_the_status_tells_phase_and_process(tmp_path: Path) -> None:
    status = StatusFile(tmp_path / "w.status")
    status.loading()
    status.ready("not proved", 812)
    written = json.loads((tmp_path / "w.status").read_text())
    assert written.pop("started_at_s") > 0
    assert written == {
        "phase": "ready",
        "message": "not proved",
        "load_ms": 812,
        "pid": os.getpid(),
        "last_words": "",
    }
    assert [file.name for file in tmp_path.iterdir()] == ["w.status"]


def test_last_words_leave_the_rest_as_it_was(tmp_path: Path) -> None:
    status = StatusFile(tmp_path / "w.status")
    status.ready("", 1)
    status.ending("stuck")
    written = json.loads((tmp_path / "w.status").read_text())
    assert (written["phase"], written["last_words"]) == ("ready", "stuck")


def test_orders_are_read_from_the_record(tmp_path: Path) -> None:
    record = {"worker_id": "w", "workload": "l", "model": "/m", "socket": "/s", "status": "/t", "process_id": 3}
    (tmp_path / "w.json").write_text(json.dumps(record))
    config = read_config(tmp_path / "w.json")
    assert (config.worker_id, config.model) == ("w", Path("/m"))
    with pytest.raises(FileNotFoundError):
        read_config(tmp_path / "other.json")
