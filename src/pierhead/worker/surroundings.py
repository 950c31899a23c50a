"""What a worker arranges around itself before any code of the model runs."""

import contextlib
import ctypes
import faulthandler
import io
import logging
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

LIFELINE_VARIABLE = "PIERHEAD_LIFELINE_FD"

_PR_SET_NO_NEW_PRIVS = 38
_OUT_OF_MEMORY_SCORE = "500"


def hold_lifeline() -> None:
    """End this process and its children at once when the platform that started it is gone.

    Does nothing without a lifeline: the read end of a pipe whose last writer is the platform.
    """
    number = os.environ.get(LIFELINE_VARIABLE)
    if number is None:
        return
    lifeline = int(number)
    os.set_inheritable(lifeline, False)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), name="lifeline", daemon=True).start()


def _wait_for_the_end(lifeline: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
    kill_own_group()


def kill_own_group() -> None:
    """End at once, together with every process that the model's code started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, 9)
    os._exit(1)


def forget_platform() -> None:
    """Take the platform's own variables out of the environment that the model's code sees."""
    for name in [name for name in os.environ if name.startswith("PIERHEAD_")]:
        del os.environ[name]


def lower_own_rank() -> None:
    """Be the first to go when memory runs out, gain no privileges, leave no core files: as far as the system allows."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OUT_OF_MEMORY_SCORE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def open_log() -> None:
    """Make prints appear as they happen, and crashes of native code leave a trace."""
    sys.stdout, sys.stderr = _stream(sys.stdout), _stream(sys.stderr)
    faulthandler.enable()


def _stream(stream: TextIO) -> TextIO:
    """The same stream, line by line. What finds no room on the disk is lost: nobody shall fail for a word in a log."""
    try:
        raw = _LossyFile(stream.fileno())
    except (OSError, AttributeError):
        return stream
    stream.flush()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)


class _LossyFile(io.RawIOBase):
    """An open file that takes whatever is written."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, chunk: "Buffer") -> int:
        view = memoryview(chunk).cast("B")
        try:
            return os.write(self._descriptor, view)
        except OSError:
            return len(view)


def calm_mlflow() -> None:
    """Let each of MLflow's warnings into the log once a minute: some come with every request."""
    calm = _OncePerMinute()
    for handler in logging.getLogger("mlflow").handlers:
        handler.addFilter(calm)


class _OncePerMinute(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._last_s: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place = (record.pathname, record.lineno)
        now = time.monotonic()
        if now - self._last_s.get(place, -60.0) < 60.0:
            return False
        self._last_s[place] = now
        return True
