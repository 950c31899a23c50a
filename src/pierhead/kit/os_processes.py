"""Processes of this machine that we did not start ourselves, or no longer wait for: told by number and start."""

import contextlib
import os
import signal

import psutil

# The start of a process is told relative to the boot, whose time moves a little when the clock is set.
_CREATED_TOLERANCE_S = 1.0


def created_s(process_id: int) -> float:
    """When a process started, in seconds since 1970. Raises psutil.NoSuchProcess."""
    return float(psutil.Process(process_id).create_time())


def is_running(process_id: int, started_s: float) -> bool:
    """Whether the process that started then still runs: not a later one of the same number, not a dead one."""
    try:
        process = psutil.Process(process_id)
        is_same = abs(process.create_time() - started_s) < _CREATED_TOLERANCE_S
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def is_stopped(process_id: int) -> bool:
    """Whether somebody has stopped the process (SIGSTOP, a debugger): it does nothing until it is told to go on."""
    try:
        return psutil.Process(process_id).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


def kill_group(leader: int) -> None:
    """Kill a living process with every process of its group. Harmless if all are gone."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(leader, signal.SIGKILL)


def kill_orphans(dead_leader: int) -> None:
    """Kill what is left of a dead process's group."""
    # The number of a dead leader is not given away while its group has members: they are its children.
    if not psutil.pid_exists(dead_leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(dead_leader, signal.SIGKILL)
