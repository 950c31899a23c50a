"""Reads of a large registry over HTTP: how long each takes, for a caller who may read all and for one who may not.

`python -m benchmarks.registry` fills a home with 2,000 models and one model of 10,000 versions, starts `pierhead up` on
it and measures on one connection with a token, the reads in turns. Results go to `benchmarks/out/`.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from benchmarks.processes import platform, waiting_s
from benchmarks.readings import quantile
from benchmarks.registry_calls import Read, first_page, reads, whole
from benchmarks.registry_rows import fill
from benchmarks.surroundings import describe
from benchmarks.tables import in_columns, in_markdown
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.home import Home
from pierhead.kit.schema import migrate

OUT = Path(__file__).with_name("out")
TARGET_MS = 50.0
HEADER = ("caller", "read", "calls", "p50 ms", "p95 ms", "p99 ms", "KB")

_WARM_UP = 5
_CALLS_FOR_WHOLE = 10


@dataclass(frozen=True, slots=True)
class Timing:
    """`size_bytes` is that of one answer; `has_target` is false for what nobody promised to be fast."""

    caller: str
    title: str
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    size_bytes: int
    has_target: bool = True

    @property
    def cells(self) -> tuple[str, ...]:
        milliseconds = (f"{value:.1f}" for value in (self.p50_ms, self.p95_ms, self.p99_ms))
        return (self.caller, self.title, str(self.calls), *milliseconds, f"{self.size_bytes / 1000:.0f}")


@dataclass(frozen=True, slots=True)
class Report:
    """`waiting` is the share of the time that was lost to whatever else ran on the machine."""

    timings: tuple[Timing, ...]
    filling_s: float
    waiting: float


class Reader:
    """One caller on one open connection."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> tuple[float, bytes]:
        """How long it took, in milliseconds, and the body. Raises RuntimeError if the answer is not 200."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {body[:500]!r}")
        return took * 1000, body

    def json(self, path: str) -> Any:
        return json.loads(self.get(path)[1])


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--models", default=2000, type=click.IntRange(min=1000), show_default=True)
@click.option("--versions", default=10_000, type=click.IntRange(min=7500), show_default=True, help="Of one model.")
@click.option("--calls", default=300, type=click.IntRange(min=1), show_default=True, help="Calls of each read.")
@click.option("--postgres", "on_postgres", is_flag=True, help="A Postgres of its own in place of SQLite.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
def main(models: int, versions: int, calls: int, on_postgres: bool, markdown: bool) -> None:
    surroundings = describe()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="pierhead-benchmark-")))
        url = running.enter_context(_postgres()) if on_postgres else ""
        report = run(folder, url, models=models, versions=versions, calls=calls)
    kind = "postgres" if on_postgres else "sqlite"
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    settings = {"database": kind, "models": models, "versions": versions, "surroundings": surroundings}
    content = {**settings, **asdict(report)}
    (OUT / f"registry-{kind}-{moment}.json").write_text(json.dumps(content, indent=2) + "\n")
    notes = [
        f"{kind}: {models:,} models and one of {versions:,} versions, written in {report.filling_s:.0f} s",
        f"client, gateway and api waited for a core in {report.waiting:.0%} of the time",
        _verdict(report.timings),
    ]
    rows = [timing.cells for timing in report.timings]
    if markdown:
        lines = [*(f"- {line}" for line in (*surroundings, *notes)), "", *in_markdown(HEADER, rows, left=2)]
    else:
        lines = [*surroundings, *notes, "", *in_columns(HEADER, rows)]
    print("\n".join(lines))


def run(folder: Path, url: str, *, models: int, versions: int, calls: int) -> Report:
    """Fill, start, measure. Raises RuntimeError if an answer is not what it should be."""
    home = Home(folder / "home")
    home.root.mkdir(mode=0o700)
    began = time.perf_counter()
    database = Database(url or sqlite_url(home.database))
    migrate(database)
    with database.transaction() as connection:
        token = fill(connection, models=models, versions=versions)
    _analyze(database)
    database.dispose()
    filling_s = time.perf_counter() - began
    with platform(home.root, folder / "pierhead.log", {"PIERHEAD_DATABASE_URL": url} if url else None) as ours:
        callers = {"admin": Reader(ours.url, ours.token), "reader": Reader(ours.url, token)}
        second_page = callers["admin"].json(first_page())["next_page_token"]
        began, waited_s = time.perf_counter(), waiting_s(ours.process_id)
        timings = _in_turns(callers, reads(models, versions, second_page), calls)
        waiting = (waiting_s(ours.process_id) - waited_s) / (time.perf_counter() - began)
        large = _in_turns({"admin": callers["admin"]}, whole(versions), _CALLS_FOR_WHOLE, has_target=False)
    return Report((*timings, *large), filling_s, waiting)


def _in_turns(
    callers: dict[str, Reader], planned: Sequence[Read], calls: int, *, has_target: bool = True
) -> list[Timing]:
    """Every turn makes each read once for each caller: what disturbs the machine disturbs all alike."""
    pairs = [(caller, read) for read in planned for caller in callers]
    took: list[list[float]] = [[] for _ in pairs]
    sizes = [0 for _ in pairs]
    for turn in range(-_WARM_UP, calls):
        for at, (caller, read) in enumerate(pairs):
            milliseconds, body = callers[caller].get(read.path(turn % calls))
            if turn < 0:
                _refuse_wrong(caller, read, body)
                sizes[at] = len(body)
            else:
                took[at].append(milliseconds)
    return [
        _timing(caller, read.title, sorted(took[at]), sizes[at], has_target) for at, (caller, read) in enumerate(pairs)
    ]


def _timing(caller: str, title: str, ordered: Sequence[float], size_bytes: int, has_target: bool) -> Timing:
    p50, p95, p99 = (quantile(ordered, share) for share in (0.5, 0.95, 0.99))
    return Timing(caller, title, len(ordered), p50, p95, p99, size_bytes, has_target)


def _refuse_wrong(caller: str, read: Read, body: bytes) -> None:
    found = read.found(json.loads(body))
    if found != read.expected:
        raise RuntimeError(f"{read.title} for {caller}: found {found}, not {read.expected}")


def _verdict(timings: Sequence[Timing]) -> str:
    promised = [timing for timing in timings if timing.has_target]
    slow = [f"{timing.title} for {timing.caller}" for timing in promised if timing.p95_ms >= TARGET_MS]
    if slow:
        return f"p95 not below {TARGET_MS:.0f} ms: {', '.join(slow)}"
    slowest = max(promised, key=lambda timing: timing.p95_ms)
    return f"p95 below {TARGET_MS:.0f} ms everywhere; the slowest is {slowest.title}: {slowest.p95_ms:.1f} ms"


def _analyze(database: Database) -> None:
    """Postgres does it by itself within a minute; SQLite as we run it never does."""
    if database.engine.dialect.name == "postgresql":
        with database.transaction() as connection:
            connection.exec_driver_sql("ANALYZE")


@contextmanager
def _postgres() -> Iterator[str]:
    from tests.harness.postgres import postgres

    with postgres() as server:
        yield server.url(server.create())


if __name__ == "__main__":
    main()
