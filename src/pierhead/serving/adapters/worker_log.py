"""Where a worker's output goes."""

from datetime import datetime
from io import FileIO
from pathlib import Path

from pierhead.kit.reserves import is_full
from pierhead.serving.ports import WorkerSpec

_NOWHERE = Path("/dev/null")


def open_log(spec: WorkerSpec, now: datetime) -> FileIO:
    """The log of the worker, with a line that says which one begins. On a full disk what it says goes nowhere.

    Raises OSError for any other reason.
    """
    try:
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        log = FileIO(spec.log, "ab")
    except OSError as error:
        if not is_full(error):
            raise
        return FileIO(_NOWHERE, "ab")
    try:
        moment = now.isoformat(timespec="seconds")
        log.write(f"--- {moment} worker {spec.worker_id} of {spec.workload}: model {spec.model}\n".encode())
    except OSError as error:
        # The file is there: once there is room again, the worker's words are kept.
        if not is_full(error):
            log.close()
            raise
    return log
