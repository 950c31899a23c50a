"""Runs scripts that use the official clients, each in a process of its own.

To import the clients takes longer than most scripts run, so one process does it for all and forks for each.
Nothing but imports happens before: a script finds the clients as a new interpreter would have them.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import psutil

_IMPORTED = (
    "mlflow.pyfunc",
    "mlflow.sklearn",
    "databricks.sdk",
    "deltalake",
    "pandas",
    "sklearn.linear_model",
    "pierhead.client",
)


def run_script(
    script: Path, arguments: Sequence[str] = (), *, environment: Mapping[str, str], timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    """As `subprocess.run` with captured texts; a script that takes too long ends with -SIGALRM."""
    return _server().run(script, arguments, environment, timeout_s)


class _Server:
    """The process that has imported the clients; scripts run one after another."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(
        self, script: Path, arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float
    ) -> "subprocess.CompletedProcess[str]":
        with tempfile.TemporaryDirectory(prefix="pierhead-script-") as folder:
            said, erred = Path(folder) / "stdout", Path(folder) / "stderr"
            order = {
                "command": [str(script), *arguments],
                "environment": dict(environment),
                "folder": str(Path.cwd()),
                "stdout": str(said),
                "stderr": str(erred),
                "timeout_s": timeout_s,
            }
            code = self._ordered(order)
            return subprocess.CompletedProcess([str(script), *arguments], code, said.read_text(), erred.read_text())

    def _ordered(self, order: Mapping[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            try:
                return int(self._process.stdout.readline())
            except BaseException:
                # Its answer would come to whoever asks next.
                self.close()
                _server.cache_clear()
                raise

    def close(self) -> None:
        for process in (*psutil.Process(self._process.pid).children(), self._process):
            process.kill()
        self._process.communicate()


@cache
def _server() -> _Server:
    server = _Server()
    atexit.register(server.close)
    return server


def _serve() -> None:
    for name in _IMPORTED:
        import_module(name)
    # A thread would not come along into the scripts.
    assert threading.active_count() == 1, threading.enumerate()
    # Otherwise the first collection in each script would copy all that was imported.
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(order: dict[str, object]) -> None:
    """Be the script until its end."""
    command = [str(word) for word in order["command"]]  # type: ignore[attr-defined]
    for descriptor, path in ((0, os.devnull), (1, str(order["stdout"])), (2, str(order["stderr"]))):
        opened = os.open(path, os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[arg-type]
    os.chdir(str(order["folder"]))
    signal.setitimer(signal.ITIMER_REAL, float(order["timeout_s"]))  # type: ignore[arg-type]
    sys.argv = command
    sys.path.insert(0, str(Path(command[0]).parent))
    runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    _serve()
