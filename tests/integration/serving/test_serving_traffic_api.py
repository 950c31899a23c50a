"""Shares to the hundredth of a percent by our own door, and the guard before both doors."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_rig import MODEL, Rig
from sqlalchemy import Connection

from harness.asgi import LiveApp
from harness.http import Answer, request
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes
from pierhead.serving.api.routes import Folders, add_routes
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.ramps import Ramp
from pierhead.serving.services.endpoints import Endpoints

TRAFFIC = "/api/2.0/pierhead/endpoints/fraud/traffic"
OFFICIAL = "/api/2.0/serving-endpoints/fraud"

Judge = Callable[[Connection, Endpoint | None, Endpoint], None]


class OpenGate:
    def require(self, _connection: object, _caller: object, _before: object, _after: object) -> None:
        return

    def require_deletion(self, _connection: object, _caller: object, _endpoint: object) -> None:
        return


class Guard:
    """Does as told, and remembers the config versions that it was asked about."""

    def __init__(self) -> None:
        self.does: Judge = lambda _connection, _before, _after: None
        self.asked: list[tuple[int | None, int]] = []

    def judge(self, connection: Connection, _caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        self.asked.append((None if before is None else before.newest.version, after.newest.version))
        self.does(connection, before, after)


class Api:
    def __init__(self, rig: Rig, guard: Guard, url: str) -> None:
        self.rig, self.guard, self._url = rig, guard, url

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        return request(self._url, method, path, body, {"Authorization": "Bearer t"})

    def split(self, *percents: float) -> Answer:
        names = ("old", "new", "newest")
        routes = [
            {"served_entity_name": name, "traffic_percentage": percent}
            for name, percent in zip(names, percents, strict=False)
        ]
        return self.send("PUT", TRAFFIC, {"routes": routes})

    def begin_ramp(self, connection: Connection, _before: Endpoint | None, after: Endpoint) -> None:
        endpoints = Endpoints(connection, self.rig.clock, self.rig.versions)
        endpoints.start_ramp(after.name, Ramp(after.newest.version, 490, 0.0, "salt", "r1"))


@pytest.fixture
def api(rig: Rig, tmp_path: Path) -> Iterator[Api]:
    """With an endpoint whose entity `old` has all of the traffic, and `new` none."""
    guard, routes = Guard(), Routes(rig.database)
    add_routes(
        routes,
        database=rig.database,
        clock=rig.clock,
        versions=rig.versions,
        gate=OpenGate(),
        rollouts=guard,
        snapshots=rig.place,
        folders=Folders(rig.logs, tmp_path),
    )
    app = application(
        routes.routes,
        authenticate=lambda _token: Caller("u1", "ada", frozenset({"admins"})),
        is_public=lambda _path: False,
        workspace_id="1",
    )
    with LiveApp(app) as live:
        api = Api(rig, guard, live.url)
        entities = [
            {"name": name, "entity_name": MODEL, "entity_version": version, "workload_size": "Small"}
            for name, version in (("old", "1"), ("new", "2"))
        ]
        split = {"routes": [{"served_entity_name": "old", "traffic_percentage": 100}]}
        body = {"name": "fraud", "config": {"served_entities": entities, "traffic_config": split}}
        assert api.send("POST", "/api/2.0/serving-endpoints", body).status == 200
        rig.until_ready()
        yield api


def test_shares_have_two_decimals_here_and_none_for_databricks_clients(api: Api) -> None:
    asked = api.split(95.1, 4.9)
    assert asked.status == 200
    routes = [
        {"served_entity_name": "old", "traffic_percentage": 95.1, "ranges": [[0, 9510]]},
        {"served_entity_name": "new", "traffic_percentage": 4.9, "ranges": [[9510, 10_000]]},
    ]
    assert asked.json()["pending"] == {"config_version": 2, "routes": routes}
    api.rig.until_ready()
    assert api.send("GET", TRAFFIC).json() == {
        "config_version": 2,
        "routes": routes,
        "unit_key": "request",
        "ramp": None,
        "pending": None,
    }
    shown = api.send("GET", OFFICIAL).json()["config"]["traffic_config"]["routes"]
    assert [route["traffic_percentage"] for route in shown] == [95, 5]
    routed = [(each.weight, each.ranges) for each in api.rig.route().entities]
    assert routed == [(95, [(0, 9510)]), (5, [(9510, 10_000)])]


@pytest.mark.parametrize(
    ("percents", "fact"),
    [
        ((95.1, 4.8), "add up to 99.9%, must be 100%"),
        ((100.01, -0.01), "-0.01% for 'new' is not from 0 to 100"),
        ((95.123, 4.877), "must be a number with up to two decimals, not 95.123"),
        ((90, 5, 5), "names 'newest', which is not served"),
    ],
    ids=["sum", "negative", "decimals", "unknown"],
)
def test_shares_that_cannot_be_are_refused(api: Api, percents: tuple[float, ...], fact: str) -> None:
    answer = api.split(*percents)
    assert answer.status == 400
    assert fact in answer.json()["message"]


def test_the_guard_is_asked_at_every_door_that_makes_a_config_and_its_refusal_undoes_it(api: Api) -> None:
    def refuse(_connection: Connection, _before: Endpoint | None, after: Endpoint) -> None:
        raise PermissionDenied(f"start a rollout to version {after.newest.version}")

    api.guard.does = refuse
    official = {"traffic_config": {"routes": [{"served_entity_name": "new", "traffic_percentage": 100}]}}
    for answer in (api.split(0, 100), api.send("PUT", OFFICIAL + "/config", official)):
        assert (answer.status, answer.json()["message"]) == (403, "start a rollout to version 2")
    assert api.guard.asked == [(None, 1), (1, 2), (1, 2)]
    assert api.rig.get().newest.version == 1


def test_a_guard_that_starts_a_ramp_leaves_the_config_pending_for_the_official_client(api: Api) -> None:
    api.guard.does = api.begin_ramp
    official = {"traffic_config": {"routes": [{"served_entity_name": "new", "traffic_percentage": 100}]}}
    asked = api.send("PUT", OFFICIAL + "/config", official).json()
    assert asked["state"]["config_update"] == "IN_PROGRESS"
    api.rig.tick(12)
    shown = api.send("GET", OFFICIAL).json()
    assert shown["state"] == {"ready": "READY", "config_update": "IN_PROGRESS"}
    assert shown["config"]["config_version"] == 1
    assert shown["pending_config"]["config_version"] == 2
    assert api.send("GET", TRAFFIC).json()["ramp"] == {
        "rollout_id": "r1",
        "config_version": 2,
        "served_entity_name": "new@2",
        "traffic_percentage": 4.9,
        "shadow_rate": 0.0,
        "is_finished": False,
    }
    refused = api.split(50, 50)
    assert refused.status == 409
    assert "by rollout r1" in refused.json()["message"]
