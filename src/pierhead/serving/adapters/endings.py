"""How worker processes ended, in words, and whose doing it was."""

import signal
from pathlib import Path

from pierhead.serving.adapters.worker_records import WorkerRecord, WorkerStatus

_VMSTAT = Path("/proc/vmstat")
_LOADING = "loading"
_BY_OTHERS = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)
_KILLED = -signal.SIGKILL


def describe_exit(
    code: int | None, status: WorkerStatus | None, record: WorkerRecord, *, was_memory_short: bool = False
) -> str:
    """A sentence on a process that is gone; `code` is None if another process was its parent.

    `was_memory_short` says that the kernel killed some process for lack of memory in its lifetime.
    """
    when = "after it was ready" if was_ready(status) else "before it was ready"
    if record.kill_at_ms is not None:
        return "the process was told to stop and is gone"
    if code is None:
        return f"the process is gone; it ended {when}"
    if code == _KILLED:
        why = "the machine ran out of memory meanwhile" if was_memory_short else "from outside"
        return f"the process was killed {when} (signal 9, {why})"
    if code < 0:
        return f"the process was ended {when} by signal {-code}"
    return f"the process ended {when} with exit code {code}"


def was_ready(status: WorkerStatus | None) -> bool:
    """Whether a process that is gone had been ready."""
    return status is not None and status.phase not in (_LOADING, "failed")


def is_from_outside(code: int | None) -> bool:
    """Whether others ended it, as far as its exit code tells; one that nobody knows says nothing of the model."""
    return code is None or code in _BY_OTHERS


def kills_for_memory(vmstat: Path = _VMSTAT) -> int:
    """How many processes the kernel has killed for lack of memory since the machine's start; 0 if nobody says."""
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
