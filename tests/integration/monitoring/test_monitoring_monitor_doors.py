"""Who may do what to monitors, and the monitors that endpoints get by themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from databricks.sdk.errors import (
    DatabricksError,
    InvalidParameterValue,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service import dataquality as dq
from databricks.sdk.service.catalog import MonitorSnapshot, MonitorTimeSeries, PermissionsChange, Privilege
from deltalake import write_deltalake
from monitors_app import World

from fakes.clock import FixedClock
from pierhead.identity.domain.privileges import Privilege as Rights
from pierhead.identity.services.audit import recording
from pierhead.identity.services.directory import Accounts
from pierhead.kit.db import Database
from pierhead.kit.web.caller import PrincipalKind
from pierhead.monitoring.domain.alert_records import Subject, SubjectKind
from pierhead.monitoring.domain.monitors import RefreshState, Trigger
from pierhead.monitoring.services.metric_table_owners import MetricTableOwners
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.store.alerts import RuleStore
from pierhead.monitoring.store.monitor_defaults import DefaultStore
from pierhead.serving.services.endpoints import Endpoints

ROWS = pa.table({"at": pa.array([datetime(2026, 2, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC")), "x": [1.5]})
MONITOR = "/api/2.0/pierhead/monitors"
REQUESTS = "main.wine.quality_requests"


@pytest.fixture
def world(tmp_path: Path, database: Database) -> Iterator[World]:
    audited = Database(database.url, recording(FixedClock()))
    world = World(tmp_path, audited)
    with world.live:
        yield world
    audited.dispose()


def watch(world: World, table: str, user: str = "ada") -> None:
    world.client(user).quality_monitors.create(
        table_name=table, output_schema_name="main.default", assets_dir="/x", snapshot=MonitorSnapshot()
    )


def grant(world: World, kind: str, name: str, user: str, *privileges: Privilege) -> None:
    world.client().grants.update(kind, name, changes=[PermissionsChange(add=list(privileges), principal=user)])


def test_whoever_owns_a_table_monitors_it_and_whoever_reads_it_sees_the_monitor(world: World) -> None:
    table = world.register("theirs", ROWS, "sam")
    watch(world, table, "sam")
    assert world.client("sam").quality_monitors.run_refresh(table).refresh_id
    world.take_away("users", Rights.SELECT)
    rob = world.client("rob")
    with pytest.raises(PermissionDenied):
        rob.quality_monitors.get(table)
    assert world.ask("GET", MONITOR, user="rob").json() == {"monitors": []}

    grant(world, "table", table, "rob", Privilege.SELECT)
    assert rob.quality_monitors.get(table).table_name == table
    assert len(rob.quality_monitors.list_refreshes(table).refreshes or []) == 1
    assert [each["monitor"]["table_name"] for each in world.ask("GET", MONITOR, user="rob").json()["monitors"]] == [
        table
    ]
    table_id = rob.tables.get(table).table_id or ""
    assert [each.object_id for each in rob.data_quality.list_monitor()] == [table_id]
    for forbidden in (
        lambda: rob.quality_monitors.run_refresh(table),
        lambda: rob.quality_monitors.update(table, "main.default", snapshot=MonitorSnapshot()),
        lambda: rob.quality_monitors.delete(table),
        lambda: rob.data_quality.create_refresh("table", table_id, dq.Refresh("table", table_id)),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()


def test_the_metrics_go_only_where_their_maker_may_make_tables(world: World) -> None:
    table = world.register("theirs", ROWS, "sam")
    world.take_away("data-scientists", Rights.CREATE_TABLE)
    with pytest.raises(PermissionDenied):
        watch(world, table, "sam")
    grant(world, "schema", "main.default", "sam", Privilege.CREATE_TABLE)
    watch(world, table, "sam")
    table = world.register("others", ROWS, "sam")
    with pytest.raises(DatabricksError, match=r"schema 'main\.nowhere' does not exist"):
        world.client("sam").quality_monitors.create(table, "main.nowhere", "/x", snapshot=MonitorSnapshot())


def test_nobody_compares_with_rows_that_they_may_not_read(world: World) -> None:
    secret = world.register("secret", ROWS, "ada")
    world.take_away("users", Rights.SELECT)
    grant(world, "schema", "main.default", "rob", Privilege.CREATE_TABLE)
    table = world.register("theirs", ROWS, "rob")
    create = world.client("rob").quality_monitors.create
    with pytest.raises(PermissionDenied, match="secret"):
        create(table, "main.default", "/x", snapshot=MonitorSnapshot(), baseline_table_name=secret)
    with pytest.raises(ResourceDoesNotExist, match=r"table 'main\.default\.nothing' does not exist"):
        create(table, "main.default", "/x", snapshot=MonitorSnapshot(), baseline_table_name="main.default.nothing")
    assert create(table, "main.default", "/x", snapshot=MonitorSnapshot()).table_name == table


def test_a_second_monitor_and_one_of_nothing_are_refused(world: World) -> None:
    table = world.register("theirs", ROWS)
    watch(world, table)
    with pytest.raises(ResourceAlreadyExists, match="has a monitor already"):
        watch(world, table)
    with pytest.raises(ResourceDoesNotExist, match=r"table 'main\.default\.nothing' does not exist"):
        watch(world, "main.default.nothing")
    with pytest.raises(InvalidParameterValue, match="when"):
        world.client().quality_monitors.update(
            table, "main.default", time_series=MonitorTimeSeries(timestamp_col="when", granularities=["1 day"])
        )


def test_both_apis_speak_of_one_monitor(world: World) -> None:
    client, table = world.client(), world.register("theirs", ROWS)
    table_id, schema_id = client.tables.get(table).table_id or "", client.schemas.get("main.default").schema_id or ""
    config = dq.DataProfilingConfig(
        output_schema_id=schema_id,
        time_series=dq.TimeSeriesConfig("at", [dq.AggregationGranularity.AGGREGATION_GRANULARITY_2_WEEKS]),
        schedule=dq.CronSchedule("0 0 12 * * ?", "UTC"),
        warehouse_id="w",
    )
    made = client.data_quality.create_monitor(dq.Monitor("table", table_id, data_profiling_config=config))
    assert made.data_profiling_config is not None
    assert (made.object_id, made.data_profiling_config.warehouse_id) == (table_id, "w")
    older = client.quality_monitors.get(table)
    assert older.time_series == MonitorTimeSeries("at", ["2 weeks"])
    assert older.output_schema_name == "main.default"
    cancelled = client.data_quality.cancel_refresh("table", table_id, older_refresh(world, table)).refresh
    assert cancelled is not None
    assert cancelled.state is dq.RefreshState.MONITOR_REFRESH_STATE_CANCELED
    client.data_quality.delete_monitor("table", table_id)
    with pytest.raises(ResourceDoesNotExist):
        client.quality_monitors.get(table)


def older_refresh(world: World, table: str) -> int:
    refreshes = world.client().quality_monitors.list_refreshes(table).refreshes
    assert refreshes
    return refreshes[0].refresh_id


def test_the_tables_of_metrics_belong_to_whoever_made_the_monitor(world: World) -> None:
    table = world.register("theirs", ROWS, "sam")
    watch(world, table, "sam")
    owners = MetricTableOwners(world.database, world.grounds)
    owners.tick()
    name = f"{table}_drift_metrics"
    write_deltalake(world.home.tables / Path(*name.split(".")), ROWS)
    owners.tick()
    assert world.owner_of(name) == "sam"
    assert world.client("sam").tables.get(name).owner == "sam"


def test_who_cannot_own_a_table_now_may_own_it_later(world: World) -> None:
    table = world.register("theirs", ROWS, "sam")
    watch(world, table, "sam")
    owners = MetricTableOwners(world.database, world.grounds)
    name = f"{table}_drift_metrics"
    write_deltalake(world.home.tables / Path(*name.split(".")), ROWS)
    with world.database.transaction() as connection:
        accounts = Accounts(connection, world.clock)
        accounts.delete(accounts.get("sam"))
    owners.tick()
    assert world.owner_of(name) is None
    with world.database.transaction() as connection:
        Accounts(connection, world.clock).restore("sam", PrincipalKind.USER)
    owners.tick()
    assert world.owner_of(name) is None, "it is not tried at every tick"
    world.clock.advance(600)
    owners.tick()
    assert world.owner_of(name) == "sam"


def test_an_endpoint_with_an_inference_table_gets_a_monitor_and_rules_once(world: World) -> None:
    world.endpoint()
    defaults = world.default_monitors()
    defaults.tick()
    assert world.ask("GET", MONITOR).json() == {"monitors": []}

    world.predict(1, 2, 3)
    for _ in range(2):
        defaults.tick()
        world.default_monitors().tick()
    shown = world.ask("GET", f"{MONITOR}/wine").json()
    assert shown["table_name"] == REQUESTS
    log = shown["monitor"]["inference_log"]
    assert (log["problem_type"], log["granularities"]) == ("PROBLEM_TYPE_CLASSIFICATION", ["1 hour", "1 day"])
    assert (log["prediction_col"], log["model_id_col"], log["label_col"]) == ("prediction", "model_id", "label")
    assert len(shown["refreshes"]) == 1
    with world.database.reading() as connection:
        (endpoint,) = Endpoints(connection, world.clock, world.versions).list_all()
        rules = RuleStore(connection).list_of(Subject(SubjectKind.ENDPOINT, endpoint.id, "wine"))
        monitor = Monitors(connection, world.clock).get(REQUESTS)
    assert "drift" in [rule.rule.name for rule in rules]
    assert (monitor.created_by, monitor.baseline) == ("sam", None)


def test_a_default_monitor_that_was_deleted_does_not_come_back(world: World) -> None:
    world.endpoint()
    world.predict(1)
    world.default_monitors().tick()
    # Its creator manages the endpoint, and with it the table that nobody owns.
    world.client("sam").quality_monitors.delete(REQUESTS)
    world.default_monitors().tick()
    assert world.ask("GET", f"{MONITOR}/wine", user="sam").json()["monitor"] is None
    with world.database.reading() as connection:
        assert DefaultStore(connection).list_tables() == {REQUESTS}


def test_a_monitor_that_somebody_made_before_stays_as_it_is(world: World) -> None:
    world.endpoint()
    world.predict(1)
    watch(world, REQUESTS, "sam")
    world.default_monitors().tick()
    assert "snapshot" in world.ask("GET", f"{MONITOR}/wine", user="sam").json()["monitor"]


def test_the_status_of_an_endpoint_says_what_is_not_known_yet(world: World) -> None:
    world.endpoint()
    world.predict(1, 2)
    world.default_monitors().tick()
    status = world.ask("GET", f"{MONITOR}/status/wine", user="sam").json()
    assert (status["endpoint"], status["drift"], status["quality"], status["open_alerts"]) == ("wine", [], [], [])
    assert [(each["predictions"], each["labelled"]) for each in status["label_coverage"]] == [(2, 0)]
    world.take_away("users", Rights.SELECT)
    assert world.ask("GET", f"{MONITOR}/status/wine", user="rob").status == 403
    assert world.ask("GET", f"{MONITOR}/status/nobody").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_a_refresh_that_is_over_cannot_be_cancelled(world: World) -> None:
    table = world.register("theirs", ROWS)
    watch(world, table)
    with world.database.transaction() as connection:
        monitors = Monitors(connection, world.clock)
        refresh = monitors.ask_refresh(table, Trigger.MANUAL)
        assert monitors.cancel_refresh(table, refresh.id).state is RefreshState.CANCELED
    with pytest.raises(DatabricksError, match="is over"):
        world.client().quality_monitors.cancel_refresh(table, refresh.id)
