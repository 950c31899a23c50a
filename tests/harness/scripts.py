"""Runs scripts to their end, each in a process of its own, as `python SCRIPT` would: see `warm_python`."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import warm_python

CLIENTS = (
    "mlflow.pyfunc",
    "mlflow.sklearn",
    "databricks.sdk",
    "deltalake",
    "pandas",
    "sklearn.linear_model",
    "pierhead.client",
)
"""What scripts that use the official clients import."""


def run_script(
    script: Path,
    arguments: Sequence[str] = (),
    *,
    environment: Mapping[str, str],
    timeout_s: float,
    modules: tuple[str, ...] = CLIENTS,
) -> "subprocess.CompletedProcess[str]":
    """As `subprocess.run` with captured texts; a script that takes too long ends with -SIGALRM."""
    command = [str(script), *arguments]
    with tempfile.TemporaryDirectory(prefix="pierhead-script-") as folder:
        said, erred = Path(folder) / "stdout", Path(folder) / "stderr"
        with said.open("wb") as stdout, erred.open("wb") as stderr:
            program = warm_python.start(
                modules,
                command,
                stdout=stdout.fileno(),
                stderr=stderr.fileno(),
                folder=Path.cwd(),
                environment=environment,
            )
        try:
            code = program.wait(timeout_s)
        except BaseException as error:
            os.kill(program.pid, signal.SIGALRM)
            code = program.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        return subprocess.CompletedProcess(command, code, said.read_text(), erred.read_text())
