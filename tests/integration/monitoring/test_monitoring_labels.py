"""Late ground truth in a real Delta table, and predictions beside it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from monitoring_records import TABLE, record

from fakes.clock import FixedClock
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.spool import SpoolWriter
from pierhead.monitoring.domain.cohorts import Arm, ArmReading, LabelledCohorts, Loss
from pierhead.monitoring.domain.label_batches import Added, FromTable
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.label_coverage import Coverage, read_coverage
from pierhead.monitoring.services.label_rows import csv_labels, json_labels
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.labelled_pairs import read_pairs
from pierhead.monitoring.services.labels import Labels, table_labels
from pierhead.statistics.sequential.means import Moments

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CHAMPION = Arm("main.wine.quality", "1", "primary")
CANDIDATE = Arm("main.wine.quality", "2", "candidate")
SHADOW = Arm("main.wine.quality", "2", "shadow")


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables = root / "tables"
        self.writer = SpoolWriter(root / "spool", "gateway")
        self.labels = Labels(self.tables, TABLE)
        self.labelled = Labelled(self.tables)
        self._batches = 0

    def predict(self, request_id: str, *predictions: Any, at: timedelta = timedelta(), **changes: Any) -> None:
        fields = {
            "request_id": request_id,
            "timestamp_ms": round((START + at).timestamp() * 1000),
            "route": "primary",
            "request": json.dumps({"inputs": [0] * len(predictions)}).encode(),
            "response": json.dumps({"predictions": predictions}).encode(),
        }
        self.writer.append(TABLE, [record(0, **(fields | changes))])

    def ingest(self) -> None:
        Ingestion(self.root / "spool", self.tables, FixedClock()).tick()

    def say(self, *rows: dict[str, Any], at: timedelta = DAY, batch: str = "") -> Added:
        self._batches += 1
        batch = batch or f"b{self._batches}"
        return self.labels.add(json_labels(list(rows)), batch_id=batch, source="test", now=START + at)

    def cohorts(self, days: int = 1, *, now: timedelta = 10 * DAY, loss: Loss = Loss.ZERO_ONE) -> LabelledCohorts:
        until = START + days * DAY
        return self.labelled.cohorts(TABLE, since=START, until=until, width=DAY, now=START + now, loss=loss)

    def arm(self, arm: Arm = CHAMPION, loss: Loss = Loss.ZERO_ONE) -> ArmReading:
        (cohort,) = self.cohorts(loss=loss).cohorts
        return cohort.arms[arm]

    def coverage(self, days: int = 1) -> Coverage:
        until = START + days * DAY
        return read_coverage(self.labelled, TABLE, since=START, until=until, width=DAY, now=START + 10 * DAY)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.writer.close()


def correct(reading: ArmReading) -> tuple[int, int, int]:
    return reading.predictions, reading.labelled, reading.correct


def test_labels_meet_their_predictions_by_request_and_row(world: World) -> None:
    world.predict("r", 1, 0, 1)
    world.ingest()
    world.say({"request_id": "r", "row_index": 0, "label": 1}, {"request_id": "r", "row_index": 1, "label": "1"})
    assert correct(world.arm()) == (3, 2, 1)


def test_a_label_of_a_request_is_of_all_its_rows_but_those_that_have_their_own(world: World) -> None:
    world.predict("r", "cat", "dog", "dog")
    world.ingest()
    world.say({"request_id": "r", "label": "dog"}, {"request_id": "r", "row_index": 0, "label": "cat"})
    assert correct(world.arm()) == (3, 3, 3)


def test_the_latest_label_wins_and_a_label_can_be_taken_back(world: World) -> None:
    world.predict("r", 1)
    world.ingest()
    later, earlier = "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z"
    world.say({"request_id": "r", "label": 1, "label_ts": later})
    world.say({"request_id": "r", "label": 0, "label_ts": earlier})
    assert correct(world.arm()) == (1, 1, 1)
    world.say({"request_id": "r", "label": 0, "label_ts": later}, at=2 * DAY)
    assert correct(world.arm()) == (1, 1, 0)
    world.say({"request_id": "r", "withdraw": True, "label_ts": later}, at=3 * DAY)
    assert correct(world.arm()) == (1, 0, 0)


def test_of_two_labels_of_one_batch_the_last_one_counts(world: World) -> None:
    world.predict("r", 1)
    world.ingest()
    world.say({"request_id": "r", "label": 0}, {"request_id": "r", "label": 1})
    assert correct(world.arm()) == (1, 1, 1)


def test_a_batch_that_comes_again_is_taken_once(world: World) -> None:
    row = {"request_id": "r", "label": 1}
    assert (world.say(row, batch="b").rows, world.say(row, batch="b")) == (
        1,
        Added("main.wine.quality_labels", "b", 0, 0, is_replay=True),
    )
    assert DeltaTable(world.tables / "main/wine/quality_labels").count() == 1


def test_labels_of_entities_meet_all_predictions_of_theirs(world: World) -> None:
    world.predict("r-1", 1, client_request_id="customer-7")
    world.predict("r-2", 0, client_request_id="customer-7")
    world.predict("r-3", 1, client_request_id="customer-8")
    world.ingest()
    world.say({"entity_key": "customer-7", "label": 1}, {"request_id": "r-2", "label": 0})
    assert correct(world.arm()) == (3, 2, 2)


def test_a_shadow_is_judged_by_the_labels_of_what_it_copies(world: World) -> None:
    world.predict("r", 1)
    world.predict("s", 0, route="shadow", shadow_of="r", model_version="2")
    world.ingest()
    world.say({"request_id": "r", "label": 1})
    assert (correct(world.arm()), correct(world.arm(SHADOW))) == ((1, 1, 1), (1, 1, 0))


def test_arms_are_read_side_by_side_with_the_moments_of_their_loss(world: World) -> None:
    for number, prediction in enumerate([1.0, 2.0, 4.0]):
        world.predict(f"a-{number}", prediction)
        world.predict(f"b-{number}", prediction + 1, route="candidate", model_version="2")
    world.ingest()
    world.say(*({"request_id": f"{arm}-{n}", "label": 1.5} for arm in "ab" for n in range(3)))
    champion, candidate = world.arm(loss=Loss.ABSOLUTE), world.arm(CANDIDATE, loss=Loss.ABSOLUTE)
    expected = Moments.of([0.5, 0.5, 2.5])
    assert (champion.loss.n, champion.loss.mean) == (3, pytest.approx(expected.mean))
    assert champion.loss.m2 == pytest.approx(expected.m2)
    assert candidate.loss.mean == pytest.approx((0.5 + 1.5 + 3.5) / 3)
    assert world.arm(loss=Loss.SQUARED).loss.mean == pytest.approx((0.25 + 0.25 + 6.25) / 3)


def test_a_shadow_and_what_it_copies_are_compared_row_by_row(world: World) -> None:
    for number, (champion, shadow) in enumerate([(1, 1), (1, 0), (0, 1), (0, 1), (1, 1)]):
        world.predict(f"r-{number}", champion)
        world.predict(f"s-{number}", shadow, route="shadow", shadow_of=f"r-{number}", model_version="2")
    world.ingest()
    world.say(*({"request_id": f"r-{number}", "label": 1} for number in range(4)))
    (pairs,) = read_pairs(
        world.labelled, TABLE, since=START, until=START + DAY, width=DAY, now=START + 10 * DAY, loss=Loss.SQUARED
    )
    assert (pairs.champion, pairs.shadow, pairs.is_mature) == (CHAMPION, SHADOW, True)
    assert (pairs.pairs, pairs.gained, pairs.lost) == (4, 2, 1)
    expected = Moments.of([0.0, 1.0, -1.0, -1.0])
    assert (pairs.difference.n, pairs.difference.mean) == (4, pytest.approx(expected.mean))
    assert pairs.difference.m2 == pytest.approx(expected.m2)


def test_a_cohort_is_mature_when_its_youngest_row_is_older_than_the_delay_of_nine_in_ten(world: World) -> None:
    for day in range(3):
        world.predict(f"r-{day}", 1, at=day * DAY)
    world.ingest()
    world.say({"request_id": "r-0", "label": 1}, at=1 * DAY)
    world.say({"request_id": "r-1", "label": 1}, at=3 * DAY)
    found = world.cohorts(3, now=4 * DAY)
    assert [cohort.is_mature for cohort in found.cohorts] == [True, True, False]
    assert [round(cohort.maturity, 2) for cohort in found.cohorts] == [1.0, 1.0, 0.0]
    assert found.delays.at(0.5) == timedelta(days=1.5)


def test_without_labels_nothing_is_mature(world: World) -> None:
    world.predict("r", 1)
    world.ingest()
    (cohort,) = world.cohorts().cohorts
    assert (cohort.maturity, cohort.is_mature, world.cohorts().delays.at(0.9)) == (0.0, False, None)


def test_a_late_label_changes_the_cohort_it_belongs_to_and_no_other(world: World) -> None:
    for day in range(3):
        world.predict(f"r-{day}", 1, at=day * DAY)
    world.ingest()
    before = [cohort.arms for cohort in world.cohorts(3).cohorts]
    world.say({"request_id": "r-1", "label": 1}, at=5 * DAY)
    after = [cohort.arms for cohort in world.cohorts(3).cohorts]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_coverage_counts_what_is_labelled_and_labels_of_nothing(world: World) -> None:
    world.predict("r", 1, 0)
    world.ingest()
    world.say(
        {"request_id": "r", "row_index": 0, "label": 1}, {"request_id": "lost", "label": 1}, at=timedelta(hours=1)
    )
    found = world.coverage()
    (cohort,) = found.cohorts
    assert (cohort.predictions, cohort.labelled, cohort.coverage) == (2, 1, 0.5)
    assert cohort.delay_s == (3600, 3600, 3600)
    assert (found.labels, found.unknown_requests) == (2, 1)


def test_an_endpoint_without_predictions_or_labels_reads_as_empty(world: World) -> None:
    assert world.cohorts().cohorts == []
    assert (world.coverage().cohorts, world.coverage().labels) == ([], 0)


def test_labels_can_be_taken_from_a_version_of_another_table(world: World, tmp_path: Path) -> None:
    path = tmp_path / "truth"
    write_deltalake(path, pa.table({"id": ["r"], "truth": [1.0], "seen": [START + DAY]}))
    write_deltalake(path, pa.table({"id": ["r"], "truth": [0.0], "seen": [START]}), mode="append")
    columns = {"request_id": "id", "label": "truth", "label_ts": "seen"}
    found, version, key = table_labels(path, FromTable("main.x.truth", 0, columns))
    assert (found.num_rows, version) == (1, 0)
    assert table_labels(path, FromTable("main.x.truth", None, columns))[1] == 1
    assert table_labels(path, FromTable("main.x.truth", 0, columns))[2] == key
    world.predict("r", 1)
    world.ingest()
    world.labels.add(found, batch_id=key, source="", now=START + DAY)
    assert correct(world.arm()) == (1, 1, 1)
    with pytest.raises(NotFound):
        table_labels(path, FromTable("main.x.truth", 7, columns))
    with pytest.raises(InvalidArgument, match="nothing"):
        table_labels(path, FromTable("main.x.truth", 0, {"label": "nothing"}))


def test_labels_come_as_csv(world: World) -> None:
    world.predict("r", 3, 4)
    world.ingest()
    found = csv_labels(b"request_id,row_index,label\nr,0,3\nr,1,\n")
    added = world.labels.add(found, batch_id="csv", source="file", now=START + DAY)
    assert (added.rows, added.skipped, correct(world.arm())) == (1, 1, (2, 1, 1))


def test_too_many_cohorts_are_refused(world: World) -> None:
    with pytest.raises(InvalidArgument, match="10000 cohorts"):
        world.labelled.cohorts(TABLE, since=START, until=START + 365 * DAY, width=timedelta(seconds=1), now=START)
