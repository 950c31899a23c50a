"""Alerts, destinations and alerts on queries by the API, with users and their rights in a real database."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from alert_rig import START, AlertRig
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import settings, sql
from deltalake import write_deltalake
from sqlalchemy import Connection

from fakes.webhooks import Receiver
from harness.asgi import LiveApp
from harness.databases import LentDatabases
from harness.furnishing import furnish
from harness.http import Answer
from pierhead.catalog.services import places
from pierhead.catalog.services.grounds import Grounds
from pierhead.identity.domain.levels import ROOT as ROOT_OBJECT
from pierhead.identity.domain.objects import Kind
from pierhead.identity.domain.privileges import METASTORE, Privilege
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.identity.store.grants import GrantStore
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.clock import to_ms
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.kit.names import FullName
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api import alert_queries, alerts, destinations
from pierhead.monitoring.domain.destinations import Destination, DestinationKind
from pierhead.monitoring.services.query_looks import QueryLooks
from pierhead.monitoring.services.views import InferenceViews
from pierhead.monitoring.store.alert_outbox import DestinationStore
from pierhead.registry.store.namespaces import ModelNamespaces
from pierhead.wiring.alerts import is_account, readable_tables, table_owner

ROOT = "/api/2.0/pierhead/alerts"
DRIFT = """
endpoint: wine
rules:
- {name: drift, metric: drift.population_stability_index, above: 0.2, notify: ops}
"""


class World:
    def __init__(self, folder: Path, database: Database) -> None:
        self.rig = AlertRig(folder, database)
        home = Home(folder / "home")
        home.create()
        self.tables = home.tables
        grounds = Grounds(home, self.rig.clock, ModelNamespaces(), InferenceViews())
        with database.transaction() as connection:
            furnish(connection)
            identities = Identities(connection, self.rig.clock)
            groups = {"ada": frozenset({"admins"}), "rob": frozenset[str]()}
            self.tokens = {
                name: identities.create_token(identities.create_user(name, group), "test")
                for name, group in groups.items()
            }
            places.set_up(connection, grounds)
        locate = readable_tables(grounds)
        self.locate = locate
        self.queries = QueryLooks(database, self.rig.clock, locate)
        routes = Routes(database)
        doors = alerts.AlertDoors(database, self.rig.clock, self.rig.metrics, table_owner(grounds))
        alerts.add_routes(routes, doors)
        alert_queries.add_routes(routes, self.rig.clock, locate, is_account(self.rig.clock))
        destinations.add_routes(routes, self.rig.clock, self.rig.seal)
        authenticate = Authenticator(database, self.rig.clock)
        self.live = LiveApp(
            application(routes.routes, authenticate=authenticate, is_public=lambda _path: False, workspace_id="42")
        )

    def ask(self, method: str, path: str, body: Any = None, user: str = "ada") -> Answer:
        raw = None if body is None else json.dumps(body).encode()
        full = path if path.startswith("/api") else ROOT + path
        return self.live.request(method, full, {"Authorization": f"Bearer {self.tokens[user]}"}, raw)

    def ok(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.ask(method, path, body)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def client(self, user: str = "ada") -> WorkspaceClient:
        return WorkspaceClient(host=self.live.url, token=self.tokens[user], auth_type="pat")

    def close_doors(self) -> None:
        """Nobody may do anything by default."""
        with self.rig.database.transaction() as connection:
            PermissionStore(connection).clear(Kind.ENDPOINT, ROOT_OBJECT)
            grants = GrantStore(connection)
            grants.remove(grants.list_on([METASTORE]))

    def table(self, name: str, rows: dict[str, list[Any]]) -> None:
        write_deltalake(self.tables.joinpath(*name.split(".")), pa.table(rows), mode="append")


@pytest.fixture
def world(tmp_path: Path, on_sqlite: LentDatabases) -> Iterator[World]:
    with on_sqlite.lend() as database:
        world = World(tmp_path, database)
        with world.live:
            yield world


def drifting(world: World) -> str:
    """The fingerprint of a triggered alert."""
    world.ok("POST", "/rules/apply", {"content": DRIFT})
    for hour in range(2):
        world.rig.drift(hour, {"alcohol": 0.3})
    world.rig.at(2)
    (found,) = world.ok("GET", "?status=TRIGGERED")["alerts"]
    return str(found["fingerprint"])


def test_rules_are_applied_shown_tried_and_refused_with_all_that_is_wrong(world: World) -> None:
    applied = world.ok("POST", "/rules/apply", {"content": DRIFT})
    assert (applied["added"], applied["unknown_destinations"]) == (["drift"], ["ops"])
    shown = world.ok("GET", "/rules?endpoint=wine")
    assert world.ok("POST", "/rules/apply", {"content": shown["content"]})["changed"] == []
    for hour in range(2):
        world.rig.drift(hour, {"alcohol": 0.3})
    world.rig.clock.advance(2 * 3600)
    tried = world.ok("POST", "/rules/test", {"endpoint": "wine"})["alerts"]
    assert [(each["series"], each["status"], each["notice"]) for each in tried] == [
        ("alcohol", "TRIGGERED", "triggered")
    ]
    assert world.ok("GET", "")["alerts"] == []
    bad = world.ask("POST", "/rules/apply", {"content": "endpoint: wine\nrules: [{metric: nope.x, above: a, blow: 1}]"})
    assert bad.status == 400
    for words in ("'name' is missing", "'nope.x' is no metric", "a number is needed", "'blow' means nothing"):
        assert words in bad.json()["message"]
    job = DRIFT.replace("notify: ops", "actions: {start_job: retrain}")
    assert world.ask("POST", "/rules/apply", {"content": job}).status == 501


def test_people_acknowledge_and_silence(world: World) -> None:
    fingerprint = drifting(world)
    acknowledged = world.ok("POST", f"/{fingerprint[:10]}/ack", {"reason": "on it"})["alert"]
    assert acknowledged["acknowledged_by"] == "ada"
    silent = world.ok("POST", f"/{fingerprint}/silence", {"minutes": 30})["alert"]
    assert silent["silenced_until"] == to_ms(START) + 150 * 60_000
    assert world.ok("POST", f"/{fingerprint}/silence", {"minutes": 0})["alert"]["silenced_until"] is None
    events = world.ok("GET", f"/{fingerprint}")["events"]
    assert [event["kind"] for event in events] == ["HEARD_AGAIN", "SILENCED", "ACKNOWLEDGED", "TRIGGERED"]
    assert world.ask("POST", f"/{fingerprint}/silence", {}).status == 400


def test_who_may_not_see_the_endpoint_sees_no_alert_of_it_and_changes_nothing(world: World) -> None:
    fingerprint = drifting(world)
    world.close_doors()
    assert world.ask("GET", "", user="rob").json() == {"alerts": []}
    assert world.ask("GET", f"/{fingerprint}", user="rob").status == 403
    for path, body in (
        (f"/{fingerprint}/ack", {}),
        (f"/{fingerprint}/silence", {"minutes": 5}),
        ("/rules/apply", {"content": DRIFT}),
        ("/rules/test", {"endpoint": "wine"}),
    ):
        assert world.ask("POST", path, body, user="rob").status == 403


def test_who_may_not_read_the_requests_sees_that_there_is_an_alert_and_no_number_of_it(world: World) -> None:
    fingerprint = drifting(world)
    rules = DRIFT + "- {name: broken, metric: traffic.error_rate, above: 0.42}\n"
    world.ok("POST", "/rules/apply", {"content": rules})
    everything = json.dumps([world.ask("GET", path, user="rob").json() for path in ("", f"/{fingerprint}", "/rules")])
    assert "alcohol" in everything
    assert "0.3" in everything
    with world.rig.database.transaction() as connection:
        grants = GrantStore(connection)
        grants.remove([each for each in grants.list_on([METASTORE]) if each.privilege is Privilege.SELECT])
    world.rig.at(2)
    shown = world.ask("GET", f"/{fingerprint}", user="rob").json()
    alert = shown["alert"]
    assert (alert["rule"], alert["status"], alert["severity"]) == ("drift", "TRIGGERED", "warning")
    assert "SELECT from the table of requests" in alert["message"]
    assert [event["kind"] for event in shown["events"]] == ["TRIGGERED"]
    listed = world.ask("GET", "?rule=drift", user="rob").json()
    assert [each["since"] for each in listed["alerts"]] == [alert["since"]]
    for told in (shown, listed):
        assert not {"value", "worst_slices", "null_bound", "n", "detail"} & set(
            told["alerts"][0] if told is listed else alert
        )
        for secret in ("alcohol", "0.3", "0.2", "is 0"):
            assert secret not in json.dumps(told)
    kept = world.ask("GET", "/rules?endpoint=wine", user="rob").json()
    assert "0.42" in kept["content"]
    assert "1 more on values that you may not read" in kept["content"]
    assert "0.2" not in json.dumps(kept).replace("0.2.", "")
    for body in ({"endpoint": "wine"}, {"content": DRIFT.replace("drift.population_stability_index", "profile.max")}):
        refused = world.ask("POST", "/rules/test", body, user="rob")
        assert refused.status == 403
        assert "SELECT" in refused.json()["message"]
    own = "endpoint: wine\nrules: [{name: broken, metric: traffic.error_rate, above: 0.42}]"
    assert world.ask("POST", "/rules/test", {"content": own}, user="rob").status == 200
    assert "alcohol" in json.dumps(world.ok("GET", ""))


def test_destinations_are_made_by_admins_and_keep_their_secrets(world: World) -> None:
    with Receiver() as receiver:
        made = world.client().notification_destinations.create(
            display_name="ops",
            config=settings.Config(
                generic_webhook=settings.GenericWebhookConfig(url=receiver.url, username="u", password="hunter2")
            ),
        )
        assert made.destination_type is settings.DestinationType.WEBHOOK
        shown = world.ok("GET", f"/api/2.0/notification-destinations/{made.id}")
        assert "hunter2" not in json.dumps(shown)
        assert receiver.url not in json.dumps(shown)
        world.ok("POST", "/rules/apply", {"content": DRIFT})
        assert world.ok("POST", "/rules/send-test", {"endpoint": "wine", "rule": "drift"}) == {"sent": 1}
        world.rig.deliver()
        (told,) = receiver.received
        assert told.headers["authorization"] == "Basic dTpodW50ZXIy"
        assert told.json["title"].startswith("Test: [warning] drift of endpoint wine")
        assert (told.json["event"], told.json["is_test"]) == ("alert.test", True)
    assert [each.display_name for each in world.client("rob").notification_destinations.list()] == ["ops"]
    config = {"generic_webhook": {"url": "http://example.com"}}
    made_by_rob = world.ask(
        "POST", "/api/2.0/notification-destinations", {"display_name": "x", "config": config}, "rob"
    )
    assert made_by_rob.status == 403


def query(text: str, **evaluation: Any) -> sql.AlertV2:
    usual = {
        "source": sql.AlertV2OperandColumn(name="psi", aggregation=sql.Aggregation.MAX),
        "comparison_operator": sql.ComparisonOperator.GREATER_THAN,
        "threshold": sql.AlertV2Operand(value=sql.AlertV2OperandValue(double_value=0.2)),
    }
    return sql.AlertV2(
        display_name="drift of wine",
        query_text=text,
        warehouse_id="any",
        evaluation=sql.AlertV2Evaluation(**(usual | evaluation)),
        schedule=sql.CronSchedule(quartz_cron_schedule="0 0/10 * * * ?", timezone_id="UTC"),
    )


def look(world: World) -> None:
    world.rig.clock.advance(600)
    world.queries.tick()


def test_an_alert_on_a_query_is_looked_at_by_its_schedule_and_told(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.1, 0.15], "day": ["a", "b"]})
    client = world.client()
    with Receiver() as receiver:
        world.rig.destination(receiver.url, "chat")
        wanted = query("SELECT psi FROM `main`.wine.metrics WHERE day <> :skip")
        wanted.parameters = [sql.AlertStatementParameter(name="skip", value="z")]
        wanted.custom_summary = "{{ALERT_NAME}} is {{ALERT_STATUS}}: {{QUERY_RESULT_VALUE}}"
        chat = next(each.id for each in client.notification_destinations.list())
        wanted.evaluation.notification = sql.AlertV2Notification(
            notify_on_ok=True, subscriptions=[sql.AlertV2Subscription(destination_id=chat)]
        )
        made = client.alerts_v2.create_alert(wanted)
        assert made.id is not None
        assert made.evaluation.state is sql.AlertEvaluationState.UNKNOWN
        states = []
        for value in (0.12, 0.5):
            world.table("main.wine.metrics", {"psi": [value], "day": ["c"]})
            look(world)
            states.append(client.alerts_v2.get_alert(made.id).evaluation.state)
        assert states == [sql.AlertEvaluationState.OK, sql.AlertEvaluationState.TRIGGERED]
        world.rig.deliver()
        assert [told.json["title"] for told in receiver.received] == ["drift of wine is TRIGGERED: 0.5"]


@pytest.mark.parametrize(
    ("evaluation", "state"),
    [
        ({"empty_result_state": sql.AlertEvaluationState.TRIGGERED}, "TRIGGERED"),
        ({"empty_result_state": sql.AlertEvaluationState.ERROR}, "ERROR"),
        ({"empty_result_state": sql.AlertEvaluationState.OK}, "OK"),
        ({}, "UNKNOWN"),
    ],
    ids=["triggered", "error", "ok", "unsaid"],
)
def test_an_empty_result_is_what_the_alert_says(world: World, evaluation: dict[str, Any], state: str) -> None:
    world.table("main.wine.metrics", {"psi": [0.1]})
    source = sql.AlertV2OperandColumn(name="psi")
    made = world.client().alerts_v2.create_alert(
        query("SELECT psi FROM main.wine.metrics WHERE psi > 1", source=source, **evaluation)
    )
    look(world)
    found = world.client().alerts_v2.get_alert(made.id or "").evaluation.state
    assert found is not None
    assert found.value == state


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DROP TABLE main.wine.metrics", "must be one SELECT"),
        ("SELECT 1 AS psi; SELECT 2", "must be one SELECT"),
        ("SELECT content AS psi FROM read_text('/etc/passwd')", "may not call read_text()"),
        ("SELECT * FROM '/etc/passwd'", "all three levels"),
        ("SELECT getenv('HOME') AS psi", "may not call getenv()"),
        ("WITH duckdb_settings AS (FROM duckdb_settings) FROM duckdb_settings", "name of a WITH"),
        ("SELECT psi FROM main.wine.nowhere", "does not exist"),
    ],
    ids=["drop", "two", "file function", "file name", "environment", "engine", "no table"],
)
def test_a_query_reads_tables_and_nothing_else(world: World, text: str, words: str) -> None:
    answer = world.ask("POST", "/api/2.0/alerts", query(text).as_dict())
    assert answer.status in (400, 404)
    assert words in answer.json()["message"]


def test_a_query_runs_as_its_owner_whoever_looks(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    world.close_doors()
    body = query("SELECT psi FROM main.wine.metrics").as_dict()
    assert world.ask("POST", "/api/2.0/alerts", body, user="rob").status == 403
    made = world.client().alerts_v2.create_alert(query("SELECT psi FROM main.wine.metrics"))
    assert world.ask("GET", f"/api/2.0/alerts/{made.id}", user="rob").status == 403
    assert list(world.client("rob").alerts_v2.list_alerts()) == []


def test_a_query_that_breaks_is_an_error_with_its_reason(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    made = world.client().alerts_v2.create_alert(query("SELECT psi FROM main.wine.metrics"))
    client = world.client()
    changed = query("SELECT psi::DATE AS psi FROM main.wine.metrics")
    client.alerts_v2.update_alert(made.id or "", changed, "query_text")
    look(world)
    assert client.alerts_v2.get_alert(made.id or "").evaluation.state is sql.AlertEvaluationState.ERROR
    (shown,) = world.ok("GET", "")["alerts"]
    assert "the query failed" in shown["message"]


def test_a_query_may_speak_of_the_newest_row_and_of_now(world: World) -> None:
    written = pa.array([START, START + timedelta(hours=1)], pa.timestamp("us", tz="UTC"))
    world.table("main.wine.quality_requests", {"timestamp": written, "psi": [0.1, 0.2]})
    wanted = query(
        "SELECT max(timestamp) AS newest, now() AS present FROM main.wine.quality_requests",
        source=sql.AlertV2OperandColumn(name="newest"),
        comparison_operator=sql.ComparisonOperator.LESS_THAN,
        threshold=sql.AlertV2Operand(column=sql.AlertV2OperandColumn(name="present")),
    )
    client = world.client()
    made = client.alerts_v2.create_alert(wanted)
    look(world)
    assert client.alerts_v2.get_alert(made.id or "").evaluation.state is sql.AlertEvaluationState.TRIGGERED
    (shown,) = world.ok("GET", "")["alerts"]
    assert "2026, 1, 1, 1, 0" in json.dumps(shown)


def test_of_a_long_value_only_the_beginning_is_kept(world: World) -> None:
    world.table("main.wine.metrics", {"psi": ["z" * 1_000_000]})
    wanted = query(
        "SELECT psi FROM main.wine.metrics",
        source=sql.AlertV2OperandColumn(name="psi"),
        comparison_operator=sql.ComparisonOperator.NOT_EQUAL,
        threshold=sql.AlertV2Operand(value=sql.AlertV2OperandValue(string_value="a")),
    )
    wanted.custom_description = "{{QUERY_RESULT_VALUE}}"
    with Receiver() as receiver:
        world.rig.destination(receiver.url, "chat")
        chat = next(each.id for each in world.client().notification_destinations.list())
        subscriptions = [sql.AlertV2Subscription(destination_id=chat)]
        wanted.evaluation.notification = sql.AlertV2Notification(subscriptions=subscriptions)
        world.client().alerts_v2.create_alert(wanted)
        look(world)
        world.rig.deliver()
        (told,) = receiver.received
    assert "zzz..." in told.json["text"]
    assert len(told.body) < 10_000
    assert len(json.dumps(world.ok("GET", ""))) < 10_000


def to(*addresses: str) -> sql.AlertV2:
    wanted = query("SELECT psi FROM main.wine.metrics")
    subscriptions = [sql.AlertV2Subscription(user_email=address) for address in addresses]
    wanted.evaluation.notification = sql.AlertV2Notification(subscriptions=subscriptions)
    return wanted


def test_mail_goes_to_users_and_to_no_other_address(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    with world.rig.database.transaction() as connection:
        Identities(connection, world.rig.clock).create_user("sue@example.com")
    refused = world.ask("POST", "/api/2.0/alerts", to("victim@example.org").as_dict(), user="rob")
    assert refused.status == 400
    assert "'victim@example.org' is no user of this platform" in refused.json()["message"]
    assert "a notification destination that an admin made" in refused.json()["message"]

    rob = world.client("rob")
    made = rob.alerts_v2.create_alert(to("sue@example.com"))
    changed = to("sue@example.com", "victim@example.org").as_dict()
    path = f"/api/2.0/alerts/{made.id}?update_mask=evaluation.notification"
    assert world.ask("PATCH", path, changed, user="rob").status == 400
    assert list(rob.notification_destinations.list()) == []
    (known,) = world.client().notification_destinations.list()
    assert known.display_name == "sue@example.com"
    assert world.ask("GET", f"/api/2.0/notification-destinations/{known.id}", user="rob").status == 404


def test_the_address_of_a_monitor_is_no_way_around(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    victim = "victim@example.org"
    with world.rig.database.transaction() as connection:
        told = Destination(victim, victim, DestinationKind.EMAIL, "rob", START, addresses=(victim,))
        DestinationStore(connection).add(told)
    by_name = query("SELECT psi FROM main.wine.metrics")
    subscriptions = [sql.AlertV2Subscription(destination_id=victim)]
    by_name.evaluation.notification = sql.AlertV2Notification(subscriptions=subscriptions)
    for wanted in (to(victim), by_name):
        assert world.ask("POST", "/api/2.0/alerts", wanted.as_dict(), user="rob").status == 400


def test_the_queries_of_one_user_leave_others_their_turn(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    for _ in range(3):
        world.client("rob").alerts_v2.create_alert(query("SELECT psi FROM main.wine.metrics"))
    mine = world.client().alerts_v2.create_alert(query("SELECT psi FROM main.wine.metrics"))
    # Each time that somebody asks how late it is, twenty seconds have passed.
    passed = count(0, 20)
    slow = QueryLooks(world.rig.database, world.rig.clock, world.locate, elapsed_s=lambda: next(passed))
    world.rig.clock.advance(600)

    def looked_at() -> list[bool]:
        found = world.client().alerts_v2.list_alerts()
        return [each.evaluation.state is sql.AlertEvaluationState.TRIGGERED for each in found]

    slow.tick()
    assert looked_at() == [True, False, False, True]
    assert mine.id is not None
    for _ in range(2):
        slow.tick()
    assert looked_at() == [True] * 4


def test_a_query_that_breaks_in_a_way_nobody_foresaw_holds_up_no_other(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    ids = [world.client().alerts_v2.create_alert(query("SELECT psi FROM main.wine.metrics")).id or "" for _ in range(2)]
    breaks = iter([True, False])

    def locate(connection: Connection, user: str, name: FullName) -> Path:
        if next(breaks):
            raise KeyError("nobody foresaw this")
        return world.locate(connection, user, name)

    world.rig.clock.advance(600)
    QueryLooks(world.rig.database, world.rig.clock, locate).tick()
    states = [world.client().alerts_v2.get_alert(each).evaluation.state for each in ids]
    assert states == [sql.AlertEvaluationState.ERROR, sql.AlertEvaluationState.TRIGGERED]


def test_a_clock_that_is_set_back_silences_no_query(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    world.rig.clock.advance(86_400)
    made = world.client().alerts_v2.create_alert(query("SELECT psi FROM main.wine.metrics"))
    look(world)
    world.table("main.wine.metrics", {"psi": [0.1]})
    client = world.client()
    client.alerts_v2.update_alert(made.id or "", query("SELECT min(psi) AS psi FROM main.wine.metrics"), "query_text")
    look(world)
    world.rig.clock.advance(-86_400)
    world.queries.tick()
    seen = client.alerts_v2.get_alert(made.id or "")
    assert (seen.evaluation.last_evaluated_at or "").startswith("2026-01-01")


def test_the_trash_takes_an_alert_out_of_lists_and_looks(world: World) -> None:
    world.table("main.wine.metrics", {"psi": [0.5]})
    client = world.client()
    ids = [client.alerts_v2.create_alert(query("SELECT psi FROM main.wine.metrics")).id or "" for _ in range(3)]
    client.alerts_v2.trash_alert(ids[0])
    client.alerts_v2.trash_alert(ids[1], purge=True)
    assert [each.id for each in client.alerts_v2.list_alerts(page_size=1)] == [ids[2]]
    assert client.alerts_v2.get_alert(ids[0]).lifecycle_state is sql.AlertLifecycleState.DELETED
    assert world.ask("GET", f"/api/2.0/alerts/{ids[1]}").status == 404
    look(world)
    assert len(world.ok("GET", "")["alerts"]) == 1
