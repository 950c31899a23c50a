"""Inference tables as Pierhead's own API lists them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from monitoring_records import TABLE, record

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.spool import SpoolWriter
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api.routes import add_routes
from pierhead.monitoring.services.ingestion import Ingestion


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveApp]:
    database = Database(sqlite_url(tmp_path / "db"))
    routes = Routes(database)
    add_routes(routes, spool=tmp_path / "spool", tables=tmp_path / "tables", gateways=tmp_path / "gateways")
    app = application(
        routes.routes,
        authenticate=lambda _token: Caller("1", "admin", frozenset({"admins"})),
        is_public=lambda _path: False,
        workspace_id="1",
    )
    with LiveApp(app) as live:
        yield live
    database.dispose()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SpoolWriter]:
    writer = SpoolWriter(tmp_path / "spool", "gateway")
    yield writer
    writer.close()


def ingest(root: Path) -> None:
    Ingestion(root / "spool", root / "tables", FixedClock()).tick()


def test_inference_tables_are_listed_with_their_backlog(tmp_path: Path, live: LiveApp, writer: SpoolWriter) -> None:
    writer.append(TABLE, [record(1), record(2), b"none"])
    ingest(tmp_path)
    counted = {"gateway_id": "1", "process_id": os.getpid(), "records_dropped": 9, "entities": []}
    (tmp_path / "gateways").mkdir()
    (tmp_path / "gateways" / "1.json").write_text(json.dumps(counted | {"records_dropped_by_table": {TABLE: 7}}))
    writer.append(TABLE, [record(3)])
    writer.append("main.wine.new", [record(4)])
    broken = tmp_path / "tables" / "main" / "wine" / "broken" / "_delta_log"
    broken.mkdir(parents=True)
    (broken / f"{0:020}.json").write_text("{")
    answer = live.get("/api/2.0/pierhead/inference-tables", {"Authorization": "Bearer x"})
    found = {table["full_name"]: table for table in answer.json()["inference_tables"]}
    known = found[TABLE]
    assert (known["version"], known["row_count"], known["spool_backlog_bytes"]) == (1, 2, len(record(3)) + 8)
    assert (known["records_dropped"], known["records_quarantined"]) == (7, 1)
    assert (found["main.wine.new"]["version"], found["main.wine.new"]["spool_backlog_bytes"] > 0) == (None, True)
    assert found["main.wine.broken"]["problem"]
