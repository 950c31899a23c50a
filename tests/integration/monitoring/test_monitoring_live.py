"""From the spool to the drift of the last minutes, with the training data of the version as reference."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from monitoring_records import TABLE, record
from refresh_world import NOON, RefreshWorld

from harness.databases import LentDatabases
from pierhead.kit.clock import to_ms
from pierhead.kit.db import Database
from pierhead.kit.names import FullName
from pierhead.kit.spool import SpoolWriter
from pierhead.monitoring.domain.default_monitors import default_monitor
from pierhead.monitoring.domain.monitors import Baseline
from pierhead.monitoring.ports import TrainedOn
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.live.counting import LiveCounts
from pierhead.monitoring.services.live.preparing import LiveReferences
from pierhead.monitoring.services.live.reading import read_live
from pierhead.monitoring.services.rules import Rules

REQUESTS, TRAINING = TABLE.replace("_payload", "_requests"), "main.wine.training"


class LiveWorld:
    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self.world = RefreshWorld(root / "tables", database)
        self.clock = self.world.clock
        self.live = root / "live"
        self.counts = LiveCounts(self.live, self.clock)
        self.ingestion = Ingestion(root / "spool", root / "tables", self.clock, rules=Rules(counts=self.counts))
        self.references = LiveReferences(database, self.clock, self.live, self.world.around.sources, self.counts)
        self.writer = SpoolWriter(root / "spool", "gateway")
        self._sent = 0

    def train(self) -> None:
        x = np.random.default_rng(1).normal(0, 1, 5000)
        version = self.world.write(pa.table({"x": x, "target": x > 0}), TRAINING)
        trained = TrainedOn(Baseline(TRAINING, version), self.world.path(TRAINING))
        self.world.folders.trained = {("main.wine.quality", "1"): (trained,)}

    def ask(self, values: np.ndarray) -> None:
        for part in np.array_split(values, 10):
            self._sent += 1
            body = json.dumps({"inputs": {"x": part.tolist()}}).encode()
            answer = json.dumps({"predictions": [0.5] * len(part)}).encode()
            at_ms = to_ms(self.clock.now())
            self.writer.append(TABLE, [record(self._sent, timestamp_ms=at_ms, request=body, response=answer)])
        self.ingestion.tick()

    def monitor(self) -> None:
        draft = default_monitor(FullName.parse(REQUESTS), is_number=True)
        self.world.watch_table(draft.table, draft.profile)

    def levels(self) -> dict[str, tuple[str, int]]:
        self.clock.advance(6)
        self.ingestion.tick()
        found = read_live(self.live, REQUESTS, self.clock.now()).columns
        return {each.column: (each.level, each.n) for each in found}


@pytest.fixture
def live(tmp_path: Path, on_sqlite: LentDatabases) -> Iterator[LiveWorld]:
    with on_sqlite.lend() as database:
        world = LiveWorld(tmp_path, database)
        yield world
        world.writer.close()


def test_traffic_is_compared_with_the_training_data_within_seconds(live: LiveWorld) -> None:
    live.train()
    live.ask(np.random.default_rng(2).normal(0, 1, 100))
    live.monitor()
    live.references.tick()
    live.clock.advance(11)
    # What came before there was a reference is not counted; what comes now is.
    live.ask(np.random.default_rng(3).normal(0, 1, 400))
    assert live.levels() == {"x": ("ok", 400)}
    live.clock.advance(900)
    live.ask(np.random.default_rng(4).normal(3, 1, 400))
    assert live.levels() == {"x": ("alarm", 400)}


def test_without_recorded_training_data_nothing_is_said(live: LiveWorld) -> None:
    live.ask(np.zeros(100))
    live.monitor()
    live.references.tick()
    live.clock.advance(11)
    live.ask(np.zeros(100))
    assert live.levels() == {}
    assert live.clock.now() > NOON
