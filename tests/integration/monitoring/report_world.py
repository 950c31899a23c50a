"""An endpoint whose tables are filled by a seed, its monitor refreshed by the real loop, and its report by the API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from monitors_app import MODEL, World

from harness.http import Answer
from pierhead.identity.services.accounts import Authenticator
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api import report
from pierhead.monitoring.api.monitor_calls import MonitorCalls
from pierhead.monitoring.domain.monitors import Baseline, InferenceLogProfile, Monitor, MonitorDraft, ProblemType
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.ports import TrainedOn
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.labels_table import SCHEMA as LABELS
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.payload_rows import SCHEMA as PAYLOAD
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.services.refresh_loop import RefreshLoop, RefreshSurroundings
from pierhead.monitoring.services.refresh_sources import Sources
from pierhead.monitoring.services.report import Reports
from pierhead.monitoring.services.request_columns import OWN
from pierhead.wiring.evidence import CatalogTables

PREFIX = "main.wine.quality"
TRAINING = "main.wine.training"
REQUESTS = f"{PREFIX}_requests"

Draw = Callable[[np.random.Generator, int, float], dict[str, Any]]
"""Features of so many rows; the last argument is how much of the period has passed, 0-1, 0 for training data."""


@dataclass
class Asked:
    """What an endpoint was asked: `hours` up to now, about `rows` an hour; versions by when they began, 0-1; the share
    of labels that came within `label_hours`."""

    draw: Draw
    hours: int
    rows: int
    versions: Mapping[str, float] = field(default_factory=lambda: {"1": 0.0})
    label_hours: float | None = None
    empty: Sequence[int] = ()
    slicing: tuple[str, ...] = ()
    worse: Callable[[dict[str, Any], float], np.ndarray] = lambda features, _passed: np.zeros(
        len(next(iter(features.values())))
    )  # type: ignore[type-arg]


class Trained:
    """What the registry knows: every version was trained on the same table."""

    def __init__(self, trained: TrainedOn) -> None:
        self._trained = trained

    def find(self, model_name: str, model_version: str) -> Sequence[TrainedOn]:
        return [self._trained]


class ReportWorld(World):
    def _application(self) -> Any:
        routes = Routes(self.database)
        reports = Reports(self.database, self.clock, self.home.tables, Labelled(self.home.tables))
        calls = MonitorCalls(self.database, self.grounds, lambda held: Monitors(held, self.clock), self.check)
        report.add_routes(routes, self.database, calls, reports)
        return application(
            routes.routes,
            authenticate=Authenticator(self.database, self.clock),
            is_public=lambda _path: False,
            workspace_id="42",
        )

    def report(self, user: str = "sam", query: str = "") -> Answer:
        return self.ask("GET", f"/api/2.0/pierhead/monitors/report/wine{query}", user=user)

    def fill(self, asked: Asked, seed: int = 7) -> None:
        """Write the inference tables of the endpoint, and what its versions were trained on."""
        generator = np.random.default_rng(seed)
        self._write(TRAINING, pa.table(asked.draw(generator, 20 * asked.rows, 0.0)))
        now: datetime = self.clock.now()
        payload, requests, labels = [], [], []
        for hour in range(asked.hours):
            if hour in asked.empty:
                continue
            start = now - timedelta(hours=asked.hours - hour)
            passed = hour / max(1, asked.hours - 1)
            rows = max(1, int(asked.rows * (1 + 0.5 * np.sin(2 * np.pi * (start.hour - 8) / 24))))
            features = asked.draw(generator, rows, passed)
            one = _Hour(generator, start, rows, passed, asked)
            payload.append(one.payload())
            requests.append(one.requests(features))
            labels.append(one.labels(features, now))
        self._write(f"{PREFIX}_payload", pa.concat_tables(payload))
        self._write(REQUESTS, pa.concat_tables(requests))
        if asked.label_hours is not None:
            self._write(f"{PREFIX}_labels", pa.concat_tables(labels))

    def watch(self, slicing: tuple[str, ...] = ()) -> Monitor:
        profile = InferenceLogProfile(
            ProblemType.CLASSIFICATION,
            "timestamp",
            (Granularity.HOUR, Granularity.DAY),
            "prediction",
            "model_id",
            "label",
            "prediction_proba",
        )
        checked = self.check(MonitorDraft(REQUESTS, "main.wine", profile, slicing=slicing))
        with self.database.transaction() as connection:
            return Monitors(connection, self.clock).create(checked, by="ada")

    def refresh(self) -> None:
        trained = TrainedOn(Baseline(TRAINING, 0), table_path(self.home.tables, TRAINING))
        sources = Sources(CatalogTables(self.database, self.grounds), Trained(trained))
        around = RefreshSurroundings(sources, self.home.tables, lambda _path: ())
        assert RefreshLoop(self.database, self.clock, around).tick()

    def _write(self, name: str, rows: pa.Table) -> None:
        path = table_path(self.home.tables, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_deltalake(path, rows)


class _Hour:
    """The rows of one hour."""

    def __init__(self, generator: np.random.Generator, start: datetime, rows: int, passed: float, asked: Asked) -> None:
        self._generator = generator
        self._rows = rows
        self._passed = passed
        self._asked = asked
        self._ids = [f"r-{start:%d%H}-{row}" for row in range(rows)]
        seconds = np.sort(generator.random(rows) * 3600)
        self._at = [start + timedelta(seconds=float(each)) for each in seconds]
        known = [version for version, began in asked.versions.items() if began <= passed]
        self._versions = generator.choice(known, rows)
        self._config = len(known)
        self._score = generator.beta(0.6, 0.6, rows)

    def payload(self) -> pa.Table:
        latency = self._generator.lognormal(1.6, 0.5, self._rows) * (1 + 0.6 * self._passed)
        latency += 3.0 * (self._versions != "1")
        columns = {
            "databricks_request_id": self._ids,
            "request_date": [each.date() for each in self._at],
            "request_time": self._at,
            "status_code": np.where(self._generator.random(self._rows) < 0.004, 500, 200).tolist(),
            "sampling_fraction": [1.0] * self._rows,
            "execution_duration_ms": latency.astype(int).tolist(),
            "queue_ms": [0.1] * self._rows,
            "predict_ms": latency.tolist(),
            "gateway_ms": [0.2] * self._rows,
            "config_version": [self._config] * self._rows,
            "model_name": [MODEL] * self._rows,
            "model_version": self._versions.tolist(),
            "route": ["primary"] * self._rows,
        }
        return _of(PAYLOAD, columns, self._rows)

    def requests(self, features: dict[str, Any]) -> pa.Table:
        columns = {
            "databricks_request_id": self._ids,
            "row_index": [0] * self._rows,
            "timestamp": self._at,
            "endpoint_name": ["wine"] * self._rows,
            "model_id": [f"{MODEL}/{version}" for version in self._versions],
            "model_name": [MODEL] * self._rows,
            "model_version": self._versions.tolist(),
            "route": ["primary"] * self._rows,
            "prediction_proba": [[1 - score, score] for score in self._score],
        }
        table = _of(OWN, columns, self._rows)
        table = table.append_column("prediction", pa.array((self._score > 0.5).astype(np.int64)))
        for name, values in features.items():
            table = table.append_column(name, pa.array(values))
        return table

    def labels(self, features: dict[str, Any], now: datetime) -> pa.Table:
        hours = self._asked.label_hours or 0.0
        arrived = [at + timedelta(hours=float(self._generator.exponential(hours))) for at in self._at]
        # The truth follows the score, less so where the model is worse.
        wrong = self._generator.random(self._rows) < self._asked.worse(features, self._passed)
        truth = (self._generator.random(self._rows) < self._score) ^ wrong
        known = [row for row, at in enumerate(arrived) if at < now]
        columns = {
            "databricks_request_id": [self._ids[row] for row in known],
            "row_index": [0] * len(known),
            "label": [str(int(truth[row])) for row in known],
            "label_number": [float(truth[row]) for row in known],
            "label_ts": [arrived[row] for row in known],
            "ingest_ts": [arrived[row] for row in known],
            "batch_id": [f"b-{self._ids[row]}" for row in known],
            "batch_row": known,
        }
        return _of(LABELS, columns, len(known))


def _of(schema: pa.Schema, columns: Mapping[str, Any], rows: int) -> pa.Table:
    arrays = [
        pa.array(columns[each.name], each.type) if each.name in columns else pa.nulls(rows, each.type)
        for each in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
