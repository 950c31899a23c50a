"""What a child of the compile job arranges before any code of a model runs: limits, and an end with its job.

Standard library only.
"""

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
from dataclasses import dataclass

from pierhead.worker.surroundings import forget_platform, lower_own_rank, open_log

_PR_SET_PDEATHSIG = 1

# Address space is reserved far beyond what is used: the job's own watch over resident memory strikes first.
_RESERVED_PER_USED = 2
_LARGEST_FILE_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class Orders:
    """`channel_fd`: the socket of the conversation. `lifeline_fd`: read end of a pipe that closes with the job."""

    channel_fd: int
    lifeline_fd: int
    memory_bytes: int
    cpu_s: int


def confine(orders: Orders) -> socket.socket:
    """The socket of the conversation, once limits hold and this process cannot outlive its job."""
    _end_with_job(orders.lifeline_fd)
    forget_platform()
    lower_own_rank()
    bound_memory(orders.memory_bytes)
    _limit(resource.RLIMIT_CPU, orders.cpu_s)
    _limit(resource.RLIMIT_FSIZE, _LARGEST_FILE_BYTES)
    open_log()
    os.set_inheritable(orders.channel_fd, False)
    return socket.socket(fileno=orders.channel_fd)


def bound_memory(most_bytes: int) -> None:
    """Let this process reserve no more than about twice what it may use."""
    _limit(resource.RLIMIT_DATA, most_bytes * _RESERVED_PER_USED)


def _limit(what: int, most: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(what, (most, most))


def _end_with_job(lifeline: int) -> None:
    """Have this process and its group killed when the job is gone, whatever they are doing then.

    A process of its own watches: a thread would need the interpreter, which native code may never give back.
    """
    os.set_inheritable(lifeline, False)
    group = os.getpid()
    watcher = os.fork()
    if watcher == 0:
        # Once more, so that the model's code finds no child that it did not start.
        if os.fork() == 0:
            _watch(lifeline, group)
        os._exit(0)
    os.waitpid(watcher, 0)
    os.close(lifeline)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch(lifeline: int, group: int) -> None:
    try:
        # The conversation's socket must not be kept open by anybody but the child.
        os.dup2(lifeline, 3)
        os.closerange(4, 4096)
        with contextlib.suppress(OSError):
            while os.read(3, 1):
                pass
        os.killpg(group, signal.SIGKILL)
    finally:
        os._exit(0)
