"""Worker processes of this machine: which are alive, whose they are, how they are told to go."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

from pierhead.kit.os_processes import is_running, kill_group, kill_orphans
from pierhead.serving.adapters.worker_records import WorkerRecord, WorkerRecords

_PATIENCE_S = 5.0


def find_process(record: WorkerRecord, *, said_by_worker: int | None, record_file: Path) -> int | None:
    """The id of the worker's living process; None if it is gone or never came to be.

    `said_by_worker` is the id in the worker's status file: all there is if the one who started it died at once.
    """
    process_id = record.process_id or said_by_worker
    if process_id is None:
        return None
    if record.created_s is not None and is_running(process_id, record.created_s):
        return process_id
    try:
        process = psutil.Process(process_id)
        is_dead = process.status() == psutil.STATUS_ZOMBIE
        return process_id if not is_dead and str(record_file) in process.cmdline() else None
    except psutil.Error:
        return None


def ask_to_stop(process_id: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGTERM)


def kill_recorded_workers(folder: Path) -> None:
    """Kill every worker on record in `folder` and drop the records: for a platform that starts afresh.

    Waits up to five seconds for them to be gone.
    """
    records = WorkerRecords(folder)
    killed: list[tuple[WorkerRecord, int | None]] = []
    for record in records.list():
        status = records.status_of(record.worker_id)
        said = status.process_id if status else None
        process_id = find_process(record, said_by_worker=said, record_file=records.path(record.worker_id))
        if process_id is not None:
            kill_group(process_id)
        elif record.process_id is not None:
            kill_orphans(record.process_id)
        killed.append((record, said))
    deadline = time.monotonic() + _PATIENCE_S
    for record, said in killed:
        path = records.path(record.worker_id)
        while find_process(record, said_by_worker=said, record_file=path) and time.monotonic() < deadline:
            time.sleep(0.02)
        records.remove(record.worker_id)
