"""Runs a script in a process of its own: the official clients warn on import, and read the environment once."""

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

_PRELUDE = """
import json, sys, warnings
warnings.simplefilter("ignore")
result = {}
"""


def run_client(script: str, **environment: str) -> Any:
    """What the script leaves in `result`."""
    code = _PRELUDE + textwrap.dedent(script) + "\nprint('\\n' + json.dumps(result, default=str))"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "DATABRICKS_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.strip().splitlines()[-1])
