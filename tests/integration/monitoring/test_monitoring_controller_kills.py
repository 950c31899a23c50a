"""kill -9 of the controller while it ingests and refreshes: rows and metrics are those of an undisturbed run.

It is the real program, and dies at random points. A few deaths are enough for every day; PIERHEAD_TEST_KILLS=50 asks
for more of them.
"""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from monitoring_records import TABLE, record

from harness import warm_python
from harness.commands import PIERHEAD
from harness.warm_python import Program
from pierhead.catalog.services.grounds import Grounds
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.home import Home
from pierhead.kit.spool import SpoolWriter
from pierhead.monitoring.domain.monitors import InferenceLogProfile, MonitorDraft, ProblemType, RefreshState
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.labels import Labels
from pierhead.monitoring.services.monitor_definitions import Definitions
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.views import InferenceViews
from pierhead.registry.store.namespaces import ModelNamespaces
from pierhead.wiring.evidence import CatalogTables
from pierhead.wiring.monitors import refresh_loop

KILLS = int(os.environ.get("PIERHEAD_TEST_KILLS", "8"))

_REQUESTS, _BASELINE = "main.wine.quality_requests", "main.wine.training"
_HOURS = 5
_LOG = InferenceLogProfile(
    ProblemType.CLASSIFICATION, "timestamp", (Granularity.HOUR,), "prediction", "model_id", "label"
)
_MODULES = ("pierhead.cli.main", "pierhead.processes.alone", "pierhead.processes.controller")
# What tells one run from another: when it was, and how often it was refreshed.
_OF_A_RUN = ("computed_at", "refresh_id", "data_version_from", "data_version_to", "logging_table_commit_version")


class Plant:
    """A home with a monitored requests table, into which predictions and late labels of `start` and after come."""

    def __init__(self, root: Path, empty: Path, start: datetime) -> None:
        self.home = Home(root)
        self.home.create()
        shutil.copyfile(empty, self.home.database)
        self.database = Database(sqlite_url(self.home.database))
        self.start = start
        self.written = 0
        self._writer = SpoolWriter(self.home.spool, "gateway", segment_bytes=20_000)
        self.predict(60)
        # Its rules keep the bodies of an endpoint that the database does not know.
        Ingestion(self.home.spool, self.home.tables, SystemClock()).tick()
        write_deltalake(self._path(_BASELINE), _training())
        grounds = Grounds(self.home, SystemClock(), ModelNamespaces(), InferenceViews())
        tables = CatalogTables(self.database, grounds)
        draft = MonitorDraft(_REQUESTS, "main.watch", _LOG, slicing=("kind",), baseline_table=_BASELINE)
        checked = Definitions(tables, SystemClock()).check(draft)
        with self.database.transaction() as connection:
            Monitors(connection, SystemClock()).create(checked, by="ada")
        self._loop = refresh_loop(self.database, self.home, grounds)

    def predict(self, count: int) -> None:
        """The next invocations; each depends on its number alone."""
        numbers = range(self.written, self.written + count)
        self._writer.append(TABLE, [self._record(number) for number in numbers])
        self.written += count

    def label(self, batch: int) -> None:
        """True classes of predictions of long ago, in one batch."""
        numbers = range(batch * 7, batch * 7 + 7)
        rows = pa.table({"request_id": [f"r-{n}" for n in numbers], "label": [str(n % 3) for n in numbers]})
        Labels(self.home.tables, TABLE).add(rows, batch_id=f"b-{batch}", source="test", now=self.start)

    def ask(self) -> None:
        with self.database.transaction() as connection:
            Monitors(connection, SystemClock()).ask_refresh(_REQUESTS)

    def is_refreshing(self, since: set[Path]) -> bool:
        """Whether a refresh works whose files are none of these."""
        return bool(self.refreshes() - since)

    def is_refreshed(self) -> bool:
        with self.database.reading() as connection:
            return all(each.state.is_over for each in Monitors(connection, SystemClock()).list_refreshes(_REQUESTS))

    def refreshes(self) -> set[Path]:
        """The folders of refreshes under way, or of the one that was under way when the controller died."""
        return set((self.home.run / "refreshes").glob("pierhead-refresh-*"))

    def finish(self) -> None:
        """Let the ingestion and the refreshes come to their end, and refresh once more."""
        ingestion = Ingestion(self.home.spool, self.home.tables, SystemClock())
        while ingestion.tick():
            pass
        while self._loop.tick():
            pass
        self.ask()
        self._loop.tick()
        with self.database.reading() as connection:
            last = Monitors(connection, SystemClock()).list_refreshes(_REQUESTS)[0]
        assert last.state is RefreshState.SUCCESS, last.message

    def rows(self) -> pd.DataFrame:
        found = DeltaTable(self._path(_REQUESTS)).to_pyarrow_table().to_pandas()
        return found.sort_values(["databricks_request_id", "row_index"]).reset_index(drop=True)

    def metrics(self, name: str) -> pd.DataFrame:
        rows = DeltaTable(self._path(f"main.watch.quality_requests_{name}_metrics")).to_pyarrow_table()
        frame: pd.DataFrame = rows.drop_columns([each for each in _OF_A_RUN if each in rows.column_names]).to_pandas()
        frame["start"] = [None if each is None else str(each["start"]) for each in rows["window"].to_pylist()]
        keys = ["start", "granularity", "log_type", "drift_type", "slice_key", "slice_value", "model_id", "column_name"]
        keys = [key for key in keys if key in frame]
        frame.index = pd.Index(["|".join(map(str, row)) for row in frame[keys].to_numpy()])
        assert frame.index.is_unique
        return frame.sort_index()

    def close(self) -> None:
        self._writer.close()
        self.database.dispose()

    def _record(self, number: int) -> bytes:
        chance = random.Random(number)
        body = {"x": chance.gauss(0.0, 1.0), "kind": chance.choice(["red", "white"]), "n": number % 11}
        return record(
            number,
            timestamp_ms=int(self.start.timestamp() * 1000) + number * 7_919_000 % (_HOURS * 3_600_000),
            request=json.dumps({"dataframe_records": [body]}).encode(),
            response=json.dumps({"predictions": [str(number % 3)]}).encode(),
        )

    def _path(self, name: str) -> Path:
        return self.home.tables.joinpath(*name.split("."))


@pytest.mark.slow
def test_a_controller_killed_at_random_points_leaves_rows_and_metrics_as_if_it_had_lived(
    tmp_path: Path, file_with_tables: Path
) -> None:
    chance = random.Random(50)
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS + 1)
    killed = Plant(tmp_path / "killed", file_with_tables, start)
    mid_refresh = 0
    for batch in range(KILLS):
        killed.label(batch)
        killed.ask()
        left = killed.refreshes()
        process = controller(killed.home)
        match batch % 4:
            case 1 | 3:
                meanwhile(killed, process, until=partial(killed.is_refreshing, left))
            case 2:
                meanwhile(killed, process, until=killed.is_refreshed)
        work_for(chance.uniform(0.0, 0.5), killed)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        mid_refresh += killed.is_refreshing(left)
    killed.finish()
    undisturbed = Plant(tmp_path / "undisturbed", file_with_tables, start)
    undisturbed.predict(killed.written - undisturbed.written)
    for batch in range(KILLS):
        undisturbed.label(batch)
    undisturbed.finish()

    print(f"{KILLS} kills, {mid_refresh} of them during a refresh; {killed.written} invocations")
    assert mid_refresh >= 1
    rows, expected = killed.rows(), undisturbed.rows()
    assert len(rows) == killed.written
    pd.testing.assert_frame_equal(rows, expected)
    for name in ("profile", "drift"):
        pd.testing.assert_frame_equal(killed.metrics(name), undisturbed.metrics(name), rtol=1e-9, atol=1e-12)
    for plant in (killed, undisturbed):
        plant.close()


def controller(home: Home) -> Program:
    environment = {**os.environ, "PIERHEAD_INGEST_INTERVAL_S": "0.02"}
    with (home.root / "controller.log").open("ab") as said:
        return warm_python.start(
            _MODULES,
            [str(PIERHEAD), "controller", "--home", str(home.root)],
            stdout=said.fileno(),
            stderr=said.fileno(),
            folder=home.root,
            environment=environment,
        )


def meanwhile(plant: Plant, process: Program, until: Callable[[], bool]) -> None:
    """Predictions go on coming while the controller works."""
    deadline_s = time.monotonic() + 60
    while not until():
        assert process.poll() is None
        assert time.monotonic() < deadline_s, "the controller refreshes nothing"
        work_for(0.005, plant)


def work_for(seconds: float, plant: Plant) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        plant.predict(2)
        time.sleep(0.01)


def _training() -> pa.Table:
    generator = np.random.default_rng(3)
    return pa.table(
        {
            "x": generator.normal(size=300),
            "kind": generator.choice(["red", "white"], 300),
            "n": generator.integers(0, 11, 300),
        }
    )
