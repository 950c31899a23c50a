"""What a shadow costs the callers of the model beside it: nothing that goes wrong with it may move their p99.

`python -m benchmarks.shadow` serves a compiled model by `pierhead up`, and beside it a candidate that gets a copy of
every request: a healthy one, one that hangs (SIGSTOP), one that kills its worker at 2% of the requests, and one that
takes 0.2 s for each. Each round visits all of them and a time without copies, one right after the other, in closed loop
and at a pace that the endpoint keeps up with. Every figure is a ratio to the same round's time without copies.

Gateway and champion have one core; the candidate has the other at a low priority, as it shares it with those who
ask: on two cores nothing is nearer to a machine of its own.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.candidates import CASES, Candidate
from benchmarks.data_plane import ASKING_CORE, OUT, pin
from benchmarks.peers import models
from benchmarks.peers.programs import as_split, await_answer
from benchmarks.processes import platform
from benchmarks.readings import Reading
from benchmarks.served import register_and_serve, register_moody, use_platform
from benchmarks.surroundings import describe
from benchmarks.tables import in_columns, in_markdown
from benchmarks.wrk import Request, load, require_wrk
from pierhead.kit.home import Home

_NAME = "gbt"
_ENDPOINT = f"{_NAME}-a"
_WARM_UP_S = 1


@dataclass(frozen=True, slots=True)
class Load:
    """`pause_ms` is what each connection waits between its requests on average; 0 for a closed loop."""

    name: str
    connections: int
    pause_ms: int


LOADS = (Load("closed loop", 8, 0), Load("at a pace", 16, 40))


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one case under one load; `shadows` counts what became of the copies, by status."""

    load: str
    case: str
    readings: tuple[Reading, ...]
    shadows: Mapping[str, int]


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--seconds", default=4, type=click.IntRange(min=1), show_default=True, help="Length of one run.")
@click.option("--rounds", default=5, type=click.IntRange(min=1), show_default=True)
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
def main(seconds: int, rounds: int, markdown: bool) -> None:
    require_wrk()
    surroundings = describe()
    with endpoint() as (request, candidate):
        results = measure(request, candidate, seconds, rounds)
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    record = {"surroundings": surroundings, "results": [asdict(result) for result in results]}
    (OUT / f"shadow-{moment}.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join([*surroundings, "", *table(results, markdown=markdown)]))


@contextmanager
def endpoint() -> Iterator[tuple[Request, Candidate]]:
    """The compiled model behind an endpoint, proved to answer, and the hands on its candidate."""
    asked = models.asked(_NAME, 1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pierhead-benchmark-")))
        ours = stack.enter_context(platform(folder / "home", folder / "pierhead.log"))
        use_platform(ours.url, ours.token)
        register_and_serve(_NAME, folder / "files")
        mood = folder / "mood"
        mood.write_text("well")
        model = register_moody(_NAME, mood)
        url = f"{ours.url}/serving-endpoints/{_ENDPOINT}/invocations"
        request = Request(url, json.dumps(as_split(asked)).encode(), {"Authorization": f"Bearer {ours.token}"})
        await_answer(request)
        # What starts from now on, the candidate above all, inherits the other core.
        pin(ours.process_id)
        candidate = Candidate(Home(folder / "home"), _ENDPOINT, model, mood)
        stack.callback(candidate.close)
        yield request, candidate


def measure(request: Request, candidate: Candidate, seconds: int, rounds: int) -> list[Result]:
    """Every round visits every load, and all cases one right after the other."""
    readings: dict[tuple[str, str], list[Reading]] = {}
    shadows: dict[tuple[str, str], dict[str, int]] = {}
    for _ in range(rounds):
        for each in LOADS:
            for case in CASES:
                candidate.begin(case)
                before = candidate.shadows()
                readings.setdefault((each.name, case), []).append(_run(request, each, seconds))
                candidate.end()
                after = candidate.shadows()
                total = shadows.setdefault((each.name, case), {})
                for status, count in after.items():
                    total[status] = total.get(status, 0) + max(0, count - before.get(status, 0))
    return [
        Result(each.name, case, tuple(readings[each.name, case]), shadows[each.name, case])
        for each in LOADS
        for case in CASES
    ]


def _run(request: Request, each: Load, seconds: int) -> Reading:
    load(request, connections=each.connections, seconds=_WARM_UP_S, core=ASKING_CORE, pause_ms=each.pause_ms)
    return load(request, connections=each.connections, seconds=seconds, core=ASKING_CORE, pause_ms=each.pause_ms)


HEADER = ("load", "shadow", "req/s", "x none", "p50 ms", "p99 ms", "x none", "of rounds", "failures", "copies")


def table(results: Sequence[Result], *, markdown: bool) -> list[str]:
    base = {result.load: result for result in results if result.case == "none"}
    lines = [_cells(result, base[result.load]) for result in results]
    return in_markdown(HEADER, lines, left=2) if markdown else in_columns(HEADER, lines)


def _cells(result: Result, base: Result) -> tuple[str, ...]:
    rates = _ratios(result, base, lambda reading: reading.rate)
    tails = _ratios(result, base, lambda reading: reading.p99_ms)
    return (
        result.load,
        result.case,
        f"{_median(sorted(reading.rate for reading in result.readings)):,.0f}",
        f"{_median(rates):.2f}",
        f"{_median(sorted(reading.p50_ms for reading in result.readings)):.2f}",
        f"{_median(sorted(reading.p99_ms for reading in result.readings)):.2f}",
        f"{_median(tails):.2f}",
        f"{tails[0]:.2f}-{tails[-1]:.2f}",
        str(sum(reading.failures for reading in result.readings)),
        ", ".join(f"{count:,} {status}" for status, count in sorted(result.shadows.items()) if count) or "-",
    )


def _ratios(result: Result, base: Result, figure: Callable[[Reading], float]) -> list[float]:
    """Of each round to its own time without copies, in ascending order."""
    return sorted(figure(one) / figure(other) for one, other in zip(result.readings, base.readings, strict=True))


def _median(ordered: Sequence[float]) -> float:
    return ordered[len(ordered) // 2]


if __name__ == "__main__":
    main()
