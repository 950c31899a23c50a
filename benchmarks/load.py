"""A load generator in a process of its own: `python -m benchmarks.load` reads a Plan and writes a Reading, as JSON.

Closed loop: every connection sends the same request bytes again as soon as it has its answer, and stays open.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import cast

from benchmarks.http_answers import AnswerCutter
from benchmarks.readings import Reading, quantile

WARM_UP_S = 0.5
_CONNECT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`request` is the whole request, head and body."""

    host: str
    port: int
    request: bytes
    connections: int
    seconds: float


def request_bytes(host: str, path: str, body: bytes, token: str | None = None) -> bytes:
    """A keep-alive POST of a JSON body."""
    head = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*head, "", ""]).encode() + body


def measure_apart(plan: Plan) -> Reading:
    """Carry out the plan in another process. Raises RuntimeError if it could not be done."""
    sent = json.dumps({**asdict(plan), "request": base64.b64encode(plan.request).decode()})
    command, folder = [sys.executable, "-m", "benchmarks.load"], Path(__file__).parents[1]
    done = subprocess.run(command, cwd=folder, input=sent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"load generator failed: {done.stderr.strip()[-2000:]}")
    return Reading(**json.loads(done.stdout))


async def measure(plan: Plan) -> Reading:
    """Carry out the plan on this event loop. Raises OSError if no connection can be made."""
    loop = asyncio.get_running_loop()
    counter = _Counter()
    callers = [_Caller(plan.request, counter) for _ in range(plan.connections)]
    async with asyncio.timeout(_CONNECT_TIMEOUT_S):
        for caller in callers:
            await loop.create_connection(partial(_itself, caller), plan.host, plan.port)
    for caller in callers:
        caller.send()
    await asyncio.sleep(WARM_UP_S)
    counter.begin()
    cpu_before, began = time.process_time(), time.perf_counter()
    await asyncio.sleep(plan.seconds)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_before
    latencies = sorted(counter.latencies_s)
    for caller in callers:
        caller.hang_up()
    return Reading(
        connections=plan.connections,
        seconds=took,
        requests=len(latencies),
        failures=counter.failures,
        p50_ms=quantile(latencies, 0.5) * 1000,
        p99_ms=quantile(latencies, 0.99) * 1000,
        generator_load=cpu / took,
    )


class _Counter:
    """Shared by all connections. A connection that breaks is one failure and is not made again."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self.failures = 0

    def begin(self) -> None:
        self.latencies_s.clear()
        self.failures = 0


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes, counter: _Counter) -> None:
        self._request = request
        self._counter = counter
        self._cutter = AnswerCutter()
        self._transport: asyncio.WriteTransport | None = None
        self._sent_at = 0.0
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        answer = self._cutter.feed(data)
        if answer is None or self._is_over:
            return
        if answer.status == 200:
            self._counter.latencies_s.append(time.perf_counter() - self._sent_at)
        else:
            self._counter.failures += 1
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is the library's
        if not self._is_over:
            self._counter.failures += 1

    def hang_up(self) -> None:
        self._is_over = True
        if self._transport is not None:
            self._transport.close()


def _itself(caller: _Caller) -> _Caller:
    return caller


def main() -> None:
    import uvloop

    given = json.load(sys.stdin)
    plan = Plan(**{**given, "request": base64.b64decode(given["request"])})
    print(json.dumps(asdict(uvloop.run(measure(plan)))))


if __name__ == "__main__":
    main()
