"""Runs a script in a process of its own: the official clients warn on import, and read the environment once."""

import json
import os
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from harness.scripts import run_script

_PRELUDE = """
import json, sys, warnings
warnings.simplefilter("ignore")
result = {}
"""


def run_client(script: str, **environment: str) -> Any:
    """What the script leaves in `result`."""
    code = _PRELUDE + textwrap.dedent(script) + "\nprint('\\n' + json.dumps(result, default=str))"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "DATABRICKS_"))}
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(code)
        file.flush()
        done = run_script(Path(file.name), environment=kept | environment, timeout_s=240)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.strip().splitlines()[-1])
