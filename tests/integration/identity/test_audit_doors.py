"""What a call over HTTP leaves in the trail, and how admins read it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from structlog.testing import capture_logs

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.http import Answer
from pierhead.identity.api import audit
from pierhead.identity.domain.audit import parsed
from pierhead.identity.services.audit import Denials, recording
from pierhead.identity.services.audit_reading import AuditReader
from pierhead.identity.store.accounts import groups
from pierhead.kit.audit_context import note
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import InvalidArgument, PermissionDenied, Unauthenticated
from pierhead.kit.web.acting import addresses_of
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller, PrincipalKind
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.migrations.tables import all_tables

_CALLERS = {
    "ada": Caller("1", "ada", frozenset({"admins"})),
    "robot": Caller("2", "robot", frozenset(), PrincipalKind.SERVICE_PRINCIPAL, "bob"),
}
_CREATE = "/api/2.0/mlflow/registered-models/create"


def _authenticate(token: str) -> Caller:
    if token not in _CALLERS:
        raise Unauthenticated("no such token")
    return _CALLERS[token]


def _create(call: Call, connection: Connection) -> dict[str, str]:
    name = call.text("name")
    connection.execute(insert(groups).values(name=name))
    note(after={"name": name})
    if name == "taken":
        raise InvalidArgument("there is one already")
    if name == "not yours":
        raise PermissionDenied("user 'robot' may not create registered model 'not yours'")
    if name == "gated":
        note(decision="closed", policy="default@1")
        raise InvalidArgument("version 1 has no signature")
    return {"name": name}


def _search(call: Call, _connection: Connection) -> dict[str, str]:
    return {"found": call.text("filter")}


def _add(call: Call, _connection: Connection) -> Response:
    return json_response({}, status=201)


def _secret(call: Call, _connection: Connection) -> None:
    raise PermissionDenied("nobody may see this")


class Doors:
    """A web application with a few routes, as the wiring makes it."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self.database = Database(sqlite_url(folder / "test.db"), recording(self.clock))
        all_tables().create_all(self.database.engine)
        self.routes = Routes(self.database)
        self.routes.add("POST", "/2.0/mlflow/registered-models/create", _create, prefixes=MLFLOW_PREFIXES)
        self.routes.add("POST", "/2.0/mlflow/registered-models/search", _search, reads=True)
        self.routes.add("POST", "/2.0/preview/scim/v2/Users", _add)
        self.routes.add("GET", "/2.0/secret/{name}", _secret)
        self.routes.add_streaming("PUT", "/2.0/fs/files/{path:path}", self._upload)
        self.routes.add_plain("POST", "/2.0/twice", self._twice)
        audit.add_routes(self.routes, self.database)
        self.denials = Denials(self.database, self.clock)
        web = application(
            self.routes.routes,
            authenticate=_authenticate,
            is_public=lambda path: path.startswith("/open"),
            workspace_id="7",
            on_refusal=self.denials.record,
        )
        self.live = LiveApp(web)

    def call(self, method: str, path: str, body: Any = None, *, by: str = "robot", **headers: str) -> Answer:
        sent = {"Authorization": f"Bearer {by}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.live.request(method, path, sent, None if body is None else json.dumps(body).encode())

    def records(self) -> list[dict[str, Any]]:
        return [parsed(record.content) for record in AuditReader(self.database).all_after(0)]

    async def _upload(self, request: Request) -> Response:
        await request.body()
        await run_in_threadpool(self._write, request.path_params["path"])
        return Response(status_code=204)

    def _twice(self, _call: Call) -> None:
        self._write("first")
        self._write("second")

    def _write(self, name: str) -> None:
        with self.database.transaction() as connection:
            connection.execute(insert(groups).values(name=name))


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    doors = Doors(tmp_path)
    with doors.live:
        yield doors
    doors.database.dispose()


def test_a_write_is_recorded_with_who_what_and_whence(doors: Doors) -> None:
    body = {"name": "main.risk.churn", "token": "hunter2", "description": "x" * 2000}
    answer = doors.call("POST", _CREATE, body, User_Agent="mlflow-python-client/3.17.2", X_Request_Id="r-42")
    (record,) = doors.records()

    assert answer.headers["x-request-id"] == record["request_id"] == "r-42"
    assert record["user_identity"] == {"email": "robot", "kind": "service_principal", "person": "bob", "groups": []}
    assert (record["service_name"], record["action_name"]) == ("modelRegistry", "registered-models/create")
    assert (record["object"], record["after"]) == ("main.risk.churn", {"name": "main.risk.churn"})
    assert (record["source_ip"], record["user_agent"]) == ("127.0.0.1", "mlflow-python-client/3.17.2")
    assert record["request_params"]["token"] == "[redacted]"
    assert "[cut: 2000 bytes, sha256 " in record["request_params"]["description"]
    assert record["response"] == {"status_code": 200, "error_message": None}


@pytest.mark.parametrize("prefix", MLFLOW_PREFIXES)
def test_an_action_has_one_name_through_all_prefixes(doors: Doors, prefix: str) -> None:
    doors.call("POST", f"{prefix}/2.0/mlflow/registered-models/create/", {"name": "m"})

    assert [record["action_name"] for record in doors.records()] == ["registered-models/create"]


def test_calls_that_read_leave_nothing(doors: Doors) -> None:
    assert doors.call("POST", "/api/2.0/mlflow/registered-models/search", {"filter": "x"}).status == 200
    assert doors.call("GET", "/api/2.0/pierhead/audit", by="ada").status == 200

    assert doors.records() == []


def test_a_write_that_failed_leaves_nothing(doors: Doors) -> None:
    assert doors.call("POST", _CREATE, {"name": "taken"}).status == 400

    assert doors.records() == []


def test_the_status_of_the_answer_is_in_the_record(doors: Doors) -> None:
    doors.call("POST", "/api/2.0/preview/scim/v2/Users", {"userName": "eve"})

    assert doors.records()[0]["response"]["status_code"] == 201
    assert doors.records()[0]["object"] == "eve"


def test_what_a_stream_or_a_thread_of_a_call_commits_is_recorded(doors: Doors) -> None:
    assert doors.call("PUT", "/api/2.0/fs/files/Volumes/a/b/c?overwrite=true", {}).status == 204
    (record,) = doors.records()

    assert record["request_params"] == {"overwrite": "true", "path": "Volumes/a/b/c"}
    assert (record["user_identity"]["email"], record["object"]) == ("robot", "Volumes/a/b/c")


def test_a_call_of_two_transactions_leaves_two_records_with_one_request_id(doors: Doors) -> None:
    doors.call("POST", "/api/2.0/twice")
    first, second = doors.records()

    assert first["request_id"] == second["request_id"]


def test_calls_at_once_do_not_take_each_others_names(doors: Doors) -> None:
    def call(number: int) -> None:
        doors.call("POST", _CREATE, {"name": f"m{number}"}, by=("ada", "robot")[number % 2], X_Request_Id=f"r{number}")

    threads = [threading.Thread(target=call, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = {(each["object"], each["user_identity"]["email"], each["request_id"]) for each in doors.records()}
    assert found == {(f"m{number}", ("ada", "robot")[number % 2], f"r{number}") for number in range(20)}


def test_a_denied_write_is_recorded_and_nothing_of_it_kept(doors: Doors) -> None:
    answer = doors.call("POST", _CREATE, {"name": "not yours"})
    (record,) = doors.records()

    assert answer.status == 403
    assert (record["denied"], record["decision"], record["object"]) == (True, "denied", "not yours")
    assert record["response"] == {"status_code": 403, "error_message": answer.json()["message"]}
    assert doors.call("POST", _CREATE, {"name": "not yours"}).status == 403


def test_a_denied_reading_is_recorded_too(doors: Doors) -> None:
    doors.call("GET", "/api/2.0/secret/plans")

    assert [(record["denied"], record["object"]) for record in doors.records()] == [(True, "plans")]


def test_a_closed_gate_is_recorded_with_its_policy(doors: Doors) -> None:
    answer = doors.call("POST", _CREATE, {"name": "gated"})
    (record,) = doors.records()

    assert answer.status == 400
    assert (record["decision"], record["policy"], record["denied"]) == ("closed", "default@1", True)
    assert record["response"]["status_code"] == 400


def test_a_flood_of_denials_leaves_one_record_and_a_count(doors: Doors) -> None:
    for _ in range(20):
        assert doors.call("GET", "/api/2.0/secret/plans").status == 403
    doors.clock.advance(60)
    doors.call("GET", "/api/2.0/secret/plans")

    assert [(record["decision"], record["notes"].get("count")) for record in doors.records()] == [
        ("denied", None),
        ("denied", 19),
        ("denied", None),
    ]


def test_calls_without_a_token_are_counted_in_the_log_alone(doors: Doors) -> None:
    with capture_logs() as logs:
        for _ in range(5):
            assert doors.call("POST", _CREATE, {"name": "m"}, by="thief").status == 401

    assert doors.records() == []
    assert [(event["event"], event["calls"]) for event in logs] == [("calls without a valid token", 1)]


def test_a_denial_that_cannot_be_recorded_is_a_denial_all_the_same(doors: Doors) -> None:
    with doors.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_records RENAME TO gone")
    with capture_logs() as logs:
        assert doors.call("GET", "/api/2.0/secret/plans").status == 403

    assert [(event["event"], event["count"]) for event in logs] == [("denials could not be recorded", 1)]


def test_an_address_is_believed_of_our_own_gateway_alone() -> None:
    behind_gateway: dict[str, Any] = {"client": None}
    direct: dict[str, Any] = {"client": ("192.0.2.1", 4711)}

    assert addresses_of(behind_gateway, "10.9.9.9, 203.0.113.5") == ("203.0.113.5", "10.9.9.9")
    assert addresses_of(behind_gateway, "203.0.113.5") == ("203.0.113.5", None)
    assert addresses_of(behind_gateway, None) == (None, None)
    assert addresses_of(direct, "10.9.9.9") == ("192.0.2.1", "10.9.9.9")


@pytest.mark.parametrize("path", ["/api/2.0/pierhead/audit", "/api/2.0/pierhead/audit/export"])
def test_the_trail_is_for_admins_and_asking_in_vain_is_in_it(doors: Doors, path: str) -> None:
    assert doors.call("GET", path).status == 403

    assert [record["denied"] for record in doors.records()] == [True]


def test_admins_read_it_page_by_page_and_filtered(doors: Doors) -> None:
    for number in range(5):
        doors.call("POST", _CREATE, {"name": f"main.a.m{number}"})
    doors.call("GET", "/api/2.0/secret/plans")
    first = doors.call("GET", "/api/2.0/pierhead/audit?max_results=4", by="ada").json()
    rest = doors.call("GET", f"/api/2.0/pierhead/audit?page_token={first['next_page_token']}", by="ada").json()

    numbers = [record["sequence_number"] for page in (first, rest) for record in page["records"]]
    assert numbers == [6, 5, 4, 3, 2, 1]
    assert "next_page_token" not in rest

    def objects(query: str) -> list[str]:
        found = doors.call("GET", f"/api/2.0/pierhead/audit?{query}", by="ada").json()["records"]
        return [record["object"] for record in found]

    assert objects("denied=true") == ["plans"]
    assert objects("object=main.a.m3") == ["main.a.m3"]
    assert objects("action=secret*") == ["plans"]
    assert objects("actor=nobody") == []
    assert objects("since=99999999999999") == []
    assert doors.call("GET", "/api/2.0/pierhead/audit?since=9999999999999999999", by="ada").status == 400


def test_an_export_is_json_lines_that_anybody_can_check(doors: Doors) -> None:
    for number in range(3):
        doors.call("POST", _CREATE, {"name": f"m{number}"})
    answer = doors.call("GET", "/api/2.0/pierhead/audit/export?since=2", by="ada")
    lines = [json.loads(line) for line in answer.text.splitlines()]

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [line["sequence_number"] for line in lines] == [2, 3]
    assert [line["hash"] for line in lines] == [
        record.digest.hex() for record in AuditReader(doors.database).all_after(1)
    ]


def test_a_missing_object_is_no_denial(doors: Doors) -> None:
    assert doors.call("POST", "/api/2.0/nowhere", {}).status == 404

    assert doors.records() == []
