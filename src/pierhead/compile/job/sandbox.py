"""Starts the job's children and ends them: bounded in memory and time, none left behind."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO

import psutil

import pierhead.compile.extract
from pierhead.compile.job.order import Limits

_SCRIPT = Path(pierhead.compile.extract.__path__[0]) / "__main__.py"

_PR_SET_CHILD_SUBREAPER = 36
_WATCH_EVERY_S = 0.05
_FULL_LOOK_EVERY = 10
_LARGEST_LOG_BYTES = 32 * 1024**2

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "TZ")


class Sandbox:
    """One per job, on its main thread: children die with the thread that started them."""

    def __init__(self, limits: Limits, log: IO[bytes], scratch: Path) -> None:
        """Children's prints go to `log`; each has a folder of its own in `scratch` to work in."""
        self.limits = limits
        self._log = log
        self._scratch = scratch
        self._ends_s = time.monotonic() + limits.wall_s
        # What children leave behind when they die becomes ours, so that we find it.
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._lifeline, self._life = os.pipe()
        self._processes: list[Confined] = []

    @property
    def left_s(self) -> float:
        """Of the job's time; not above 0 when it is over."""
        return self._ends_s - time.monotonic()

    def start(self, name: str, python: Path, module: str) -> "Confined":
        """Run a module of ours that serves a conversation under an interpreter that need not know us. Raises OSError.

        `name` is that of its folder.
        """
        ours, theirs = socket.socketpair()
        folder = self._scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        fields = {
            "channel_fd": theirs.fileno(),
            "lifeline_fd": self._lifeline,
            "memory_bytes": self.limits.memory_bytes,
            "cpu_s": self.limits.child_cpu_s,
        }
        with theirs:
            process = subprocess.Popen(
                # Not resolved: a virtual environment's interpreter is a link that must be called by its own name.
                [str(python.absolute()), str(_SCRIPT), module, json.dumps(fields)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd=folder,
                env=_environment(python.absolute(), folder),
                pass_fds=(theirs.fileno(), self._lifeline),
                start_new_session=True,
            )
        confined = Confined(process, ours, self.limits, self._log)
        self._processes.append(confined)
        return confined

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for confined in self._processes:
            confined.kill()
        os.close(self._life)
        os.close(self._lifeline)
        _kill_descendants()


class Confined:
    """One child process and the socket to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", end: socket.socket, limits: Limits, log: IO[bytes]) -> None:
        self.end = end
        self._process = process
        self._limits = limits
        self._log = log
        self._verdict = ""
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def kill(self, why: str = "") -> None:
        """End it with its whole group, and wait; harmless twice."""
        self._verdict = self._verdict or why
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.end.close()

    def how_it_ended(self) -> str:
        """A clause on a child that is gone or about to be."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        self.kill()
        if self._verdict:
            return self._verdict
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and self._has_used_its_time()):
            return f"took more than {self._limits.child_cpu_s} s of processor time"
        if code is not None and code < 0:
            return f"was ended by signal {-code} ({signal.Signals(-code).name})"
        return f"ended by itself with exit code {code}"

    def _has_used_its_time(self) -> bool:
        children = os.times()
        return children.children_user + children.children_system >= self._limits.child_cpu_s

    def _watch(self) -> None:
        turn = 0
        while self._process.poll() is None:
            most = self._limits.memory_bytes
            if _resident_bytes(self._process.pid, with_children=turn % _FULL_LOOK_EVERY == 0) > most:
                self._strike(f"needed more than {most / 1024**2:.0f} MB of memory")
            if os.fstat(self._log.fileno()).st_size > _LARGEST_LOG_BYTES:
                self._strike("wrote more than the log may hold")
            turn += 1
            time.sleep(_WATCH_EVERY_S)

    def _strike(self, why: str) -> None:
        self._verdict = self._verdict or why
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _resident_bytes(pid: int, *, with_children: bool) -> int:
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if with_children else [])]
        return sum(_resident(member) for member in family)
    except psutil.Error:
        return 0


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _kill_descendants() -> None:
    """What is left of all that was started, in whatever group it hides; it may start more while we look."""
    for _ in range(20):
        left = psutil.Process().children(recursive=True)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=1)
        if not left:
            return


def _environment(python: Path, folder: Path) -> dict[str, str]:
    """Little, and nothing that belongs to the server; one thread, as when the model serves."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        "LANG": "C.UTF-8",
        **kept,
        "PATH": f"{python.parent}:{os.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin')}",
        "TMPDIR": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(_THREADS, "1"),
        "_MLFLOW_IS_IN_SERVING_ENVIRONMENT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
