"""A stream of the spool in two Delta tables: what is invoked, and what is predicted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from monitoring_records import TABLE, record

from fakes.clock import FixedClock
from pierhead.kit import spool
from pierhead.kit.delta import Batch
from pierhead.kit.spool import SpoolWriter
from pierhead.monitoring.services.growing_table import GrowingTable
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.payload_rows import FIRST_COLUMNS, SCHEMA, rows_of
from pierhead.monitoring.services.payload_table import PayloadTable, app_id
from pierhead.monitoring.services.requests_table import RequestsTable
from pierhead.monitoring.services.rules import Rules
from pierhead.serving.domain.table_tags import Mask, TablePolicy

REQUESTS = TABLE.replace("_payload", "_requests")


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = FixedClock()
        self.writer = SpoolWriter(root / "spool", "gateway")
        self.ingestion = self.new()

    def new(self, **changes: Any) -> Ingestion:
        return Ingestion(self.root / "spool", self.root / "tables", self.clock, **changes)

    def path(self, table: str) -> Path:
        return self.root.joinpath("tables", *table.split("."))

    def rows(self, table: str = REQUESTS) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = DeltaTable(self.path(table)).to_pyarrow_table().to_pylist()
        return sorted(rows, key=lambda row: (row["databricks_request_id"], row.get("row_index")))

    def counts(self) -> tuple[int, int]:
        return len(self.rows(TABLE)), len(self.rows())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.writer.close()


def asked(number: int, columns: dict[str, list[Any]], **changes: object) -> bytes:
    predictions = [0.5] * len(next(iter(columns.values())))
    body, answer = json.dumps({"inputs": columns}).encode(), json.dumps({"predictions": predictions}).encode()
    return record(number, request=body, response=answer, **changes)


class Stops(GrowingTable):
    """Fails where its process would be killed."""

    def append(self, batches: list[Batch]) -> list[Batch]:
        raise OSError("killed here")


class StoppedRequests(RequestsTable, Stops):
    append = Stops.append


def test_each_prediction_is_a_row_and_its_invocation_counts_them(world: World) -> None:
    world.writer.append(TABLE, [asked(1, {"x": [1, 2]}), asked(2, {"x": [3]}), record(3, request=b"{")])
    world.ingestion.tick()
    assert [(row["databricks_request_id"], row["row_index"], row["x"]) for row in world.rows()] == [
        ("r-1", 0, 1.0),
        ("r-1", 1, 2.0),
        ("r-2", 0, 3.0),
        ("r-3", 0, None),
    ]
    told = [(row["request_rows"], row["unpacking_problems"]) for row in world.rows(TABLE)]
    assert told == [(2, []), (1, []), (1, ["REQUEST_UNREADABLE"])]


def test_a_stop_between_the_two_commits_loses_and_doubles_nothing(world: World) -> None:
    world.writer.append(TABLE, [asked(1, {"x": [1]})])
    world.ingestion.tick()
    world.writer.append(TABLE, [asked(2, {"x": [2]})])
    world.new(open_requests=StoppedRequests).tick()
    assert world.counts() == (2, 1)
    world.writer.append(TABLE, [asked(3, {"x": [3]})])
    world.new().tick()
    assert [row["x"] for row in world.rows()] == [1.0, 2.0, 3.0]
    assert world.counts() == (3, 3)


def test_a_stream_stays_in_the_spool_until_both_tables_hold_it(world: World) -> None:
    world.writer.append(TABLE, [record(1)])
    world.writer.close()
    world.new(open_requests=StoppedRequests).tick()
    assert len(spool.streams(world.root / "spool", TABLE)) == 1
    for _ in range(2):
        world.ingestion.tick()
    assert spool.streams(world.root / "spool", TABLE) == []


def test_two_controllers_at_once_write_every_prediction_once(world: World) -> None:
    other = world.new()
    for number in range(6):
        world.writer.append(TABLE, [asked(number, {"x": [1, 2]})])
        (world.ingestion if number % 3 else other).tick()
    for _ in range(2):
        other.tick()
        world.ingestion.tick()
    assert world.counts() == (6, 12)


def test_a_table_of_somebody_else_is_not_written_to_and_the_other_one_goes_on(world: World) -> None:
    write_deltalake(world.path(REQUESTS), pa.table({"mine": [1]}))
    world.writer.append(TABLE, [record(1)])
    assert world.ingestion.tick() == 1
    assert DeltaTable(world.path(REQUESTS)).to_pyarrow_table().column_names == ["mine"]


def test_another_version_brings_its_own_features_without_touching_old_files(world: World) -> None:
    world.writer.append(TABLE, [asked(1, {"x": [1], "y": [2]})])
    world.ingestion.tick()
    before = set(DeltaTable(world.path(REQUESTS)).file_uris())
    world.writer.append(TABLE, [asked(2, {"x": ["text"], "z": [True]}, model_version="2")])
    world.new().tick()
    first, second = world.rows()
    assert (first["x"], first["y"], first["x__string"], first["z"]) == (1.0, 2.0, None, None)
    assert (second["x"], second["y"], second["x__string"], second["z"]) == (None, None, "text", True)
    table = DeltaTable(world.path(REQUESTS))
    assert before < set(table.file_uris())
    assert table.protocol().min_reader_version == 1
    with duckdb.connect() as database:
        database.register("requests", table.to_pyarrow_dataset())
        assert database.sql("select sum(x), count(z), max(model_id) from requests").fetchall() == [
            (1.0, 1, "main.wine.quality/2")
        ]


def test_a_payload_table_of_an_older_release_gets_the_new_columns_and_keeps_its_position(world: World) -> None:
    world.writer.append(TABLE, [record(1)])
    (stream,) = spool.streams(world.root / "spool", TABLE)
    raw, position = spool.read(stream, 0, 10_000)
    old = pa.schema([SCHEMA.field(name) for name in FIRST_COLUMNS])
    older = GrowingTable(world.path(TABLE), old, {}, ours=FIRST_COLUMNS)
    older.append([Batch(app_id(stream.name), 0, position, rows_of([]).select(FIRST_COLUMNS))])
    assert raw
    world.writer.append(TABLE, [record(2, route="candidate", bucket=7)])
    world.ingestion.tick()
    assert [(row["databricks_request_id"], row["route"], row["bucket"]) for row in world.rows(TABLE)] == [
        ("r-2", "candidate", 7)
    ]
    assert DeltaTable(world.path(TABLE)).to_pyarrow_table().column_names == SCHEMA.names
    PayloadTable(world.path(TABLE)).keep_up((), world.clock.now())


class Tags:
    def __init__(self, policy: TablePolicy | None) -> None:
        self.policy = policy

    def find(self, _endpoint_id: str) -> TablePolicy | None:
        return self.policy


def test_masked_values_are_in_no_file_of_either_table(world: World) -> None:
    rules = Rules(policies=Tags(TablePolicy(masks={"ssn": Mask.HASH, "name": Mask.DROP})), masking_key=b"k")
    secret = {"ssn": ["123-45-6789"], "name": ["Ada"], "x": [1]}
    world.writer.append(TABLE, [asked(1, secret), record(2, request=b'{"instances": ["123-45-6789", "Ada"]}')])
    world.new(rules=rules).tick()
    told = [row["logging_error_codes"] for row in world.rows(TABLE)]
    assert told == [[], ["REQUEST_NOT_MASKABLE"]]
    assert (world.rows()[0]["x"], len(world.rows()[0]["ssn"]), "name" in world.rows()[0]) == (1.0, 32, False)
    for table in (TABLE, REQUESTS):
        assert "123-45-6789" not in str(world.rows(table))
        assert "Ada" not in str(world.rows(table))


def test_masks_outlive_their_endpoint(world: World) -> None:
    tags = Tags(TablePolicy(masks={"ssn": Mask.DROP}))
    world.writer.append(TABLE, [asked(1, {"ssn": ["123"], "x": [1]})])
    world.new(rules=Rules(policies=tags)).tick()
    tags.policy = None
    world.writer.append(TABLE, [asked(2, {"ssn": ["123"], "x": [2]})])
    world.new(rules=Rules(policies=tags)).tick()
    assert [json.loads(row["request"])["inputs"] for row in world.rows(TABLE)] == [
        {"ssn": None, "x": [1]},
        {"ssn": None, "x": [2]},
    ]


def test_no_body_is_kept_of_an_endpoint_that_nobody_ever_saw(world: World) -> None:
    world.writer.append(TABLE, [asked(1, {"ssn": ["123"]})])
    world.new(rules=Rules(policies=Tags(None))).tick()
    (row,) = world.rows(TABLE)
    assert (row["request"], row["response"]) == (None, None)
    assert row["logging_error_codes"] == ["ENDPOINT_NOT_KNOWN"]


def test_rows_older_than_the_endpoint_wants_are_deleted_from_every_table(world: World) -> None:
    rules = Rules(policies=Tags(TablePolicy(retention_days=30)))
    days = 86_400_000
    now_ms = int(world.clock.now().timestamp() * 1000)
    world.writer.append(TABLE, [asked(n, {"x": [n]}, timestamp_ms=now_ms - n * 10 * days) for n in (1, 2, 4, 5)])
    ingestion = world.new(rules=rules)
    ingestion.tick()
    assert world.counts() == (2, 2)
    assert ingestion.totals.expired_rows == 4
    version = DeltaTable(world.path(TABLE)).version()
    world.clock.advance(60)
    ingestion.tick()
    assert DeltaTable(world.path(TABLE)).version() == version
    world.clock.advance(15 * 86_400)
    ingestion.tick()
    assert [row["x"] for row in world.rows()] == [1.0]
