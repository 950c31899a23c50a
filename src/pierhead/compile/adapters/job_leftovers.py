"""What jobs that had no end left in their working folders."""

import shutil
from pathlib import Path


def sweep(folder: Path) -> None:
    """Remove what was not thrown away in time: artifacts, of which the store has those that were proved, and callers'
    requests. Logs stay.

    For the time before the first job.
    """
    for pattern in ("*/output/artifact", "*/output/scratch*", "*.verify"):
        for left in folder.glob(pattern):
            shutil.rmtree(left, ignore_errors=True)
    for order in folder.glob("*/order.json"):
        order.unlink(missing_ok=True)
