"""Tables as the official client finds them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, ResourceDoesNotExist
from databricks.sdk.service.catalog import ColumnTypeName, DataSourceFormat, TableType
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
    add_routes(routes, spool=tmp_path / "spool", tables=tmp_path / "tables")
    app = application(
        routes.routes,
        authenticate=lambda _token: Caller("1", "admin", frozenset()),
        is_public=lambda _path: False,
        workspace_id="1",
    )
    with LiveApp(app) as live:
        yield live
    database.dispose()


@pytest.fixture
def client(live: LiveApp) -> WorkspaceClient:
    return WorkspaceClient(host=live.url, token="x", auth_type="pat")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SpoolWriter]:
    writer = SpoolWriter(tmp_path / "spool", "gateway")
    yield writer
    writer.close()


def ingest(root: Path) -> None:
    Ingestion(root / "spool", root / "tables", FixedClock()).tick()


def test_the_client_gets_a_table_with_its_columns(tmp_path: Path, client: WorkspaceClient, writer: SpoolWriter) -> None:
    writer.append(TABLE, [record(1)])
    ingest(tmp_path)
    table = client.tables.get(TABLE)
    assert (table.full_name, table.catalog_name, table.schema_name) == (TABLE, "main", "wine")
    assert (table.table_type, table.data_source_format) == (TableType.MANAGED, DataSourceFormat.DELTA)
    assert table.storage_location == str(tmp_path / "tables" / "main" / "wine" / "quality_payload")
    columns = {column.name: column for column in table.columns or []}
    assert (columns["status_code"].type_name, columns["status_code"].type_text) == (ColumnTypeName.INT, "int")
    assert columns["logging_error_codes"].type_text == "array<string>"
    assert columns["execution_duration_ms"].type_name is ColumnTypeName.LONG
    assert [column.position for column in table.columns or []] == list(range(22))


def test_the_client_asks_whether_a_table_exists(tmp_path: Path, client: WorkspaceClient, writer: SpoolWriter) -> None:
    assert client.tables.exists(TABLE).table_exists is False
    writer.append(TABLE, [record(1)])
    ingest(tmp_path)
    assert client.tables.exists(TABLE).table_exists is True


def test_the_client_lists_the_tables_of_a_schema(tmp_path: Path, client: WorkspaceClient, writer: SpoolWriter) -> None:
    for name in (TABLE, "main.wine.another", "main.beer.third"):
        writer.append(name, [record(1)])
    ingest(tmp_path)
    names = [table.name for table in client.tables.list("main", "wine")]
    assert names == ["another", "quality_payload"]
    assert list(client.tables.list("main", "nothing")) == []


def test_an_unknown_table_does_not_exist(client: WorkspaceClient) -> None:
    with pytest.raises(ResourceDoesNotExist, match=TABLE):
        client.tables.get(TABLE)


def test_a_name_that_climbs_out_is_refused(client: WorkspaceClient) -> None:
    for name in ("..%2F..%2Fetc", "a.b", "a.b.%2E%2E"):
        with pytest.raises((InvalidParameterValue, NotFound)):
            client.tables.get(name)
    with pytest.raises(InvalidParameterValue):
        list(client.tables.list("..", "wine"))


def test_inference_tables_are_listed_with_their_backlog(tmp_path: Path, live: LiveApp, writer: SpoolWriter) -> None:
    writer.append(TABLE, [record(1), record(2)])
    ingest(tmp_path)
    writer.append(TABLE, [record(3)])
    writer.append("main.wine.new", [record(4)])
    broken = tmp_path / "tables" / "main" / "wine" / "broken" / "_delta_log"
    broken.mkdir(parents=True)
    (broken / f"{0:020}.json").write_text("{")
    answer = live.get("/api/2.0/pierhead/inference-tables", {"Authorization": "Bearer x"})
    found = {table["full_name"]: table for table in answer.json()["inference_tables"]}
    known = found[TABLE]
    assert (known["version"], known["row_count"], known["spool_backlog_bytes"]) == (1, 2, len(record(3)) + 8)
    assert (found["main.wine.new"]["version"], found["main.wine.new"]["spool_backlog_bytes"] > 0) == (None, True)
    assert found["main.wine.broken"]["problem"]
