"""Tables and schemas by the ids that clients read from them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from databricks.sdk.service.catalog import DataSourceFormat, TableType
from deltalake import write_deltalake

from fakes.clock import FixedClock
from integration.catalog.catalog_unity_app import Models, Unity, make_unity
from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.services.object_ids import ObjectIds
from pierhead.catalog.services.tables import Tables
from pierhead.kit.db import Database
from pierhead.kit.errors import NotFound
from pierhead.kit.names import FullName


@pytest.fixture
def unity(tmp_path: Path, database: Database) -> Iterator[Unity]:
    made = make_unity(tmp_path, database, FixedClock(datetime.now(UTC)), Models())
    with made.live:
        yield made


def write(folder: Path) -> Path:
    write_deltalake(folder, pa.table({"x": [1]}))
    return folder


def test_a_table_is_found_by_the_id_that_the_official_client_shows_registered_or_not(
    unity: Unity, tmp_path: Path
) -> None:
    client, ids = unity.client("ada"), ObjectIds(unity.grounds, "meta")
    location = str(write(tmp_path / "theirs"))
    client.tables.create("t", "main", "default", TableType.EXTERNAL, DataSourceFormat.DELTA, location)
    write(unity.home.tables / "main" / "default" / "ours")
    for name in ("main.default.t", "main.default.ours"):
        table_id = client.tables.get(name).table_id
        assert table_id is not None
        with unity.database.reading() as connection:
            found = ids.table(connection, table_id)
            assert str(found) == name
            assert ids.table_id(Tables(connection, unity.grounds).get(found)) == table_id


def test_an_id_goes_with_its_table(unity: Unity, tmp_path: Path) -> None:
    client, ids = unity.client("ada"), ObjectIds(unity.grounds, "meta")
    location = str(write(tmp_path / "theirs"))
    client.tables.create("t", "main", "default", TableType.EXTERNAL, DataSourceFormat.DELTA, location)
    table_id = client.tables.get("main.default.t").table_id
    assert table_id is not None
    with unity.database.reading() as connection:
        assert ids.table(connection, table_id) == FullName("main", "default", "t")
    client.tables.delete("main.default.t")
    with unity.database.reading() as connection, pytest.raises(NotFound, match="no table has the id"):
        ids.table(connection, table_id)


def test_a_schema_is_found_by_the_id_that_the_official_client_shows(unity: Unity) -> None:
    client, ids = unity.client("ada"), ObjectIds(unity.grounds, "meta")
    client.schemas.create("wine", "main")
    schema_id = client.schemas.get("main.wine").schema_id
    assert schema_id is not None
    with unity.database.reading() as connection:
        assert ids.schema(connection, schema_id) == SchemaName("main", "wine")
        with pytest.raises(NotFound, match="no schema has the id"):
            ids.schema(connection, "nothing")
