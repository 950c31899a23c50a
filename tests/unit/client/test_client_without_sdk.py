"""The SDK is an extra: without it, the import says what to install."""

import subprocess
import sys


def test_a_missing_sdk_is_named_with_its_remedy() -> None:
    script = "import sys; sys.modules['databricks.sdk'] = None; from pierhead.client import WorkspaceClient"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pierhead.client needs the Databricks SDK: pip install 'pierhead[client]'" in done.stderr
