"""What a platform that was killed may have left running."""

from pierhead.kit.home import Home
from pierhead.serving.adapters.worker_processes import kill_recorded_workers


def kill_workers(home: Home) -> None:
    """End every worker on record in this home."""
    kill_recorded_workers(home.worker_records)
