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


def available_memory(cgroup: Path = _CGROUP) -> int:
    """Bytes that could be had now without pushing anybody out, by the machine and by a container's limit."""
    available = int(psutil.virtual_memory().available)
    limit, used = _limit(cgroup / "memory.max"), _limit(cgroup / "memory.current")
    if limit is None or used is None:
        return available
    return max(0, min(available, limit - used + _idle_pages(cgroup / "memory.stat")))


def _idle_pages(file: Path) -> int:
    """Bytes of files that are kept only because there is room; 0 if nobody says."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))


def _limit(file: Path) -> int | None:
    """None if there is no such file, or no limit in it."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
