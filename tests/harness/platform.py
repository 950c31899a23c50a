"""A whole platform as a user starts it: `pierhead up` in a process of its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from harness.commands import PIERHEAD, run_pierhead
from harness.http import Answer, request
from harness.scripts import run_script
from pierhead.kit.home import Home

SCRIPTS = Path(__file__).parents[1] / "compat" / "scripts"

# To compile every version in the background would leave no processor for the rest; tests of compilation ask for it.
_SETTINGS = {"PIERHEAD_COMPILE_VERSIONS": "asked"}


class Platform:
    """One home and, between `start` and `stop`, the processes that serve it.

    `environments` is where it finds and leaves the environments of served versions, which several homes can share.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int = 0,
        settings: dict[str, str] | None = None,
        environments: Path | None = None,
    ) -> None:
        self.home = home
        self.port = port
        self.url = ""
        self._settings = _SETTINGS | (settings or {})
        self._process: subprocess.Popen[str] | None = None
        if environments is not None:
            environments.mkdir(parents=True, exist_ok=True)
            home.mkdir(mode=0o700)
            Home(home).environments.symlink_to(environments)

    def start(self, timeout_s: float = 90) -> "Platform":
        command = [str(PIERHEAD), "up", "--home", str(self.home), "--port", str(self.port)]
        environment = os.environ | self._settings
        console = (self.home.parent / f"{self.home.name}-console.log").open("a")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=console, text=True, env=environment)
        console.close()
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout_s
        for line in self._process.stdout:
            found = re.search(r"Pierhead is ready at (http://\S+)", line)
            if found:
                self.url = found.group(1)
                # The next start of this home listens on the same port, as a user's would.
                self.port = int(self.url.rpartition(":")[2])
                return self
            assert time.monotonic() < deadline, "not ready in time"
        raise AssertionError(f"pierhead up ended with {self._process.wait()}:\n{self.console_text()}")

    def console_text(self) -> str:
        return (self.home.parent / f"{self.home.name}-console.log").read_text()

    @property
    def supervisor(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and wait; the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            return self._process.wait(60)
        finally:
            if self._process.poll() is None:
                self.kill_everything()
            self._bury()

    def tree(self) -> list[psutil.Process]:
        """Every process of the platform, the supervisor first; it stands still, so that none is missed."""
        self.supervisor.suspend()
        return [self.supervisor, *self.supervisor.children(recursive=True)]

    def kill_everything(self) -> None:
        """kill -9 of the whole tree at once."""
        tree = self.tree()
        for act in (psutil.Process.suspend, psutil.Process.kill):
            for process in tree:
                with suppress(psutil.NoSuchProcess):
                    act(process)
        self._bury()

    def kill_supervisor(self) -> list[psutil.Process]:
        """kill -9 of the supervisor alone; gives the processes that it leaves behind."""
        orphans = self.tree()[1:]
        self.supervisor.kill()
        self._bury()
        return orphans

    def _bury(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.wait(10)
        self._process.stdout.close()

    def child(self, name: str) -> psutil.Process:
        """The process that plays the part `name`: gateway, api, controller, tracking or worker."""
        for process in self.supervisor.children(recursive=True):
            try:
                if _plays(process.cmdline(), name):
                    return process
            except psutil.NoSuchProcess:
                continue
        raise AssertionError(f"no {name} is running")

    def exports(self, user: str | None = None) -> dict[str, str]:
        done = self.cli("env", *(["--user", user] if user else []))
        assert done.returncode == 0, done.stderr
        return {name: shlex.split(value)[0] for name, value in re.findall(r"^export (\w+)=(.*)$", done.stdout, re.M)}

    @property
    def token(self) -> str:
        return (self.home / "admin-token").read_text().strip()

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return request(self.url, method, path, body, sent)

    def run_client(
        self,
        script: str,
        *arguments: str,
        door: str = "http",
        user: str | None = None,
        variables: dict[str, str] | None = None,
        timeout_s: float = 240,
    ) -> Any:
        """Run `tests/compat/scripts/SCRIPT` with the official clients set to `door`; its last line, a JSON value."""
        environment = os.environ | self.exports(user) | _door(door, self.url) | {"PYTHONWARNINGS": "ignore"}
        environment |= variables or {}
        done = run_script(SCRIPTS / script, arguments, environment=environment, timeout_s=timeout_s)
        assert done.returncode == 0, f"{script} {arguments} through {door}:\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout.strip().splitlines()[-1])

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_pierhead(*arguments, "--home", str(self.home), environment=os.environ)


def wait_until(what: str, holds: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}"
        time.sleep(0.1)


def _door(door: str, url: str) -> dict[str, str]:
    """What a user exports to come through one of the doors."""
    return {
        "http": {"MLFLOW_TRACKING_URI": url, "MLFLOW_REGISTRY_URI": url},
        "databricks": {"MLFLOW_TRACKING_URI": "databricks", "MLFLOW_REGISTRY_URI": "databricks"},
        "databricks-uc": {"MLFLOW_TRACKING_URI": "databricks", "MLFLOW_REGISTRY_URI": "databricks-uc"},
    }[door]


def _plays(command: list[str], name: str) -> bool:
    words = " ".join(command)
    if name == "worker":
        return "pierhead/worker" in words or "pierhead/compile/runtime" in words
    if name == "tracking":
        return "mlflow.server" in words
    return re.search(rf"pierhead\S*( .*)? {name}\b", words) is not None
