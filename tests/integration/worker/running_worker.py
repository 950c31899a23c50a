"""A worker process with orders of the test's own, under the interpreter that runs the tests."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.integration.worker.worker_client import GatewayLink, wait_for

import pierhead.worker
from harness import warm_python

SCRIPT = Path(pierhead.worker.__path__[0]) / "__main__.py"

_MODULES = ("mlflow.pyfunc", "mlflow.sklearn", "sklearn.compose", "sklearn.linear_model", "sklearn.pipeline")


def saved_models(folder: Path) -> Path:
    """Models saved by `save_models.py` into `folder`, once."""
    if not (folder / "expected.json").exists():
        folder.mkdir(exist_ok=True)
        script = Path(__file__).with_name("save_models.py")
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        subprocess.run(
            [sys.executable, str(script), str(folder)], env=environment, cwd=folder, check=True, capture_output=True
        )
    return folder


class RunningWorker:
    def __init__(
        self,
        model: Path,
        *,
        environment: dict[str, str] | None = None,
        fds: tuple[int, ...] = (),
        script: Path = SCRIPT,
        is_warm: bool = True,
        **orders: Any,
    ):
        """`is_warm`: the interpreter has imported MLflow already, which else is most of a worker's start."""
        self._folder = tempfile.TemporaryDirectory(prefix="worker")
        self.folder = Path(self._folder.name)
        self.socket = self.folder / "w.sock"
        self.log = self.folder / "log"
        record = {
            "worker_id": "w",
            "workload": "load",
            "model": str(model),
            "socket": str(self.socket),
            "status": str(self.folder / "status"),
            **orders,
        }
        (self.folder / "w.json").write_text(json.dumps(record))
        command = [str(script), "--config", str(self.folder / "w.json")]
        variables = {"PATH": "/usr/bin:/bin", "MLFLOW_DISABLE_TELEMETRY": "true", **(environment or {})}
        with self.log.open("wb") as log:
            self.process = (
                warm_python.start(
                    _MODULES,
                    command,
                    stdout=log.fileno(),
                    stderr=log.fileno(),
                    folder=self.folder,
                    environment=variables,
                    fds=fds,
                )
                if is_warm
                else subprocess.Popen(
                    [sys.executable, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env=variables,
                    start_new_session=True,
                    pass_fds=fds,
                )
            )

    @property
    def status(self) -> dict[str, Any]:
        file = self.folder / "status"
        return json.loads(file.read_text()) if file.exists() else {"phase": "", "message": ""}

    def until(self, phase: str) -> dict[str, Any]:
        """The status once it has this phase."""
        wait_for(lambda: self.status["phase"] == phase or self.process.poll() is not None, f"phase {phase}")
        assert self.status["phase"] == phase, f"{self.status}\n{self.log.read_text()}"
        return self.status

    def link(self) -> GatewayLink:
        return GatewayLink(self.socket)

    def exit_code(self) -> int:
        return self.process.wait(timeout=60)

    def __enter__(self) -> "RunningWorker":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self._folder.cleanup()
