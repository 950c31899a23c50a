"""Worker processes as they are seen from outside."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path


class WorkerPhase(Enum):
    """Where a worker is in its life."""

    STARTING = "starting"  # the process runs; the model loads
    READY = "ready"  # a real predict succeeded; its socket answers
    DRAINING = "draining"  # told to stop; answers what it has
    FAILED = "failed"  # could not load or predict; `message` says why; the process is gone
    EXITED = "exited"  # the process died after it had been ready, or without saying anything


@dataclass(frozen=True, slots=True)
class WorkerObservation:
    """What is seen of one worker now."""

    worker_id: str
    workload: str
    phase: WorkerPhase
    socket: Path
    started_at: datetime
    message: str = ""
    was_ready: bool = False
    """Of a dead one: whether it had been ready."""
    is_from_outside: bool = False
    """Of a dead one: whether somebody else, or the machine, ended it, so that nothing is told of the model by it."""
    memory_bytes: int = field(default=0, compare=False)
    """What its process uses; 0 if nobody has looked."""

    @property
    def is_dead(self) -> bool:
        return self.phase in (WorkerPhase.FAILED, WorkerPhase.EXITED)

    @property
    def is_ready(self) -> bool:
        return self.phase is WorkerPhase.READY
