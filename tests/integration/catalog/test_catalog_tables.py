"""Delta tables as the official client registers, makes, finds and drops them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from databricks.sdk.errors import (
    InvalidParameterValue,
    InvalidState,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service.catalog import ColumnInfo, ColumnTypeName, DataSourceFormat, TableInfo, TableType
from deltalake import DeltaTable, write_deltalake

from fakes.clock import FixedClock
from integration.catalog.catalog_unity_app import Models, Unity, make_unity
from pierhead.catalog.services.pins import Pins
from pierhead.catalog.services.tables import Tables
from pierhead.kit.db import Database
from pierhead.kit.delta import append
from pierhead.kit.names import FullName


@pytest.fixture
def unity(tmp_path: Path, database: Database) -> Iterator[Unity]:
    made = make_unity(tmp_path, database, FixedClock(datetime.now(UTC)), Models())
    with made.live:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Delta table of the user's own, in two versions."""
    for values in ([1, 2], [3]):
        write_deltalake(tmp_path / "theirs", pa.table({"x": values}), mode="append")
    return tmp_path / "theirs"


def register(unity: Unity, location: object, name: str = "t", user: str = "sam") -> TableInfo:
    return unity.client(user).tables.create(
        name=name,
        catalog_name="main",
        schema_name="default",
        table_type=TableType.EXTERNAL,
        data_source_format=DataSourceFormat.DELTA,
        storage_location=str(location),
    )


def make(unity: Unity, name: str = "m", user: str = "sam", location: str = "", **more: object) -> TableInfo:
    columns = [
        ColumnInfo(name="id", type_name=ColumnTypeName.LONG, type_text="bigint", nullable=False),
        ColumnInfo(name="tags", type_text="array<string>", comment="free words"),
    ]
    return unity.client(user).tables.create(
        name=name,
        catalog_name="main",
        schema_name="default",
        table_type=TableType.MANAGED,
        data_source_format=DataSourceFormat.DELTA,
        storage_location=location,
        columns=columns,
        **more,  # type: ignore[arg-type]
    )


def infer(unity: Unity, name: str = "main.wine.quality_payload") -> Path:
    """An inference table: written by the controller, without asking the catalog."""
    catalog, schema, table = name.split(".")
    location = unity.home.tables / catalog / schema / table
    rows = pa.table({"status_code": pa.array([200], pa.int32()), "codes": pa.array([["a"]], pa.list_(pa.string()))})
    append(location, rows, app_id="spool/1", version=1)
    return location


def test_a_table_is_registered_by_its_path(unity: Unity, folder: Path) -> None:
    register(unity, folder)

    table = unity.client("rob").tables.get("main.default.t")

    assert (table.full_name, table.catalog_name, table.schema_name) == ("main.default.t", "main", "default")
    assert (table.table_type, table.data_source_format) == (TableType.EXTERNAL, DataSourceFormat.DELTA)
    assert (table.storage_location, table.owner, table.created_by) == (str(folder), "sam", "sam")
    [column] = table.columns or []
    assert (column.name, column.type_name, column.type_text, column.position) == ("x", ColumnTypeName.LONG, "bigint", 0)
    properties = table.properties or {}
    assert (properties["delta.lastUpdateVersion"], properties["delta.lastCommitVersion"]) == ("1", "1")
    assert int(properties["delta.lastCommitTimestamp"]) > 0


def test_a_registered_table_shows_what_is_written_to_it(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    write_deltalake(folder, pa.table({"x": [4], "y": ["new"]}), mode="append", schema_mode="merge")
    table = unity.client("rob").tables.get("main.default.t")
    assert [column.name for column in table.columns or []] == ["x", "y"]
    assert (table.properties or {})["delta.lastUpdateVersion"] == "2"


@pytest.mark.parametrize("scheme", ["file:", "file://", "file://localhost"])
def test_a_path_may_come_as_a_uri(unity: Unity, folder: Path, scheme: str) -> None:
    assert register(unity, f"{scheme}{folder}").storage_location == str(folder)


def test_what_is_no_delta_table_is_refused(unity: Unity, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken" / "_delta_log").mkdir(parents=True)
    (tmp_path / "broken" / "_delta_log" / f"{0:020}.json").write_text("{")
    for location in (tmp_path / "empty", tmp_path / "broken", tmp_path / "nowhere"):
        with pytest.raises(InvalidState, match="Delta table"):
            register(unity, location)
    for location in ("relative/path", "s3://bucket/t", "file://elsewhere/t"):
        with pytest.raises(InvalidParameterValue, match="storage_location"):
            register(unity, location)
    assert unity.client("sam").tables.exists("main.default.t").table_exists is False


def test_the_platform_s_own_folders_are_nobody_s_tables(unity: Unity, folder: Path, tmp_path: Path) -> None:
    hidden = unity.home.artifacts / "table"
    write_deltalake(hidden, pa.table({"x": [1]}))
    link = tmp_path / "link"
    link.symlink_to(hidden)
    for location in (
        hidden,
        link,
        unity.home.root,
        unity.home.root.parent,
        unity.home.tables,
        tmp_path / "theirs/../home",
    ):
        with pytest.raises(InvalidParameterValue, match="platform's own folder"):
            register(unity, location)


def test_a_folder_whose_name_decodes_to_dots_is_no_way_up(unity: Unity, folder: Path, tmp_path: Path) -> None:
    for name in ("%2e%2e", "%252E%2e"):
        sly = tmp_path / "sub" / name / "theirs"
        write_deltalake(tmp_path / "real", pa.table({"x": [1]}), mode="overwrite")
        sly.parent.mkdir(parents=True)
        (tmp_path / "real").rename(sly)
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(sly)
        for location in (sly, tmp_path / "link"):
            with pytest.raises(InvalidParameterValue, match="not allowed"):
                register(unity, location)


def test_no_two_tables_share_a_folder(unity: Unity, folder: Path, tmp_path: Path) -> None:
    inner = folder / "inner"
    write_deltalake(inner, pa.table({"x": [1]}))
    link = tmp_path / "link"
    link.symlink_to(folder)
    register(unity, folder)
    for location in (folder, inner, link):
        with pytest.raises(ResourceAlreadyExists, match=r"main\.default\.t"):
            register(unity, location, "u")
    with pytest.raises(ResourceAlreadyExists):
        register(unity, inner)


def test_another_s_inference_table_does_not_become_one_s_own_by_a_new_name(unity: Unity) -> None:
    location = infer(unity)
    with pytest.raises(InvalidParameterValue, match="tables folder"):
        register(unity, location)


def test_a_managed_table_begins_empty(unity: Unity) -> None:
    made = make(unity, properties={"team": "risk", "delta.appendOnly": "true"})

    assert made.storage_location == str(unity.home.tables / "main" / "default" / "m")
    assert [(c.name, c.type_text, c.nullable, c.comment) for c in made.columns or []] == [
        ("id", "bigint", False, None),
        ("tags", "array<string>", True, "free words"),
    ]
    properties = made.properties or {}
    assert (properties["team"], properties["delta.appendOnly"], properties["delta.lastUpdateVersion"]) == (
        "risk",
        "true",
        "0",
    )
    table = DeltaTable(made.storage_location or "")
    assert (table.version(), table.count(), table.protocol().min_reader_version) == (0, 0, 1)


def test_a_managed_table_that_cannot_be_made_leaves_nothing(unity: Unity) -> None:
    with pytest.raises(InvalidParameterValue, match="cannot be made"):
        make(unity, properties={"delta.nonsense": "1"})
    with pytest.raises(InvalidParameterValue, match="leave storage_location empty"):
        make(unity, location="/data/t")
    assert unity.client("sam").tables.exists("main.default.m").table_exists is False
    assert make(unity).owner == "sam"
    with pytest.raises(ResourceAlreadyExists):
        make(unity)


def test_other_kinds_of_table_are_said_to_be_missing(unity: Unity, folder: Path) -> None:
    tables = unity.client("sam").tables
    with pytest.raises(NotImplemented, match="VIEW"):
        tables.create("v", "main", "default", TableType.VIEW, DataSourceFormat.DELTA, "")
    with pytest.raises(InvalidParameterValue, match="DELTA"):
        tables.create("v", "main", "default", TableType.EXTERNAL, DataSourceFormat.CSV, str(folder))
    with pytest.raises(ResourceDoesNotExist):
        tables.create("v", "main", "nowhere", TableType.EXTERNAL, DataSourceFormat.DELTA, str(folder))


def test_inference_tables_are_managed_tables_without_any_registration(unity: Unity) -> None:
    location = infer(unity)
    client = unity.client("rob")

    table = client.tables.get("main.wine.quality_payload")

    assert (table.table_type, table.storage_location, table.owner) == (TableType.MANAGED, str(location), "")
    columns = {column.name: column for column in table.columns or []}
    assert (columns["status_code"].type_name, columns["status_code"].type_text) == (ColumnTypeName.INT, "int")
    assert columns["codes"].type_text == "array<string>"
    assert [schema.full_name for schema in client.schemas.list("main")] == ["main.default", "main.wine"]
    assert client.tables.exists("main.wine.quality_payload").table_exists is True


def test_an_inference_table_gets_an_owner(unity: Unity) -> None:
    infer(unity)
    with pytest.raises(PermissionDenied):
        unity.client("sam").tables.update("main.wine.quality_payload", owner="sam")
    unity.client("ada").tables.update("main.wine.quality_payload", owner="sam")
    table = unity.client("sam").tables.get("main.wine.quality_payload")
    assert (table.owner, table.created_by) == ("sam", "ada")
    with pytest.raises(InvalidParameterValue, match="group"):
        unity.client("sam").tables.update("main.wine.quality_payload", owner="ml-leads")


def test_the_tables_of_a_schema_are_listed_broken_ones_with_what_is_wrong(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    make(unity)
    infer(unity, "main.default.payload")
    for file in (folder / "_delta_log").iterdir():
        file.unlink()
    client = unity.client("rob")

    found = {table.name: table for table in client.tables.list("main", "default")}

    assert list(found) == ["m", "payload", "t"]
    assert "no Delta table" in (found["t"].properties or {})["pierhead.problem"]
    assert [table.name for table in client.tables.list("main", "default", max_results=1)] == ["m", "payload", "t"]
    assert list(client.tables.list("main", "nothing")) == []
    [first, *_] = client.tables.list("main", "default", omit_columns=True, omit_properties=True, omit_username=True)
    assert (first.columns, first.properties, first.owner) == ([], None, None)
    with pytest.raises(InvalidState, match="no Delta table"):
        client.tables.get("main.default.t")


def test_summaries_are_found_by_pattern(unity: Unity) -> None:
    make(unity, "alpha")
    make(unity, "beta")
    infer(unity, "main.wine.alpine")
    tables = unity.client("rob").tables
    assert [table.full_name for table in tables.list_summaries("main", table_name_pattern="al%")] == [
        "main.default.alpha",
        "main.wine.alpine",
    ]
    found = tables.list_summaries("main", schema_name_pattern="def_ult", max_results=1)
    assert [table.full_name for table in found] == ["main.default.alpha", "main.default.beta"]
    assert list(tables.list_summaries("main", table_name_pattern="")) == []


def test_a_dropped_managed_table_is_kept_aside(unity: Unity) -> None:
    make(unity)
    unity.client("sam").tables.delete("main.default.m")
    assert unity.client("sam").tables.exists("main.default.m").table_exists is False
    [kept] = (unity.home.tables / ".dropped").iterdir()
    assert kept.name.startswith("main.default.m.")
    assert DeltaTable(kept).version() == 0
    make(unity)


def test_a_dropped_external_table_stays_where_it_is(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    unity.client("sam").tables.delete("main.default.t")
    assert DeltaTable(folder).version() == 1
    register(unity, folder)


def test_only_who_may_drops_a_table(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    for user in ("rob", "sue"):
        with pytest.raises(PermissionDenied):
            unity.client(user).tables.delete("main.default.t")
        with pytest.raises(PermissionDenied):
            unity.client(user).tables.update("main.default.t", owner=user)
    with pytest.raises(PermissionDenied):
        register(unity, folder, "u", user="rob")
    with pytest.raises(ResourceDoesNotExist):
        unity.client("sam").tables.delete("main.default.nothing")
    unity.client("ada").tables.delete("main.default.t")


def test_names_that_climb_out_are_refused(unity: Unity) -> None:
    client = unity.client("ada")
    for name in ("..%2F..%2Fetc", "a.b", "a.b.%2E%2E", "main..t", ".dropped.a.b"):
        with pytest.raises((InvalidParameterValue, NotFound)):
            client.tables.get(name)
        with pytest.raises((InvalidParameterValue, NotFound)):
            client.tables.delete(name)
    with pytest.raises(InvalidParameterValue):
        list(client.tables.list("..", "wine"))


def test_vacuum_takes_what_only_old_versions_use(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    write_deltalake(folder, pa.table({"x": [9]}), mode="overwrite")
    path = "/api/2.0/pierhead/tables/main.default.t/vacuum"
    young = unity.ask("ada", "POST", path, b"{}").json()
    assert (young["files"], young["dry_run"]) == ([], False)
    refused = unity.ask("ada", "POST", path, b'{"retention_hours": 0}')
    assert (refused.status, "retention" in refused.json()["message"].lower()) == (400, True)
    assert unity.ask("rob", "POST", path, b"{}").status == 403
    # The files of a table by path are not the platform's: its owner alone does not remove any.
    assert unity.ask("sam", "POST", path, b"{}").status == 403

    DeltaTable(folder).alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 0 hours"})
    would = unity.ask("ada", "POST", path, b'{"retention_hours": 0, "dry_run": true}').json()
    assert (len(would["files"]), len(list(folder.glob("*.parquet")))) == (2, 3)
    assert unity.ask("ada", "POST", path, b'{"retention_hours": 0}').json()["files"] == would["files"]
    assert len(list(folder.glob("*.parquet"))) == 1


def test_pinned_versions_survive_vacuum_and_hold_their_table(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    write_deltalake(folder, pa.table({"x": [9]}), mode="overwrite")
    DeltaTable(folder).alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 0 hours"})
    with unity.database.transaction() as connection:
        Pins(connection, unity.grounds.clock).pin(folder, 0, reason="trained on", holder="model version 7")

    path = "/api/2.0/pierhead/tables/main.default.t/vacuum"
    done = unity.ask("ada", "POST", path, b'{"retention_hours": 0}').json()

    assert (len(done["files"]), done["pinned_versions"]) == (1, [0])
    assert DeltaTable(folder, version=0).to_pyarrow_table()["x"].to_pylist() == [1, 2]
    with pytest.raises(InvalidState, match=r"versions 0 are pinned \(trained on\)"):
        unity.client("sam").tables.delete("main.default.t")
    with pytest.raises(InvalidState, match="pinned"):
        unity.client("ada").catalogs.delete("main", force=True)
    with unity.database.transaction() as connection:
        Pins(connection, unity.grounds.clock).release("model version 7")
    unity.client("sam").tables.delete("main.default.t")


def test_a_table_that_was_replaced_since_it_was_pinned_is_not_vacuumed(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    with unity.database.transaction() as connection:
        Pins(connection, unity.grounds.clock).pin(folder, 7, reason="trained on", holder="model version 7")
    refused = unity.ask("ada", "POST", "/api/2.0/pierhead/tables/main.default.t/vacuum", b"{}")
    assert (refused.status, "not the table that was pinned" in refused.json()["message"]) == (400, True)


def test_other_areas_find_where_a_table_lies(unity: Unity, folder: Path) -> None:
    register(unity, folder)
    location = infer(unity)
    with unity.database.reading() as connection:
        tables = Tables(connection, unity.grounds)
        assert tables.find_location(FullName.parse("main.default.t")) == folder
        assert tables.find_location(FullName.parse("main.wine.quality_payload")) == location
        assert tables.find_location(FullName.parse("main.wine.nothing")) is None
