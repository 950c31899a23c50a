"""Labels, rows and views by the API, with users and their rights in a real database."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from databricks.sdk import WorkspaceClient
from monitoring_records import TABLE, record

from fakes.clock import FixedClock
from fakes.serving import FakeModelVersions
from harness.asgi import LiveApp
from harness.furnishing import furnish
from harness.http import Answer
from pierhead.catalog.api import unity
from pierhead.catalog.services import places
from pierhead.catalog.services.grounds import Grounds
from pierhead.identity.domain.grantees import USERS, group
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.identity.services.audit import recording
from pierhead.identity.store.audit import AuditStore
from pierhead.identity.store.grants import GrantStore
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.kit.spool import SpoolWriter
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api import labels, rows
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.label_intake import LabelIntake
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.views import COLUMNS, InferenceViews, Shape
from pierhead.registry.store.namespaces import ModelNamespaces
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import EntitySpec, Tag
from pierhead.serving.domain.table_tags import ENTITY_KEY, MASKED
from pierhead.serving.services.endpoints import Endpoints

LABELS = "/api/2.0/pierhead/endpoints/wine/labels"
MODEL = "main.wine.quality"


class World:
    def __init__(self, folder: Path, database: Database) -> None:
        self.clock = FixedClock()
        self.home = Home(folder / "home")
        self.home.create()
        self.database = database
        grounds = Grounds(self.home, self.clock, ModelNamespaces(), InferenceViews())
        with database.transaction() as connection:
            furnish(connection)
            identities = Identities(connection, self.clock)
            groups = {"ada": frozenset({"admins"}), "rob": frozenset[str]()}
            self.tokens = {
                name: identities.create_token(identities.create_user(name, group), "test")
                for name, group in groups.items()
            }
            places.set_up(connection, grounds)
        self.versions = FakeModelVersions(folder / "models", (MODEL, "1"))
        routes = Routes(database)
        labels.add_routes(routes, database, LabelIntake(database, grounds, b"k"), Labelled(self.home.tables))
        rows.add_routes(routes, database, grounds)
        unity.add_routes(routes, database, grounds, workspace_id="42", metastore_id="meta")
        self.live = LiveApp(
            application(
                routes.routes,
                authenticate=Authenticator(database, self.clock),
                is_public=lambda _path: False,
                workspace_id="42",
            )
        )

    def endpoint(self, name: str, *tags: Tag, capture: CaptureConfig | None = None) -> None:
        draft = ConfigDraft((EntitySpec(MODEL, "1", workload_size="Small"),), None, capture)
        with self.database.transaction() as connection:
            Endpoints(connection, self.clock, self.versions).create(name, draft, creator="ada", tags=tags)

    def predict(self, *numbers: int) -> None:
        writer = SpoolWriter(self.home.spool, "gateway")
        now_ms = round(self.clock.now().timestamp() * 1000) - 60_000
        writer.append(TABLE, [record(number, timestamp_ms=now_ms) for number in numbers])
        writer.close()
        Ingestion(self.home.spool, self.home.tables, self.clock).tick()

    def ask(self, method: str, path: str, body: Any = None, *, user: str = "ada", **headers: str) -> Answer:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Content-Type", "application/json")
        return self.live.request(method, path, {"Authorization": f"Bearer {self.tokens[user]}", **sent}, raw)

    def client(self) -> WorkspaceClient:
        return WorkspaceClient(host=self.live.url, token=self.tokens["ada"], auth_type="pat")


@pytest.fixture
def world(tmp_path: Path, database: Database) -> Iterator[World]:
    audited = Database(database.url, recording(FixedClock()))
    world = World(tmp_path, audited)
    world.endpoint("wine", capture=CaptureConfig("main", "wine", "quality"))
    with world.live:
        yield world
    audited.dispose()


def test_labels_arrive_once_in_every_form_and_are_counted(world: World) -> None:
    world.predict(1, 2, 3)
    rows = {"labels": [{"request_id": "r-1", "label": 0}, {"request_id": "lost", "label": 1}]}
    added = world.ask("POST", LABELS, rows).json()
    assert (added["rows_added"], added["is_replay"], added["table"]) == (2, False, "main.wine.quality_labels")
    assert world.ask("POST", LABELS, rows).json()["is_replay"]
    csv = b"request_id,label\nr-2,0\nr-3,\n"
    assert world.ask("POST", LABELS, csv, Content_Type="text/csv").json()["rows_without_label"] == 1
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"request_id": ["r-3"], "label": [1]}), parquet)
    kind = "application/vnd.apache.parquet"
    assert world.ask("POST", LABELS, parquet.getvalue(), Content_Type=kind).json()["rows_added"] == 1
    found = world.ask("GET", LABELS).json()
    (cohort,) = found["cohorts"]
    assert (cohort["predictions"], cohort["labelled"], cohort["delay_seconds"]["p90"]) == (3, 3, 60)
    assert (found["label_rows"], found["unknown_requests"]) == (4, 1)


def test_labels_that_are_no_numbers_are_counted_where_predictions_are(world: World) -> None:
    sent: list[Any] = ["orange", [1, 2], {"a": 1}, True, "1", None]
    body = {"labels": [{"request_id": f"r-{at}", "label": label} for at, label in enumerate(sent)]}
    # Before the first prediction nobody knows.
    assert world.ask("POST", LABELS, body).json()["rows_unusable"] == 0
    world.predict(1)
    added = world.ask("POST", LABELS, body, Idempotency_Key="again").json()
    assert (added["rows_added"], added["rows_without_label"], added["rows_unusable"]) == (5, 1, 3)
    assert world.ask("GET", LABELS).json()["unusable_labels"] == 6


def test_a_key_names_a_batch_whatever_is_in_it(world: World) -> None:
    first, second = ({"labels": [{"request_id": name, "label": 0}]} for name in "ab")
    assert not world.ask("POST", LABELS, first, Idempotency_Key="monday").json()["is_replay"]
    assert world.ask("POST", LABELS, second, Idempotency_Key="monday").json()["is_replay"]


def test_who_may_see_an_endpoint_reads_coverage_and_writes_no_labels(world: World) -> None:
    body = {"labels": [{"request_id": "r", "label": 0}]}
    assert world.ask("POST", LABELS, body, user="rob").status == 403
    assert world.ask("GET", LABELS, user="rob").status == 200
    assert world.ask("POST", LABELS.replace("wine", "none"), body).status == 404
    world.endpoint("bare")
    refused = world.ask("POST", LABELS.replace("wine", "bare"), body)
    assert "has no inference table" in refused.json()["message"]


def test_each_batch_is_one_audit_record_without_its_labels(world: World) -> None:
    world.ask("POST", LABELS, {"labels": [{"request_id": "very-secret", "label": 0}]})
    with world.database.reading() as connection:
        records = [str(each) for each in AuditStore(connection).list_after(0, 1000)]
    told = [each for each in records if "endpoints/{name}/labels" in each]
    assert len(told) == 1
    assert "very-secret" not in told[0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "either labels"),
        ({"labels": []}, "list of objects"),
        ({"labels": [{"label": 1}]}, "row 0"),
        ({"table": "main.wine.none"}, "main.wine.none"),
        (b"[", "not valid JSON"),
    ],
    ids=range(5),
)
def test_what_is_no_labels_is_refused(world: World, body: Any, message: str) -> None:
    answer = world.ask("POST", LABELS, body)
    assert (400 <= answer.status < 500, message in answer.json()["message"]) == (True, True)


def test_labels_of_masked_entities_are_hashed_like_their_predictions(world: World) -> None:
    tags = (Tag(MASKED, "customer"), Tag(ENTITY_KEY, "customer"))
    world.endpoint("hidden", *tags, capture=CaptureConfig("main", "wine", "hidden"))
    body = {"labels": [{"entity_key": "Ada", "label": 0}]}
    assert world.ask("POST", LABELS.replace("wine", "hidden"), body).status == 200
    (row,) = world.ask("GET", "/api/2.0/pierhead/tables/main.wine.hidden_labels/rows").json()["rows"]
    assert len(row["entity_key"]) == 32


def test_labels_come_out_of_a_registered_table(world: World) -> None:
    world.predict(1)
    world.ask("POST", LABELS, {"labels": [{"request_id": "r-1", "label": 0}]})
    columns = {"request_id": "databricks_request_id", "label": "prediction"}
    order = {"table": "main.wine.quality_requests", "version": 1, "columns": columns}
    assert world.ask("POST", LABELS, order).json()["rows_added"] == 1
    assert world.ask("POST", LABELS, order).json()["is_replay"]


def test_official_clients_see_the_tables_and_their_other_shapes(world: World) -> None:
    world.predict(1)
    client = world.client()
    listed = {table.name: table.table_type.value for table in client.tables.list("main", "wine")}
    assert listed == {
        "quality_payload": "MANAGED",
        "quality_payload_gateway": "VIEW",
        "quality_payload_legacy": "VIEW",
        "quality_payload_unity": "VIEW",
        "quality_requests": "MANAGED",
    }
    for shape in Shape:
        name = f"{TABLE}_{shape.value}"
        view = client.tables.get(name)
        assert tuple(column.name for column in view.columns) == COLUMNS[shape]
        assert '"quality_payload"' in view.view_definition
        assert client.tables.exists(name).table_exists
        (row,) = world.ask("GET", f"/api/2.0/pierhead/tables/{name}/rows").json()["rows"]
        assert tuple(row) == COLUMNS[shape]
    assert not client.tables.exists("main.wine.nothing_payload_legacy").table_exists
    assert "main.wine.quality_payload_unity" in {each.full_name for each in client.tables.list_summaries("main")}


def test_a_table_shows_its_newest_rows_to_those_who_may_read_it(world: World) -> None:
    world.predict(*range(5))
    path = f"/api/2.0/pierhead/tables/{TABLE}/rows"
    found = world.ask("GET", f"{path}?limit=2&shape=legacy").json()
    assert len(found["rows"]) == 2
    assert found["rows"][0]["request_metadata"]["model_version"] == "1"
    with world.database.transaction() as connection:
        GrantStore(connection).remove([Grant(METASTORE, group(USERS), Privilege.SELECT)])
    for name in (TABLE, f"{TABLE}_legacy"):
        assert world.ask("GET", f"/api/2.0/pierhead/tables/{name}/rows", user="rob").status == 403
        assert world.ask("GET", f"/api/2.1/unity-catalog/tables/{name}", user="rob").status == 403
    assert world.ask("GET", f"{path}?shape=round").status == 400
    assert world.ask("GET", f"{path}?limit=0").status == 400
