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


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """One worker's orders."""

    worker_id: str
    workload: str
    model: Path
    socket: Path
    status: Path
    artifact: Path | None = None
    """The compiled artifact's folder, for a worker that serves that instead of the model."""
    batching: bool = False
    """Whether requests may share a prediction: proved for this version."""


def read_config(path: Path) -> WorkerConfig:
    """Raises FileNotFoundError; ValueError or KeyError if it is no record."""
    record = json.loads(path.read_bytes())
    artifact = record.get("artifact")
    return WorkerConfig(
        worker_id=record["worker_id"],
        workload=record["workload"],
        model=Path(record["model"]),
        socket=Path(record["socket"]),
        status=Path(record["status"]),
        artifact=None if artifact is None else Path(artifact),
        batching=record.get("batching", False),
    )
