"""What it costs callers that everything is recorded: an inference table, and drift counted while it is written.

`python -m benchmarks.recording` serves one compiled model by `pierhead up` behind two endpoints, one with an inference
table, a monitor and counts against the training data, the other with nothing. Each round asks one right after the
other, and both kinds of load are told as ratios to the same round's endpoint without.

Gateway and worker have one core. The controller, which writes the tables, shares the other with those who ask, at a low
priority: on two cores nothing is nearer to a core of its own. What it has not written by then waits in the spool.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.data_plane import ASKING_CORE, OUT, pin
from benchmarks.peers import models
from benchmarks.peers.programs import as_split, await_answer
from benchmarks.processes import platform
from benchmarks.readings import Reading, middle, ratios
from benchmarks.served import register_recorded, use_platform
from benchmarks.surroundings import describe
from benchmarks.tables import in_columns, in_markdown
from benchmarks.wrk import Request, load, require_wrk

_NAME = "gbt"
_WARM_UP_S = 1
_PATIENCE_S = 60.0
CASES = ("off", "on")


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one case with so many connections."""

    case: str
    connections: int
    readings: tuple[Reading, ...]


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--seconds", default=4, type=click.IntRange(min=1), show_default=True, help="Length of one run.")
@click.option("--rounds", default=5, type=click.IntRange(min=1), show_default=True)
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
def main(seconds: int, rounds: int, markdown: bool) -> None:
    require_wrk()
    surroundings = describe()
    with endpoints() as requests:
        results = [each for connections in (1, 8, 64) for each in measure(requests, connections, seconds, rounds)]
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    record = {"surroundings": surroundings, "results": [asdict(result) for result in results]}
    (OUT / f"recording-{moment}.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join([*surroundings, "", *table(results, markdown=markdown)]))


@contextmanager
def endpoints() -> Iterator[dict[str, Request]]:
    """Both, proved to answer, when drift is counted."""
    asked = json.dumps(as_split(models.asked(_NAME, 1))).encode()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pierhead-benchmark-")))
        ours = stack.enter_context(platform(folder / "home", folder / "pierhead.log"))
        use_platform(ours.url, ours.token)
        register_recorded(_NAME, folder / "training", dict.fromkeys(CASES, False) | {"on": True})
        requests = {
            case: Request(
                f"{ours.url}/serving-endpoints/{_NAME}-{case}/invocations",
                asked,
                {"Authorization": f"Bearer {ours.token}"},
            )
            for case in CASES
        }
        for request in requests.values():
            await_answer(request)
        _await_counts(folder / "home" / "run" / "live-drift", requests["on"])
        pin(ours.process_id)
        yield requests


def _await_counts(folder: Path, request: Request) -> None:
    """Raises RuntimeError if drift is not counted after a while."""
    until_s = time.monotonic() + _PATIENCE_S
    while not any(folder.rglob("slots/*.json")):
        if time.monotonic() > until_s:
            raise RuntimeError("the writer does not count drift: was the training data recorded?")
        await_answer(request)
        time.sleep(0.5)


def measure(requests: dict[str, Request], connections: int, seconds: int, rounds: int) -> list[Result]:
    readings: dict[str, list[Reading]] = {case: [] for case in CASES}
    for _ in range(rounds):
        for case in CASES:
            load(requests[case], connections=connections, seconds=_WARM_UP_S, core=ASKING_CORE)
            readings[case].append(load(requests[case], connections=connections, seconds=seconds, core=ASKING_CORE))
    return [Result(case, connections, tuple(readings[case])) for case in CASES]


HEADER = ("conn", "recording", "req/s", "x off", "of rounds", "p50 ms", "p99 ms", "failures")


def table(results: Sequence[Result], *, markdown: bool) -> list[str]:
    base = {result.connections: result for result in results if result.case == "off"}
    lines = []
    for result in results:
        reading = middle(result.readings)
        shares = sorted(ratios(result.readings, base[result.connections].readings))
        lines.append(
            (
                str(result.connections),
                result.case,
                f"{reading.rate:,.0f}",
                f"{shares[len(shares) // 2]:.2f}",
                f"{shares[0]:.2f}-{shares[-1]:.2f}",
                f"{reading.p50_ms:.2f}",
                f"{reading.p99_ms:.2f}",
                str(sum(each.failures for each in result.readings)),
            )
        )
    return in_markdown(HEADER, lines, left=2) if markdown else in_columns(HEADER, lines)


if __name__ == "__main__":
    main()
