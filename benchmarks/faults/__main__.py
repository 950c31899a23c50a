"""A platform that is hurt while it answers, and the fate of every single request.

`python -m benchmarks.faults` serves a compiled model, an opaque one whose requests share batches, and one whose answers
betray any company. Every request carries a row of its own, and every answer is compared with the right one.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.faults.scenarios import SCENARIOS, Scenario
from benchmarks.faults.sleeping import sleep_and_wake
from benchmarks.faults.traffic import FAILED, LOST, REFUSED, RIGHT, WRONG, Counts
from benchmarks.faults.withdrawing import answer_wrongly, start_damaged
from benchmarks.faults.world import MODELS, World, populated
from benchmarks.processes import platform
from benchmarks.surroundings import describe
from benchmarks.tables import in_columns, in_markdown
from pierhead.kit.home import Home

OUT = Path(__file__).parents[1] / "out"
SLEEPS_AFTER_S = 3.0
SETTINGS = {
    "PIERHEAD_COMPILE_VERSIONS": "served",
    "PIERHEAD_SCALE_TO_ZERO_AFTER_S": str(SLEEPS_AFTER_S),
    "PIERHEAD_INVOCATION_TIMEOUT_S": "10",
    "PIERHEAD_VERIFY_RATE": "1",
    "PIERHEAD_VERIFY_INTERVAL_S": "2",
}
_SMALL_DISK_MB = 48
_HEADER = ("fault", "model", "sent", "right", "wrong", "refused", "failed", "lost", "slowest s")


@dataclass(frozen=True, slots=True)
class Line:
    """What a fault did to one endpoint's requests. `failure`: how the platform did not recover; empty if it did."""

    fault: str
    model: str
    counts: Counts
    failure: str = ""

    def cells(self) -> tuple[str, ...]:
        fates = (f"{self.counts.fates[fate]:,}" for fate in (RIGHT, WRONG, REFUSED, FAILED, LOST))
        return (self.fault, self.model, f"{self.counts.sent:,}", *fates, f"{self.counts.slowest_s:.2f}")


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--connections", default=16, show_default=True, help="For each of the three endpoints.")
@click.option("--only", multiple=True, help="Faults whose name contains this.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
def main(connections: int, only: Sequence[str], markdown: bool) -> None:
    surroundings = describe()
    print("\n".join(surroundings), flush=True)
    lines: list[Line] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pierhead-faults-") as name, hurt_platform(Path(name)) as world:
        for scenario in _chosen(only):
            lines += suffer(world, scenario, connections)
            _say(lines[-len(MODELS) :])
        if not only or any("sleep" in part for part in only):
            for model, woken in sleep_and_wake(world, MODELS, SLEEPS_AFTER_S).items():
                lines.append(Line("asleep, then asked", model, woken.counts))
                notes.append(
                    f"{model}: awake after {woken.wake_s:.2f} s, {woken.processes_asleep} workers while asleep"
                )
            _say(lines[-len(MODELS) :])
        if not only or any("damaged" in part for part in only):
            for name, hurt in (("files damaged", start_damaged), ("damaged, no golden rows", answer_wrongly)):
                withdrawn = hurt(world)
                lines.append(Line(f"{name}, until noticed", "price", withdrawn.before))
                lines.append(Line(f"{name}, and after", "price", withdrawn.after))
                notes.append(f"{name}: the original served after {withdrawn.noticed_s:.1f} s")
    table = [line.cells() for line in lines]
    print("\n".join(in_markdown(_HEADER, table, left=2) if markdown else in_columns(_HEADER, table)))
    print("\n".join(notes))
    for failure in dict.fromkeys(f"NOT RECOVERED from {line.fault}: {line.failure}" for line in lines if line.failure):
        print(failure)
    for line in lines:
        for detail in line.counts.details:
            print(f"  {line.fault}, {line.model}: {detail}")
    _keep(lines, notes, surroundings)


def suffer(world: World, scenario: Scenario, connections: int, pause_s: float = 0.02) -> list[Line]:
    """One fault under traffic on all endpoints."""
    failure = ""
    with world.all_traffic(connections=connections, pause_s=pause_s) as traffic:
        try:
            scenario.fault(world)
            for each in traffic.values():
                each.wait_for(connections, 120)
        except TimeoutError as error:
            failure = str(error)
    return [Line(scenario.name, model, each.counts, failure) for model, each in traffic.items()]


@contextmanager
def hurt_platform(folder: Path, environments: Path | None = None) -> Iterator[World]:
    """A platform whose spool lies on a small disk where the system lets us mount one.

    `environments` is where it finds and leaves the environments of served versions; its own home if nothing is said.
    """
    home = folder / "home"
    (home / "spool").mkdir(parents=True)
    home.chmod(0o700)
    if environments is not None:
        environments.mkdir(parents=True, exist_ok=True)
        Home(home).environments.symlink_to(environments)
    with (
        small_spool(home / "spool"),
        platform(home, folder / "pierhead.log", SETTINGS) as ours,
    ):
        yield populated(ours.url, ours.token, home, ours.process_id, folder)


@contextmanager
def small_spool(folder: Path) -> Iterator[bool]:
    """Whether a small disk is mounted there while the block lasts."""
    mount = shutil.which("mount") or "mount"
    command = [mount, "-t", "tmpfs", "-o", f"size={_SMALL_DISK_MB}m", "pierhead-faults", str(folder)]
    is_mounted = False
    with suppress(OSError):
        is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def _chosen(only: Sequence[str]) -> list[Scenario]:
    return [scenario for scenario in SCENARIOS if not only or any(part in scenario.name for part in only)]


def _say(lines: Sequence[Line]) -> None:
    print("\n".join(in_columns(_HEADER, [line.cells() for line in lines])), flush=True)


def _keep(lines: Sequence[Line], notes: Sequence[str], surroundings: Sequence[str]) -> None:
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    rows = [
        {
            "fault": line.fault,
            "model": line.model,
            "fates": dict(line.counts.fates),
            "details": line.counts.details,
            "failure": line.failure,
        }
        for line in lines
    ]
    record = {"surroundings": surroundings, "notes": notes, "lines": rows}
    (OUT / f"faults-{moment}.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
