"""Load from wrk, pinned to cores of its own: a generator in Python would be slower than what is measured.

On two cores wrk shares its core with whatever does not answer: the platform's controller, which writes tables. A
generator that waits for its core counts that as the server's latency, by up to a tick of the kernel's clock. So it has
real-time priority wherever that is allowed.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.readings import Reading

_SCRIPT = Path(__file__).with_name("wrk.lua")
_REAL_TIME = ("chrt", "--fifo", "1")


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted again and again."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def require_wrk() -> str:
    """The program's path. Raises RuntimeError with what to do."""
    found = shutil.which("wrk")
    if found is None:
        raise RuntimeError(
            "the load generator wrk is missing; install the package `wrk` of your system (Debian has it)"
        )
    return found


@cache
def is_first_in_line() -> bool:
    """Whether wrk may have real-time priority here."""
    return subprocess.run([*_REAL_TIME, "true"], capture_output=True, check=False).returncode == 0


def load(request: Request, *, connections: int, seconds: int, core: int, pause_ms: int = 0) -> Reading:
    """Closed loop on keep-alive connections, each of which waits `pause_ms` between its requests, by chance more or
    less. Raises RuntimeError if wrk fails."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(request.body)
        body.flush()
        headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        command = [require_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(_SCRIPT)]
        done = subprocess.run(
            [*(_REAL_TIME if is_first_in_line() else ()), "taskset", "-c", str(core), *command, request.url],
            env={
                **os.environ,
                "REQUEST_BODY": body.name,
                "REQUEST_HEADERS": headers,
                "REQUEST_PAUSE_MS": str(pause_ms),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if done.returncode or line is None:
        raise RuntimeError(f"wrk failed: {(done.stderr or done.stdout).strip()[-500:]}")
    said = json.loads(line.removeprefix("RESULT "))
    return Reading(
        connections=connections,
        seconds=said["seconds"],
        requests=said["requests"] - said["failures"],
        failures=said["failures"],
        p50_ms=said["p50_ms"],
        p99_ms=said["p99_ms"],
    )
