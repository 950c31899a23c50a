"""Interpreters that have imported large libraries already, and are forked for each program that needs these at once.

To import them takes longer than most programs of the tests live. Nothing but imports happens before: each program runs
as `python -W ignore PROGRAM` would, in a process, a session and an environment of its own.
"""

import atexit
import fcntl
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

_LARGEST_ORDER = 200_000
_MOST_FDS = 16
_OUT_OF_THE_WAY = 500


class Program:
    """A running program; as far as it goes like `subprocess.Popen`."""

    def __init__(self, server: "_Server", pid: int) -> None:
        self.pid = pid
        self._server = server
        self._ends = os.pidfd_open(pid)
        self._code: int | None = None

    def poll(self) -> int | None:
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises TimeoutExpired."""
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _ended_within(self, timeout: float | None) -> int | None:
        if self._code is None and select.select([self._ends], [], [], timeout)[0]:
            self._code = self._server.ask({"bury": self.pid})
            os.close(self._ends)
        return self._code


def start(
    modules: tuple[str, ...],
    command: Sequence[str],
    *,
    stdout: int,
    stderr: int,
    folder: Path,
    environment: Mapping[str, str],
    fds: Sequence[int] = (),
) -> Program:
    """Run a script with its arguments where `modules` have been imported; the open files `fds` keep their numbers."""
    server = _server(modules)
    order = {"command": list(command), "folder": str(folder), "environment": dict(environment), "fds": list(fds)}
    return Program(server, server.ask(order, [stdout, stderr, *fds]))


class _Server:
    def __init__(self, modules: Sequence[str]) -> None:
        self._one_at_a_time = threading.Lock()
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", __file__, str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # MLflow reads it when it is imported.
                env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            )

    def ask(self, order: Mapping[str, object], fds: Sequence[int] = ()) -> int:
        with self._one_at_a_time:
            socket.send_fds(self._end, [json.dumps(order).encode()], fds)
            return int(self._end.recv(_LARGEST_ORDER))

    def close(self) -> None:
        self._end.close()
        self._process.kill()
        self._process.wait()


@cache
def _server(modules: tuple[str, ...]) -> _Server:
    server = _Server(modules)
    atexit.register(server.close)
    return server


def _serve(end: socket.socket, modules: Sequence[str]) -> None:
    for name in modules:
        import_module(name)
    # A thread would not come along into the programs.
    assert threading.active_count() == 1, threading.enumerate()
    # Otherwise the first collection in each program would copy all that was imported.
    gc.freeze()
    while True:
        raw, fds, _, _ = socket.recv_fds(end, _LARGEST_ORDER, _MOST_FDS)
        if not raw:
            return
        order = json.loads(raw)
        if "bury" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["bury"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                end.close()
                _become(order, fds)
                return
            for fd in fds:
                os.close(fd)
        end.send(str(answer).encode())


def _become(order: dict[str, list[str]], fds: Sequence[int]) -> None:
    """Be the program until its end."""
    os.setsid()
    # First out of the way of the numbers that they shall have.
    away = [fcntl.fcntl(fd, fcntl.F_DUPFD, _OUT_OF_THE_WAY) for fd in fds]
    for fd in fds:
        os.close(fd)
    for fd, wanted in zip(away, (1, 2, *map(int, order["fds"])), strict=True):
        os.dup2(fd, wanted)
        os.close(fd)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(str(order["folder"]))
    sys.argv = order["command"]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
