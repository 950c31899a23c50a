"""Minutes of steady traffic while configs change, workers die, endpoints fall asleep and gateways hand over.

`python -m benchmarks.soak` checks every answer, and says how much memory each part of the platform takes in the middle
and at the end: what grows with time would show.
"""

import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import psutil

from benchmarks.faults.__main__ import OUT, SETTINGS, SLEEPS_AFTER_S
from benchmarks.faults.scenarios import hand_over, kill_one, update_configs
from benchmarks.faults.sleeping import sleep_and_wake
from benchmarks.faults.traffic import FAILED, LOST, REFUSED, RIGHT, WRONG, Traffic
from benchmarks.faults.world import MODELS, World, populated
from benchmarks.processes import platform
from benchmarks.surroundings import describe
from benchmarks.tables import in_columns, in_markdown

_SAMPLE_EVERY_S = 2.0
_REST_S = 5.0
_GROWTH = 0.10
_PARTS = {
    "processes.child gateway": "gateway",
    "processes.child api": "api",
    "processes.child controller": "controller",
    "mlflow.server": "tracking",
    "pierhead/worker/": "worker of an original",
    "pierhead/compile/runtime/": "compiled worker",
    "pierhead up": "supervisor",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment, MB, the largest process of each part: proportional set size, and what of it is no file's page.

    The former also changes when processes that share a library come and go; the latter is a process's own.
    """

    at_s: float
    pss_mb: dict[str, float]
    own_mb: dict[str, float]


class Memory:
    """Samples the platform's processes while a `with` lasts."""

    def __init__(self, supervisor: int) -> None:
        self.samples: list[Sample] = []
        self._supervisor = supervisor
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def around(self, share: float, which: str) -> dict[str, float]:
        """Medians of each part (`pss_mb` or `own_mb`) over a fifth of the samples, ending at this share of them."""
        end = max(round(len(self.samples) * share), 1)
        chosen = self.samples[max(end - max(len(self.samples) // 5, 1), 0) : end]
        parts = {part for sample in chosen for part in sample.pss_mb}
        return {
            part: statistics.median(getattr(sample, which)[part] for sample in chosen if part in sample.pss_mb)
            for part in sorted(parts)
        }

    def _watch(self) -> None:
        began_s = time.monotonic()
        while not self._is_over.wait(_SAMPLE_EVERY_S):
            self.samples.append(Sample(time.monotonic() - began_s, *_sizes(self._supervisor)))


def _sizes(supervisor: int) -> tuple[dict[str, float], dict[str, float]]:
    root = psutil.Process(supervisor)
    pss: dict[str, float] = {}
    own: dict[str, float] = {}
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError, KeyError):
            words = " ".join(process.cmdline())
            part = next((name for key, name in _PARTS.items() if key in words), None)
            if part is not None:
                sizes = _rollup(process.pid)
                pss[part] = max(pss.get(part, 0.0), sizes["Pss"])
                own[part] = max(own.get(part, 0.0), sizes["Pss_Anon"])
    return pss, own


def _rollup(process_id: int) -> dict[str, float]:
    """MB by the kernel's names."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()[1:]
    return {name: float(rest.split()[0]) / 1024 for name, _, rest in (line.partition(":") for line in lines)}


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--minutes", default=5.0, show_default=True)
@click.option("--connections", default=64, show_default=True, help="Of all three endpoints together.")
@click.option("--pause-ms", default=20.0, show_default=True, help="Between an answer and the next request.")
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
def main(minutes: float, connections: int, pause_ms: float, markdown: bool) -> None:
    surroundings = describe()
    print("\n".join(surroundings), flush=True)
    with tempfile.TemporaryDirectory(prefix="pierhead-soak-") as name:
        folder = Path(name)
        with platform(folder / "home", folder / "pierhead.log", SETTINGS) as ours:
            world = populated(ours.url, ours.token, folder / "home", ours.process_id, folder)
            with Memory(world.supervisor) as memory, _traffic(world, connections, pause_ms / 1000) as traffic:
                done = _trouble(world, time.monotonic() + 60 * minutes)
    table = in_markdown if markdown else in_columns
    print(f"troubles: {', '.join(f'{count} x {name}' for name, count in done.items())}")
    print(
        "\n".join(table(("model", "sent", "right", "wrong", "refused", "failed", "lost", "slowest s"), _fates(traffic)))
    )
    lines, grown = _memory_lines(memory)
    print("\n".join(table(("part", "own MB, middle", "end", "change", "PSS MB at the end"), lines)))
    for each in traffic:
        print("\n".join(f"  {each.endpoint}: {detail}" for detail in each.counts.details))
    _keep(traffic, memory, done, surroundings)
    bad = sum(each.counts.bad for each in traffic)
    raise SystemExit(1 if bad or grown else 0)


@contextmanager
def _traffic(world: World, connections: int, pause_s: float) -> Iterator[Sequence[Traffic]]:
    # The compiled one takes most of it.
    shares = {"price": connections - connections // 2, "plain": connections // 4, "crowd": connections // 4}
    found = [world.traffic(model, connections=shares[model], pause_s=pause_s) for model in MODELS]
    with found[0], found[1], found[2]:
        yield found


def _trouble(world: World, until_s: float) -> dict[str, int]:
    """One after the other until the time is over; how often each."""
    troubles: dict[str, Callable[[], object]] = {
        "config updates": lambda: update_configs(world),
        "kill of a compiled worker": lambda: kill_one(world, "price"),
        "kill of an original's worker": lambda: kill_one(world, "plain"),
        "scale-down to zero and wake-up": lambda: sleep_and_wake(world, ["price"], SLEEPS_AFTER_S),
        "hand-over of the gateway": lambda: hand_over(world),
    }
    done = dict.fromkeys(troubles, 0)
    for name in itertools.cycle(troubles):
        if time.monotonic() > until_s:
            return done
        troubles[name]()
        done[name] += 1
        time.sleep(_REST_S)
    return done


def _fates(traffic: Sequence[Traffic]) -> list[tuple[str, ...]]:
    return [
        (
            each.endpoint,
            f"{each.counts.sent:,}",
            *(f"{each.counts.fates[fate]:,}" for fate in (RIGHT, WRONG, REFUSED, FAILED, LOST)),
            f"{each.counts.slowest_s:.2f}",
        )
        for each in traffic
    ]


def _memory_lines(memory: Memory) -> tuple[list[tuple[str, ...]], bool]:
    """And whether a part's own memory has grown by more than a tenth."""
    middle, end = memory.around(0.6, "own_mb"), memory.around(1.0, "own_mb")
    pss = memory.around(1.0, "pss_mb")
    both = [part for part in middle if part in end]
    lines = [
        (
            part,
            f"{middle[part]:.1f}",
            f"{end[part]:.1f}",
            f"{100 * (end[part] / middle[part] - 1):+.1f} %",
            f"{pss[part]:.1f}",
        )
        for part in both
    ]
    return lines, any(end[part] > middle[part] * (1 + _GROWTH) for part in both)


def _keep(traffic: Sequence[Traffic], memory: Memory, done: dict[str, int], surroundings: Sequence[str]) -> None:
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    record = {
        "surroundings": surroundings,
        "troubles": done,
        "fates": {each.endpoint: dict(each.counts.fates) for each in traffic},
        "details": {each.endpoint: each.counts.details for each in traffic},
        "memory": [asdict(sample) for sample in memory.samples],
    }
    (OUT / f"soak-{moment}.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
