"""Our own API of rollouts: real requests, rights, and what comes back."""

from collections.abc import Iterator
from typing import Any

import pytest
from rollouts_rig import SHORT, Behaviour, NoFacts, RolloutRig

from harness.asgi import LiveApp
from harness.http import Answer
from integration.serving.serving_rig import MODEL, spec
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes
from pierhead.rollouts.api.routes import RolloutDoors, add_routes
from pierhead.rollouts.services.guard import Guard

ROOT = "/api/2.0/pierhead/rollouts"
CALLERS = {
    "admin": Caller("u1", "ada", frozenset({"admins"})),
    "nobody": Caller("u9", "nemo", frozenset()),
}


class GateOf:
    """Lets every version pass but `closed`."""

    closed = ""

    def require(self, _connection: object, _caller: object, _before: object, after: Any) -> None:
        if any(entity.model_version == self.closed for entity in after.newest.entities):
            raise PermissionDenied(f"version {self.closed} is not in Production")

    def require_deletion(self, _connection: object, _caller: object, _endpoint: object) -> None:
        return


class NotInProduction:
    def may_vouch(self, _connection: object, _caller: object, _model_name: str) -> bool:
        return True

    def is_in_production(self, _connection: object, _model_name: str, _model_version: str) -> bool:
        return False


class NoOutcomes:
    def why_not(self, _endpoint: object, _metric: object) -> str:
        return "nobody sends labels"

    def moments(self, _connection: object, _test: object, _metric: object) -> Any:
        raise AssertionError("nobody asks for what is not measured")


class Api:
    def __init__(self, rig: RolloutRig, live: LiveApp, gate: GateOf) -> None:
        self.rig = rig
        self.gate = gate
        self._live = live

    def send(self, method: str, path: str = "", body: Any = None, token: str = "admin") -> Answer:
        import json

        raw = None if body is None else json.dumps(body).encode()
        full = path if path.startswith("/api") else ROOT + path
        return self._live.request(method, full, {"Authorization": f"Bearer {token}"}, raw)

    def ok(self, method: str, path: str = "", body: Any = None) -> dict[str, Any]:
        answer = self.send(method, path, body)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def start(self, **more: Any) -> dict[str, Any]:
        entity = {"entity_name": MODEL, "entity_version": "2"}
        body = {"endpoint": "fraud", "entity": entity, "spec": SHORT.decode()} | more
        found: dict[str, Any] = self.ok("POST", "", body)["rollout"]
        return found


@pytest.fixture
def api(rig: RolloutRig) -> Iterator[Api]:
    gate, facts = GateOf(), NoFacts()
    routes = Routes(rig.database)
    guard = Guard(rig.clock, rig.endpoints, NotInProduction())
    doors = RolloutDoors(rig.database, rig.clock, rig.endpoints, gate, guard, facts, facts, NoOutcomes(), lambda: None)
    add_routes(routes, doors)
    app = application(
        routes.routes, authenticate=lambda token: CALLERS[token], is_public=lambda _path: False, workspace_id="1"
    )
    with LiveApp(app) as live:
        yield Api(rig, live, gate)


def test_a_rollout_is_started_followed_and_compared(api: Api) -> None:
    started = api.start(spec=SHORT.decode().replace("2s", "1h"))
    assert [step["weight"] for step in started["steps"]] == [0, 4.9, 50, 100]
    assert started["candidate"]["model_version"] == "2"
    api.rig.judge(4)
    body = api.ok("GET", "/fraud")
    assert body["rollout"]["id"] == started["id"]
    gates = [gate["name"] for gate in body["progress"]["decision"]["gates"]]
    assert gates[:3] == ["errors", "latency", "scores"]
    assert body["progress"]["reading"]["pairs"]["pairs"] > 0
    assert "weight: 4.9" in body["rollout"]["spec"]
    (step,) = api.ok("GET", f"/{started['id']}/comparison")["steps"]
    assert step["reading"]["pairs"]["disagreement"]["upper"] < 0.5
    looks = api.ok("GET", "/fraud/decisions")["decisions"]
    assert [look["outcome"] for look in looks if look["outcome"] != "wait"] == ["begin", "start"]
    assert [each["id"] for each in api.ok("GET", "?endpoint=fraud")["rollouts"]] == [started["id"]]


def test_the_most_different_requests_are_told_with_both_answers(api: Api) -> None:
    api.rig.candidate = Behaviour(score=lambda i: (i * 37 % 100) / 100 + (5 if i % 50 == 0 else 0))
    api.start(spec={"steps": [{"shadow_rate": 1, "least_duration": "1h", "least_requests": 80}]})
    api.rig.judge(6)
    (step,) = api.ok("GET", "/fraud/comparison")["steps"]
    worst = step["most_different"][0]
    assert worst["difference"] == pytest.approx(5)
    assert int(worst["request_id"].removeprefix("r")) % 50 == 0


def test_people_act_through_it(api: Api) -> None:
    api.start()
    for action, status in (("pause", "paused"), ("resume", "running"), ("abort", "aborted"), ("retry", "running")):
        assert api.ok("POST", f"/fraud/{action}", {"reason": "so"})["rollout"]["status"] == status
    assert api.ok("POST", "/fraud/promote", {})["rollout"]["is_by_hand"]


def test_the_promotion_gate_is_asked_as_for_any_other_config(api: Api) -> None:
    api.gate.closed = "2"
    answer = api.send("POST", "", {"endpoint": "fraud", "entity": {"entity_name": MODEL, "entity_version": "2"}})
    assert (answer.status, answer.json()["message"]) == (403, "version 2 is not in Production")
    assert api.rig.serving.get().pending is None


def test_without_a_version_it_is_the_pending_config_that_is_rolled_out(api: Api) -> None:
    nothing = api.send("POST", "", {"endpoint": "fraud"})
    assert nothing.status == 400
    assert "say what to roll out" in nothing.json()["message"]


@pytest.mark.parametrize("path", ["", "/fraud", "/fraud/decisions", "/fraud/comparison"])
def test_who_may_not_see_the_endpoint_sees_no_rollout_of_it(api: Api, path: str) -> None:
    api.start()
    answer = api.send("GET", path, token="nobody")
    if path:
        assert answer.status == 403
    else:
        assert answer.json() == {"rollouts": []}


def test_who_may_not_manage_the_endpoint_may_not_act(api: Api) -> None:
    body = {"endpoint": "fraud", "entity": {"entity_name": MODEL, "entity_version": "2"}}
    assert api.send("POST", "", body, token="nobody").status == 403
    api.start()
    for action in ("pause", "resume", "promote", "abort", "retry"):
        assert api.send("POST", f"/fraud/{action}", {}, token="nobody").status == 403


def test_only_admins_change_the_guards_policies_and_everybody_reads_them(api: Api) -> None:
    policies = "/api/2.0/pierhead/rollout-policies"
    content = {"content": "override: {groups: [admins]}\nrules: [{endpoints: ['*'], mode: off}]"}
    assert api.send("POST", f"{policies}/apply", content, token="nobody").status == 403
    assert api.ok("POST", f"{policies}/apply", content)["is_new"]
    assert api.send("GET", policies, token="nobody").json()["policy"]["revision"] == 1
    assert [each["revision"] for each in api.ok("GET", f"{policies}/history")["revisions"]] == [1, 0]
    bad = api.send("POST", f"{policies}/apply", {"content": "rules: [{mode: loud}]"})
    assert bad.status == 400
    assert "mode" in bad.json()["message"]


def test_an_ab_test_is_made_reported_and_stopped(api: Api) -> None:
    tests = "/api/2.0/pierhead/abtests"
    one = api.send("POST", tests, {"name": "which", "endpoint": "fraud"})
    assert (one.status, "split its traffic first" in one.text) == (400, True)
    api.rig.serving.update("fraud", spec("1", name="a"), spec("2", name="b"), routes={"a": 50, "b": 50})
    api.rig.serving.until_ready()
    labelled = {"name": "which", "endpoint": "fraud", "metrics": ["auc"]}
    assert api.send("POST", tests, labelled).status == 501
    body = {"name": "which", "endpoint": "fraud", "control": "b", "slices": ["city"], "hours": 2}
    assert [arm["served_entity"] for arm in api.ok("POST", tests, body)["abtest"]["arms"]] == ["b", "a"]
    report = api.ok("GET", f"{tests}/which/report")
    assert report["sample_ratio"] == {"p": 1.0, "is_mismatched": False, "units": [0, 0], "weights": [50.0, 50.0]}
    assert [each["metric"] for each in report["findings"]] == ["score", "latency", "error_rate"]
    assert api.send("GET", f"{tests}/which/report", token="nobody").status == 403
    assert api.send("POST", f"{tests}/which/stop", {}, token="nobody").status == 403
    assert api.ok("POST", f"{tests}/which/stop", {"reason": "seen"})["abtest"]["reason"] == "ada stopped it: seen"
    assert [each["status"] for each in api.ok("GET", tests)["abtests"]] == ["stopped"]


def test_an_override_is_given_and_listed(api: Api) -> None:
    overrides = "/api/2.0/pierhead/serving-endpoints/fraud/rollout-overrides"
    given = api.ok("POST", overrides, {"reason": "hot fix", "minutes": 5})["override"]
    assert (given["granted_by"], given["used_at"]) == ("ada", None)
    assert [each["id"] for each in api.ok("GET", overrides)["overrides"]] == [given["id"]]
    assert api.send("POST", overrides, {"reason": "mine"}, token="nobody").status == 403


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"endpoint": "none"}, "does not exist"),
        ({"endpoint": "fraud", "entity": {}, "config": {}}, "either `entity`"),
        ({"endpoint": "fraud", "spec": "steps: [{weight: 40}]"}, "first step with traffic"),
        ({"endpoint": "fraud", "entity": {"entity_name": MODEL, "entity_version": "1"}}, "exactly one served entity"),
    ],
)
def test_what_cannot_be_rolled_out_is_refused_with_the_reason(api: Api, body: dict[str, Any], words: str) -> None:
    answer = api.send("POST", "", body)
    assert answer.status in (400, 404)
    assert words in answer.json()["message"]
