"""What this machine has, as far as it lets us have it."""

import os
from pathlib import Path

import psutil

from pierhead.serving.domain.capacity import Machine

_CGROUP = Path("/sys/fs/cgroup")


def this_machine(cgroup: Path = _CGROUP) -> Machine:
    """Its memory and cores, or what a container's limits leave of them."""
    memory = int(psutil.virtual_memory().total)
    limits = [_limit(cgroup / name) for name in ("memory.max", "memory/memory.limit_in_bytes")]
    return Machine(min([memory, *(limit for limit in limits if limit is not None)]), len(os.sched_getaffinity(0)))


def _limit(file: Path) -> int | None:
    """None if there is no such file, or no limit in it."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
