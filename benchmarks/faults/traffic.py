"""Steady traffic in which every answer is checked against the right one for that very request."""

import asyncio
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

RIGHT, WRONG, REFUSED, FAILED, LOST = "right", "wrong", "refused", "failed", "lost"
_REFUSALS = (429, 503)
_PATIENCE_S = 150.0
_MOST_DETAILS = 10


@dataclass(frozen=True, slots=True)
class Questions:
    """Rows, and the right answers of each version by its number."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    answers: Mapping[str, Sequence[float]]

    def is_right(self, at: int, version: str, answer: Any) -> bool:
        right = self.answers.get(version)
        return right is not None and isinstance(answer, float) and math.isclose(answer, right[at], rel_tol=1e-9)


def read_questions(path: Path) -> Questions:
    return Questions(**json.loads(path.read_text()))


@dataclass(slots=True)
class Counts:
    """What became of requests. `lost`: the connection broke before the answer; `failed`: any other status."""

    fates: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    @property
    def sent(self) -> int:
        return sum(self.fates.values())

    @property
    def bad(self) -> int:
        """Everything but right answers."""
        return self.sent - self.fates[RIGHT]

    def add(self, fate: str, took_s: float, detail: str) -> None:
        self.fates[fate] += 1
        self.slowest_s = max(self.slowest_s, took_s)
        if fate != RIGHT and len(self.details) < _MOST_DETAILS:
            self.details.append(f"{fate} after {took_s:.2f} s: {detail}"[:400])


class Traffic:
    """Invocations of one endpoint on kept connections, in a thread of its own, while a `with` lasts.

    Each connection asks the next row as soon as it has its answer and a pause is over. One that the server closed while
    nothing was under way is opened anew, as ordinary clients do. Versions are told by the answer's header
    `served-model-name`, `NAME-VERSION`.
    """

    def __init__(
        self, url: str, token: str, endpoint: str, questions: Questions, *, connections: int = 16, pause_s: float = 0.02
    ) -> None:
        self.endpoint = endpoint
        self.connections = connections
        self.counts = Counts()
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._token = token
        self._questions = questions
        self._pause_s = pause_s
        self._next = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name=f"ask {endpoint}", daemon=True)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        self.wait_for(self.connections)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let every connection have its last answer. Raises TimeoutError if one never comes."""
        self._is_over.set()
        self._thread.join(_PATIENCE_S + 5)
        if self._thread.is_alive():
            raise TimeoutError(f"a request to {self.endpoint} has had no answer for minutes")

    def wait_for(self, count: int, timeout_s: float = 60.0) -> None:
        """Until so many more requests were answered rightly. Raises TimeoutError."""
        wanted, until_s = self.counts.fates[RIGHT] + count, time.monotonic() + timeout_s
        while self.counts.fates[RIGHT] < wanted:
            if time.monotonic() > until_s:
                fates, details = dict(self.counts.fates), self.counts.details[-3:]
                raise TimeoutError(f"{self.endpoint}: not {count} more right in {timeout_s:g} s: {fates}, {details}")
            time.sleep(0.02)

    async def _run(self) -> None:
        await asyncio.gather(*(self._keep_asking() for _ in range(self.connections)))

    async def _keep_asking(self) -> None:
        connection: _Connection | None = None
        while not self._is_over.is_set():
            if connection is None or connection.is_closed:
                connection = await self._connected()
            if connection is not None and not await self._ask(connection):
                connection.close()
                connection = None
            await asyncio.sleep(self._pause_s)
        if connection is not None:
            connection.close()

    async def _connected(self) -> "_Connection | None":
        began_s = time.monotonic()
        try:
            return _Connection(*await asyncio.wait_for(asyncio.open_connection(self._host, self._port), 10))
        except OSError as error:
            self.counts.add(LOST, time.monotonic() - began_s, f"no connection: {error!r}")
            return None

    async def _ask(self, connection: "_Connection") -> bool:
        """Whether the connection can be kept."""
        at, self._next = self._next % len(self._questions.rows), self._next + 1
        content = {"dataframe_split": {"columns": self._questions.columns, "data": [self._questions.rows[at]]}}
        head = (
            f"POST /serving-endpoints/{self.endpoint}/invocations HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Authorization: Bearer {self._token}\r\nContent-Type: application/json\r\n"
        )
        began_s = time.monotonic()
        try:
            status, headers, body = await asyncio.wait_for(
                connection.exchange(head, json.dumps(content).encode()), _PATIENCE_S
            )
        except (OSError, EOFError, ValueError) as error:
            self.counts.add(LOST, time.monotonic() - began_s, repr(error))
            return False
        fate, detail = self._judge(at, status, headers, body)
        self.counts.add(fate, time.monotonic() - began_s, detail)
        return headers.get("connection", "").lower() != "close"

    def _judge(self, at: int, status: int, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
        said = f"{status} {body[:300]!r}"
        if status != 200:
            return (REFUSED if status in _REFUSALS else FAILED), said
        version = headers.get("served-model-name", "").rpartition("-")[2]
        try:
            [answer] = json.loads(body)["predictions"]
        except (ValueError, KeyError, TypeError):
            return WRONG, said
        if self._questions.is_right(at, version, answer):
            return RIGHT, ""
        return WRONG, f"row {at} of version {version}: {said}"


class _Connection:
    """One HTTP/1.1 connection with one request under way at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def is_closed(self) -> bool:
        return self._reader.at_eof() or self._reader.exception() is not None or self._writer.is_closing()

    async def exchange(self, head: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in small letters, body. Raises OSError, EOFError or ValueError."""
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await self._writer.drain()
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await self._reader.readexactly(int(headers["content-length"]))
        return int(first.split(" ", 2)[1]), headers, content

    def close(self) -> None:
        self._writer.close()
