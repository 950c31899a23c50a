"""kill -9 of gateways and of the ingestion, at any point: nothing lost, nothing doubled."""

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from deltalake import DeltaTable
from monitoring_records import TABLE

from fakes.clock import FixedClock
from harness import warm_python
from harness.warm_python import Program
from pierhead.kit import spool
from pierhead.monitoring.services.ingestion import Ingestion

SCRIPT = Path(__file__).with_name("monitoring_killed.py")

_MODULES = ("pierhead.monitoring.services.ingestion", "pierhead.monitoring.services.payload_table", "deltalake")


class Writer:
    """A gateway process; what it printed before its death is known to be in the spool."""

    def __init__(self, root: Path, number: int) -> None:
        self.printed = root / f"printed-{number}"
        with self.printed.open("wb") as file:
            self._process = start("write", str(root), stdout=file.fileno())

    def kill(self) -> None:
        kill(self._process)

    def written(self) -> set[str]:
        complete = self.printed.read_text().rpartition("\n")[0]
        return {f"r-{number}" for number in complete.split()}


def start(*arguments: str, stdout: int) -> Program:
    command = [str(SCRIPT), *arguments]
    return warm_python.start(_MODULES, command, stdout=stdout, stderr=2, folder=Path.cwd(), environment=os.environ)


def kill(process: Program) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def begun(root: Path, fault: str = "") -> Program:
    ours, theirs = os.pipe()
    process = start("ingest", str(root), fault, stdout=theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        assert said.readline() == b"begins\n"
    return process


def assert_everything_is_there_once(root: Path, writers: list[Writer]) -> None:
    ingestion = Ingestion(root / "spool", root / "tables", FixedClock())
    for _ in range(20):
        ingestion.tick()
    assert spool.streams(root / "spool", TABLE) == []
    assert ingestion.totals.quarantined == 0
    rows = DeltaTable(root.joinpath("tables", *TABLE.split("."))).to_pyarrow_table()
    times = Counter(rows["databricks_request_id"].to_pylist())
    assert [name for name, count in times.items() if count > 1] == []
    written = set().union(*(writer.written() for writer in writers))
    assert written
    assert written - times.keys() == set()
    # A write that was in the spool before its gateway could say so counts as well: at most the last one of each.
    assert len(times.keys() - written) <= 4 * len(writers)
    # Killed after the commit of the one table, a process is killed before that of the other.
    requests = DeltaTable(root.joinpath("tables", *TABLE.replace("_payload", "_requests").split(".")))
    assert Counter(requests.to_pyarrow_table()["databricks_request_id"].to_pylist()) == times


@pytest.mark.slow
def test_kills_at_random_points_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(20)
    writers = [Writer(tmp_path, number) for number in range(2)]
    for round_number in range(8):
        process = begun(tmp_path)
        time.sleep(chance.uniform(0.01, 0.5))
        kill(process)
        if round_number in (2, 5):
            writers[-1].kill()
            writers.append(Writer(tmp_path, len(writers)))
    for writer in writers:
        writer.kill()
    assert_everything_is_there_once(tmp_path, writers)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["before commit", "after commit"])
def test_a_kill_at_a_commit_loses_and_doubles_nothing(tmp_path: Path, fault: str) -> None:
    writer = Writer(tmp_path, 0)
    for _ in range(3):
        process = begun(tmp_path, fault)
        assert process.wait(60) == -9
        kill(process)
    writer.kill()
    assert_everything_is_there_once(tmp_path, [writer])
