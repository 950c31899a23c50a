"""Processes that the kill test starts: an ingestion, or a gateway that writes records without end.

`ingest ROOT FAULT`: ticks for ever; kills itself where FAULT says. `write ROOT`: prints each number that is safely in
the spool.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from monitoring_records import TABLE, record

from pierhead.kit.clock import SystemClock
from pierhead.kit.delta import Batch
from pierhead.kit.spool import SpoolWriter
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.payload_table import PayloadTable


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fatal(PayloadTable):
    """Dies before its second commit, or after it and so before anything is deleted."""

    fault = ""
    commits = 0

    def append(self, batches: list[Batch]) -> list[Batch]:
        Fatal.commits += 1
        if self.fault == "before commit" and Fatal.commits == 2:
            die()
        applied = super().append(batches)
        if self.fault == "after commit" and Fatal.commits == 2:
            die()
        return applied


def ingest(root: Path, fault: str) -> None:
    Fatal.fault = fault
    ingestion = Ingestion(root / "spool", root / "tables", SystemClock(), open_table=Fatal)
    print("begins", flush=True)
    while True:
        ingestion.tick()
        time.sleep(0.005)


def write(root: Path) -> None:
    writer = SpoolWriter(root / "spool", "gateway", segment_bytes=5000)
    number = os.getpid() * 1_000_000
    while True:
        size = random.randint(1, 4)
        writer.append(TABLE, [record(number + n) for n in range(size)])
        os.write(1, b"".join(b"%d\n" % (number + n) for n in range(size)))
        number += size
        time.sleep(0.002)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    ingest(Path(sys.argv[2]), sys.argv[3])
