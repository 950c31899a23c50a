"""Which processes a supervisor started, on disk, so that the next one can end those it left behind."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from pierhead.kit.home import Home
from pierhead.kit.os_processes import created_s, is_running, kill_group, kill_orphans
from pierhead.kit.replacing import replace_file

_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A child: `created` is its start in seconds since 1970, which tells it from a later process of the same id."""

    name: str
    process_id: int
    created: float


def write_records(home: Home, records: Sequence[ProcessRecord]) -> None:
    body = {"boot": _boot_id(), "processes": [asdict(record) for record in records]}
    replace_file(_file(home), json.dumps(body))


def read_records(home: Home) -> list[ProcessRecord]:
    """What the last supervisor wrote in this boot; nothing if it cannot be read."""
    try:
        body = json.loads(_file(home).read_text())
        if body["boot"] != _boot_id():
            return []
        return [ProcessRecord(**record) for record in body["processes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def record_of(name: str, process_id: int) -> ProcessRecord:
    """The record of a running child. Raises psutil.NoSuchProcess if it is gone already."""
    return ProcessRecord(name, process_id, created_s(process_id))


def is_alive(record: ProcessRecord) -> bool:
    return is_running(record.process_id, record.created)


def kill_leftovers(home: Home) -> None:
    """End what a dead supervisor has left; call only while holding the home's lock."""
    records = read_records(home)
    leftovers = [record for record in records if is_alive(record)]
    for record in records:
        if record in leftovers:
            kill_group(record.process_id)
        else:
            kill_orphans(record.process_id)
    deadline = time.monotonic() + _PATIENCE_S
    while any(is_alive(record) for record in leftovers) and time.monotonic() < deadline:
        time.sleep(0.02)


def _file(home: Home) -> Path:
    return home.run / "processes.json"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(psutil.boot_time())
