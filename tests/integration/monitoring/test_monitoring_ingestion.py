"""From the spool into real Delta tables."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.dataset
import pytest
import structlog
from deltalake import DeltaTable
from monitoring_records import TABLE, record

from fakes.clock import FixedClock
from pierhead.kit import spool
from pierhead.kit.delta import Batch
from pierhead.kit.spool import SpoolWriter
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.payload_rows import SCHEMA
from pierhead.monitoring.services.payload_table import UPKEEP_COMMITS, PayloadTable


class World:
    """A home's spool and tables with one writer and one ingestion."""

    def __init__(self, root: Path) -> None:
        self.spool = root / "spool"
        self.tables = root / "tables"
        self.clock = FixedClock()
        self.writer = SpoolWriter(self.spool, "gateway", segment_bytes=2000)
        self.ingestion = Ingestion(self.spool, self.tables, self.clock)

    def path(self, table: str = TABLE) -> Path:
        return self.tables.joinpath(*table.split("."))

    def ids(self, table: str = TABLE) -> list[str]:
        rows = DeltaTable(self.path(table)).to_pyarrow_table(columns=["databricks_request_id"])
        ids: list[str] = rows["databricks_request_id"].to_pylist()
        return sorted(ids, key=lambda text: int(text.removeprefix("r-")))

    def streams(self, table: str = TABLE) -> list[Path]:
        return spool.streams(self.spool, table)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.writer.close()


def numbered(*numbers: int) -> list[str]:
    return [f"r-{number}" for number in numbers]


def test_records_become_rows_within_a_tick(world: World) -> None:
    world.writer.append(TABLE, [record(1), record(2)])
    assert world.ingestion.tick() == 2
    assert world.ids() == numbered(1, 2)


def test_a_tick_without_news_writes_nothing(world: World) -> None:
    world.writer.append(TABLE, [record(1)])
    world.ingestion.tick()
    assert (world.ingestion.tick(), DeltaTable(world.path()).version()) == (0, 1)


def test_a_new_controller_goes_on_where_the_last_one_ended(world: World) -> None:
    world.writer.append(TABLE, [record(1)])
    world.ingestion.tick()
    world.writer.append(TABLE, [record(2)])
    assert Ingestion(world.spool, world.tables, world.clock).tick() == 1
    assert world.ids() == numbered(1, 2)


def test_two_controllers_at_once_write_every_record_once(world: World) -> None:
    other = Ingestion(world.spool, world.tables, world.clock)
    for number in range(8):
        world.writer.append(TABLE, [record(number)])
        (world.ingestion if number % 3 else other).tick()
    other.tick()
    world.ingestion.tick()
    assert world.ids() == numbered(*range(8))


def test_all_gateways_of_a_table_share_a_commit(world: World) -> None:
    other = SpoolWriter(world.spool, "gateway")
    world.writer.append(TABLE, [record(1)])
    other.append(TABLE, [record(2)])
    assert world.ingestion.tick() == 2
    assert DeltaTable(world.path()).version() == 1
    other.close()


def test_tables_do_not_mix(world: World) -> None:
    world.writer.append(TABLE, [record(1)])
    world.writer.append("main.wine.other", [record(2)])
    world.ingestion.tick()
    assert (world.ids(), world.ids("main.wine.other")) == (numbered(1), numbered(2))


def test_what_is_in_the_table_leaves_the_spool(world: World) -> None:
    for number in range(20):
        world.writer.append(TABLE, [record(number)])
    assert len(spool.list_segments(world.streams()[0])) > 1
    world.ingestion.tick()
    assert len(spool.list_segments(world.streams()[0])) == 1
    world.writer.close()
    world.ingestion.tick()
    assert world.streams() == []
    assert world.ids() == numbered(*range(20))


def test_a_torn_end_of_a_dead_gateway_is_passed_over_and_counted(world: World) -> None:
    world.writer.append(TABLE, [record(1)])
    with spool.list_segments(world.streams()[0])[0].path.open("ab") as file:
        file.write(b"\xff\0\0\0torn")
    world.ingestion.tick()
    assert world.ingestion.totals.lost_bytes == 0
    world.writer.close()
    for _ in range(3):
        world.ingestion.tick()
    assert world.ingestion.totals.lost_bytes == 8
    assert (world.ids(), world.streams()) == (numbered(1), [])


def test_a_record_that_cannot_be_read_is_put_aside_and_the_rest_goes_on(world: World) -> None:
    world.writer.append(TABLE, [record(1), b"no record", record(2, timestamp_ms=-5), record(3)])
    assert world.ingestion.tick() == 2
    assert world.ids() == numbered(1, 3)
    assert world.ingestion.totals.quarantined == 2
    lines = (world.spool / TABLE / "quarantine.log").read_text().splitlines()
    assert "timestamp_ms -5" in json.loads(lines[1])["reason"]
    assert world.ingestion.tick() == 0
    assert world.ingestion.totals.quarantined == 2


def test_a_broken_table_does_not_stop_the_others_and_is_complained_of_once_a_minute(world: World) -> None:
    broken = "main.wine.a_broken_one"
    log = world.path(broken) / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{broken")
    with structlog.testing.capture_logs() as events:
        for number in range(90):
            world.writer.append(broken, [record(number)])
            world.writer.append(TABLE, [record(number)])
            world.ingestion.tick()
            world.clock.advance(1)
    assert [event["table"] for event in events] == [broken, broken]
    assert world.ids() == numbered(*range(90))
    shutil.rmtree(world.path(broken))
    world.clock.advance(31)
    assert world.ingestion.tick() == 90


def test_a_table_that_was_deleted_is_made_again(world: World) -> None:
    world.writer.append(TABLE, [record(1)])
    world.ingestion.tick()
    shutil.rmtree(world.path())
    world.writer.append(TABLE, [record(2)])
    for _ in range(3):
        world.ingestion.tick()
        world.clock.advance(5)
    assert "r-2" in world.ids()


def test_small_files_are_merged_and_no_row_is_lost(world: World) -> None:
    payload = PayloadTable(world.path())
    empty = SCHEMA.empty_table()
    world.writer.append(TABLE, [record(1)])
    world.ingestion.tick()
    # Other sources bring the table close to its next upkeep quickly.
    for number in range(UPKEEP_COMMITS - 3):
        payload.append([Batch("made up", number, number + 1, empty)])
    world.writer.append(TABLE, [record(2)])
    world.ingestion.tick()
    world.writer.append(TABLE, [record(3)])
    world.ingestion.tick()
    table = DeltaTable(world.path())
    assert len(table.file_uris()) == 1
    assert (world.path() / "_delta_log" / "_last_checkpoint").exists()
    assert world.ids() == numbered(1, 2, 3)


def test_rows_can_be_read_with_arrow_duckdb_and_the_change_feed(world: World) -> None:
    world.writer.append(TABLE, [record(number) for number in range(5)])
    world.ingestion.tick()
    table = DeltaTable(world.path())
    assert table.to_pyarrow_table().select(SCHEMA.names[:5]).schema.equals(pyarrow.schema(list(SCHEMA)[:5]))
    with duckdb.connect() as database:
        database.register("payload", table.to_pyarrow_dataset())
        counted = "select count(*), max(status_code), max(request_date)::varchar from "
        assert database.sql(counted + "payload").fetchall() == [(5, 200, "2023-11-14")]
        files = database.read_parquet(table.file_uris())
        assert database.sql(counted + "files").fetchall() == [(5, 200, "2023-11-14")]
        assert files.columns == SCHEMA.names
    assert table.load_cdf(starting_version=1).read_all().num_rows == 5
    assert table.protocol().min_reader_version == 1


def test_bodies_do_not_get_into_the_log_of_the_table(world: World) -> None:
    world.writer.append(TABLE, [record(1, request=b"very secret")])
    world.ingestion.tick()
    for file in (world.path() / "_delta_log").glob("*.json"):
        assert "very secret" not in file.read_text()
