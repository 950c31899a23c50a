"""The servers as processes: started, measured, stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

_START_TIMEOUT_S = 180.0
_FEWEST = 2
_ON_PATH_OF_READS = ("pierhead.processes.child gateway", "pierhead.processes.child api")
_ON_REQUEST_PATH = ("pierhead.processes.child gateway", "pierhead/worker/", "pierhead/compile/runtime/")


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (2^20 bytes) of some processes together; PSS divides shared pages among those who share them."""

    pss_mb: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Platform:
    url: str
    token: str
    process_id: int


@contextmanager
def platform(home: Path, log: Path, settings: Mapping[str, str] | None = None) -> Iterator[Platform]:
    """`pierhead up` while the block lasts; `settings` are variables of its environment.

    Raises RuntimeError if it does not come up.
    """
    command = [_beside_python("pierhead"), "up", "--home", str(home), "--port", "0"]
    with _running(command, log, stdout=subprocess.PIPE, variables=settings) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(rb"Pierhead is ready at (http://\S+)", line):
                token = (home / "admin-token").read_text().strip()
                yield Platform(found[1].decode(), token, process.pid)
                return
        raise RuntimeError(f"pierhead up ended without being ready; see {log}")


@contextmanager
def mlflow_server(model: Path, log: Path, core: int | None = None) -> Iterator[tuple[int, int]]:
    """`mlflow models serve` on a model folder while the block lasts: its port and process id. Raises RuntimeError.

    On one core alone if that is given.
    """
    port = _free_port()
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    command = [
        *pinned,
        _beside_python("mlflow"),
        "models",
        "serve",
        "-m",
        str(model),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    with _running([*command, "--env-manager", "local"], log) as process:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mlflow models serve did not come up; see {log}")
            time.sleep(0.2)
        yield port, process.pid


def request_path(platform_process_id: int) -> tuple[int, ...]:
    """Process ids of the gateways and workers below the supervisor. Raises RuntimeError if there are none."""
    tree = psutil.Process(platform_process_id).children(recursive=True)
    commands = [" ".join(process.cmdline()) for process in tree]
    pairs = zip(tree, commands, strict=True)
    found = tuple(process.pid for process, command in pairs if any(part in command for part in _ON_REQUEST_PATH))
    if len(found) < _FEWEST:
        raise RuntimeError("the platform has no gateway or no worker")
    return found


def memory_of_tree(*process_ids: int) -> Memory:
    """Of these processes alone: give the members of the tree."""
    return _memory(psutil.Process(process_id) for process_id in process_ids if psutil.pid_exists(process_id))


def _memory(processes: Iterable[psutil.Process]) -> Memory:
    full = [process.memory_full_info() for process in processes]
    return Memory(sum(one.pss for one in full) / 2**20, sum(one.rss for one in full) / 2**20)


def waiting_s(platform_process_id: int) -> float:
    """How long the gateways, the api and this process have waited for a core so far, all threads together."""
    tree = psutil.Process(platform_process_id).children(recursive=True)
    commands = {process.pid: " ".join(process.cmdline()) for process in tree}
    on_path = [pid for pid, command in commands.items() if any(part in command for part in _ON_PATH_OF_READS)]
    return sum(_waiting_s(pid) for pid in (*on_path, os.getpid()))


def _waiting_s(process_id: int) -> float:
    files = Path(f"/proc/{process_id}/task").glob("*/schedstat")
    # Time on a core, time of waiting for one (both in nanoseconds), number of turns.
    return sum(int(file.read_text().split()[1]) for file in files) / 1e9


@contextmanager
def _running(
    command: list[str], log: Path, stdout: int | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    # `mlflow models serve` finds its web server on the PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with log.open("ab") as file:
        environment = {**os.environ, "PATH": path, **(variables or {})}
        process = subprocess.Popen(command, stdout=stdout or file, stderr=file, env=environment, start_new_session=True)
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process, then end whatever is left of its session."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()


def _beside_python(program: str) -> str:
    return str(Path(sys.executable).with_name(program))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
