"""What a worker is told by the host that starts it: the worker's record, one JSON file."""

import json
from dataclasses import dataclass
from pathlib import Path

EXIT_FORGOTTEN = 2
"""There is no record (any more): nobody waits for this worker."""

EXIT_FAILED = 3
"""The model could not be loaded or did not predict; the status file says why."""

EXIT_STUCK = 4
"""A prediction went on long after its time-out."""


_DRAIN_LIMIT_S = 30.0
_STUCK_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """One worker's orders. `drain_limit_s` bounds the wait for outstanding answers once told to stop;
    `stuck_grace_s` is how long a prediction may go on after its request's time-out."""

    worker_id: str
    workload: str
    model: Path
    socket: Path
    status: Path
    drain_limit_s: float = _DRAIN_LIMIT_S
    stuck_grace_s: float = _STUCK_GRACE_S


def read_config(path: Path) -> WorkerConfig:
    """Raises FileNotFoundError; ValueError or KeyError if it is no record."""
    record = json.loads(path.read_bytes())
    return WorkerConfig(
        worker_id=record["worker_id"],
        workload=record["workload"],
        model=Path(record["model"]),
        socket=Path(record["socket"]),
        status=Path(record["status"]),
        drain_limit_s=record.get("drain_limit_s", _DRAIN_LIMIT_S),
        stuck_grace_s=record.get("stuck_grace_s", _STUCK_GRACE_S),
    )
