"""Monitors over real Delta tables, refreshed by the controller's loop, and what they wrote as pandas frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from fakes.clock import FixedClock
from pierhead.kit.db import Database
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.monitors import (
    InferenceLogProfile,
    Monitor,
    MonitorDraft,
    ProblemType,
    Profile,
    Refresh,
    TimeSeriesProfile,
)
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.ports import TrainedOn
from pierhead.monitoring.services.monitor_definitions import Definitions
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.refresh_loop import RefreshLoop, RefreshSurroundings
from pierhead.monitoring.services.refresh_sources import Sources

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TABLE = "main.wine.log"
BASELINE = "main.wine.training"
HOURLY = TimeSeriesProfile("ts", (Granularity.HOUR,))
LOG = InferenceLogProfile(
    ProblemType.CLASSIFICATION, "ts", (Granularity.HOUR,), "prediction", "model", "label", "score"
)
_INSTANT = pa.timestamp("us", tz="UTC")


@dataclass
class NamedFolders:
    """The catalog, as far as monitors ask it, and the registry's records of training data."""

    root: Path
    by_path: dict[str, Path] = field(default_factory=dict)
    trained: Mapping[tuple[str, str], Sequence[TrainedOn]] = field(default_factory=dict)

    def find_location(self, name: FullName) -> Path | None:
        path = self.by_path.get(str(name), self.root / name.catalog / name.schema / name.name)
        return path if path.is_dir() else None

    def find(self, model_name: str, model_version: str) -> Sequence[TrainedOn]:
        return self.trained.get((model_name, model_version), ())


class RefreshWorld:
    def __init__(self, root: Path, database: Database) -> None:
        self.clock = FixedClock(NOON)
        self.database = database
        self.folders = NamedFolders(root)
        self.around = RefreshSurroundings(Sources(self.folders, self.folders), root, lambda _path: ())
        self.loop = RefreshLoop(database, self.clock, self.around)

    def path(self, name: str) -> Path:
        return self.folders.root.joinpath(*name.split("."))

    def write(self, rows: pa.Table, name: str = TABLE, mode: str = "append") -> int:
        """The version written."""
        write_deltalake(self.path(name), rows, mode=mode)  # type: ignore[call-overload]
        return int(DeltaTable(self.path(name)).version())

    def watch(self, profile: Profile, **more: object) -> Monitor:
        """A monitor of TABLE whose first refresh was asked for."""
        return self.watch_table(TABLE, profile, **more)

    def watch_table(self, table: str, profile: Profile, **more: object) -> Monitor:
        draft = MonitorDraft(table, "main.watch", profile, **more)  # type: ignore[arg-type]
        checked = Definitions(self.folders, self.clock).check(draft)
        with self.database.transaction() as connection:
            return Monitors(connection, self.clock).create(checked, by="ada")

    def ask(self, table: str = TABLE) -> None:
        self.clock.advance(1)
        with self.database.transaction() as connection:
            Monitors(connection, self.clock).ask_refresh(table)

    def refresh(self) -> Refresh:
        """Ask for a refresh, unless one waits already, and let it run."""
        self.ask()
        assert self.loop.tick()
        return self.last()

    def last(self) -> Refresh:
        with self.database.reading() as connection:
            return Monitors(connection, self.clock).list_refreshes(TABLE)[0]

    def monitor(self) -> Monitor:
        with self.database.reading() as connection:
            return Monitors(connection, self.clock).get(TABLE)

    def profile(self, **chosen: object) -> pd.DataFrame:
        """Rows of the log, of all slices together and all models, unless chosen otherwise."""
        return _read(self.path("main.watch.log_profile_metrics"), {"log_type": "INPUT", **chosen})

    def read(self, name: str, **chosen: object) -> pd.DataFrame:
        return _read(self.path(name), chosen)

    def drift(self, **chosen: object) -> pd.DataFrame:
        return _read(self.path("main.watch.log_drift_metrics"), chosen)


def log_rows(
    generator: np.random.Generator, start: datetime, n: int, *, shift: float = 0.0, model: str = "main.wine.quality/1"
) -> pa.Table:
    """`n` predictions in one hour: a number, a category, a class with its score and its label."""
    x = generator.normal(shift, 1.0, n)
    score = 1 / (1 + np.exp(-x))
    return pa.table(
        {
            "ts": pa.array([start + timedelta(seconds=3600 * place / n) for place in range(n)], _INSTANT),
            "x": pa.array(x, mask=generator.random(n) < 0.05),
            "kind": generator.choice(["red", "white", "rose"], n, p=[0.5, 0.3, 0.2]),
            "model": [model] * n,
            "prediction": (score > 0.5).astype(np.int64),
            "score": score,
            "label": (generator.random(n) < score).astype(np.int64),
        }
    )


def _read(path: Path, chosen: Mapping[str, object]) -> pd.DataFrame:
    rows = DeltaTable(path).to_pyarrow_table()
    frame: pd.DataFrame = rows.to_pandas()
    starts = [None if each is None else each["start"] for each in rows["window"].to_pylist()]
    frame["start"] = pd.Series(starts, dtype=object)
    wanted = {"slice_key": None, **({"model": "*"} if "model" in frame else {}), **chosen}
    for name, value in wanted.items():
        frame = frame[frame[name].isna() if value is None else frame[name] == value]
    order = [name for name in ("start", "granularity", "slice_value", "column_name", "drift_type") if name in frame]
    return frame.sort_values(order, na_position="first").reset_index(drop=True)
