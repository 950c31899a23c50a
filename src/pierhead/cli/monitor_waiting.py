"""Waiting for a refresh of a monitor."""

import time
from typing import Any

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.remote import Remote

_LOOK_EVERY_S = 0.5


def wait_for_refresh(remote: Remote, path: str, timeout_s: int) -> dict[str, Any]:
    """The refresh when it has succeeded. Raises Failure if it ends in another way or takes longer."""
    deadline = time.monotonic() + timeout_s
    while True:
        found: dict[str, Any] = remote.get(path)
        if found["state"] == "SUCCESS":
            return found
        if found["state"] in ("FAILED", "CANCELED"):
            raise Failure(f"refresh {found['refresh_id']} is {found['state']}: {found.get('message', '')}")
        if time.monotonic() > deadline:
            raise Failure(
                f"refresh {found['refresh_id']} is {found['state']} after {timeout_s} s; it goes on",
                code=ExitCode.WAIT_TIMED_OUT,
            )
        time.sleep(_LOOK_EVERY_S)
