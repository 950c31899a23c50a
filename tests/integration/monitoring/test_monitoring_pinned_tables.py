"""Inference tables are tidied every hundred commits; what a model was trained on must survive that."""

import os
from datetime import UTC, datetime
from pathlib import Path

from deltalake import DeltaTable

from pierhead.kit.delta import Batch
from pierhead.monitoring.services.payload_rows import SCHEMA, rows_of
from pierhead.monitoring.services.payload_table import UPKEEP_COMMITS, PayloadTable


def test_a_pinned_version_outlives_the_tidying_of_log_and_files(tmp_path: Path) -> None:
    path = tmp_path / "t"
    table = PayloadTable(path)
    for number in range(10 * UPKEEP_COMMITS):
        table.append([Batch("a", number, number + 1, rows_of([]).cast(SCHEMA))])
        if table.needs_upkeep:
            age_log(path)
            table.keep_up({7}, datetime.now(UTC))
    age_log(path)

    assert DeltaTable(path, version=7).version() == 7
    left = {int(file.name[:20]) for file in (path / "_delta_log").glob("0*")}
    assert set(range(8)) <= left
    assert len(left) < 2 * UPKEEP_COMMITS


def age_log(path: Path) -> None:
    """As if two days had passed."""
    past = datetime.now(UTC).timestamp() - 2 * 86400
    for file in (path / "_delta_log").iterdir():
        os.utime(file, (past, past))
