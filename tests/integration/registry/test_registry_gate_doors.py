"""Every door to Production, knocked at by who may not and by who may."""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from registry_client import run_client
from registry_world import World

from harness.http import Answer
from pierhead.kit.web.caller import Caller, PrincipalKind
from pierhead.registry.services.history import History

MODEL = "main.fraud.classifier"
ACCESS = frozenset({"workspace-access"})
CALLERS = {
    "sam": Caller("2", "sam", frozenset({"data-scientists"}), entitlements=ACCESS),
    "lea": Caller("3", "lea", frozenset({"ml-leads"}), entitlements=ACCESS),
    "lou": Caller("4", "lou", frozenset({"ml-leads"}), entitlements=ACCESS),
    "ann": Caller("5", "ann", frozenset({"admins"}), entitlements=ACCESS),
    "ria": Caller("6", "ria", frozenset()),
    "bot": Caller("7", "bot", frozenset({"ml-leads"}), PrincipalKind.SERVICE_PRINCIPAL, "sam", ACCESS),
}
KEY = {"name": MODEL, "version": "1"}
UC = "/api/2.0/mlflow/unity-catalog/registered-models/alias"
NATIVE = f"/api/2.1/unity-catalog/models/{MODEL}/aliases"
OSS = "/api/2.0/mlflow/registered-models/alias"

INTO_PRODUCTION: list[tuple[str, str, dict[str, Any]]] = [
    *(
        ("POST", f"{prefix}/2.0/mlflow/{path}model-versions/transition-stage", {**KEY, "stage": stage})
        for prefix in ("/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api")
        for path in ("", "databricks/")
        for stage in ("Production", "production", "PRODUCTION", "pRoDuCtIoN")
    ),
    ("POST", "/api/2.0/mlflow/model-versions/transition-stage/", {**KEY, "stage": "Production"}),
    *(
        ("POST", path, {**KEY, "alias": alias})
        for path in (OSS, OSS.replace("/api/", "/mlflow/ajax-api/"), UC, UC.replace("/api/", "/ajax-api/"))
        for alias in ("production", "Production", "champion", "CHAMPION")
    ),
    *(("PUT", f"{NATIVE}/{alias}", {"version_num": 1}) for alias in ("production", "PRODUCTION", "Champion")),
    ("POST", f"/api/2.0/pierhead/models/{MODEL}/versions/1/promote", {"to": "production"}),
    ("POST", f"/api/2.0/pierhead/models/{MODEL}/versions/1/promote", {"to": "@Champion"}),
]

OUT_OF_PRODUCTION: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/2.0/mlflow/model-versions/transition-stage", {**KEY, "stage": "archived"}),
    ("POST", "/ajax-api/2.0/mlflow/databricks/model-versions/transition-stage", {**KEY, "stage": "None"}),
    ("DELETE", OSS, {"name": MODEL, "alias": "PRODUCTION"}),
    ("DELETE", UC, {"name": MODEL, "alias": "production"}),
    ("DELETE", f"{NATIVE}/Production", {}),
    ("DELETE", "/api/2.0/mlflow/model-versions/delete", KEY),
    ("DELETE", "/api/2.0/mlflow/unity-catalog/model-versions/delete", KEY),
    ("DELETE", f"/api/2.1/unity-catalog/models/{MODEL}/versions/1", {}),
    ("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": MODEL}),
    ("DELETE", "/api/2.0/mlflow/unity-catalog/registered-models/delete", {"name": MODEL}),
    ("DELETE", f"/api/2.1/unity-catalog/models/{MODEL}", {}),
    ("POST", "/api/2.0/mlflow/registered-models/rename", {"name": MODEL, "new_name": "main.fraud.other"}),
    ("PATCH", "/api/2.0/mlflow/unity-catalog/registered-models/update", {"name": MODEL, "new_name": "other"}),
    ("PATCH", f"/api/2.1/unity-catalog/models/{MODEL}", {"new_name": "other"}),
    ("POST", f"/api/2.0/pierhead/models/{MODEL}/versions/1/promote", {"to": "Archived"}),
]


@pytest.fixture
def gated(world: World) -> World:
    """One version that sam made, in a model that he owns, under the policy that ships."""
    world.callers |= CALLERS
    world.create_model(MODEL, by="sam")
    world.register(MODEL, by=CALLERS["sam"])
    world.use_policies("default")
    return world


def is_live(world: World) -> bool:
    version = world.get(MODEL, 1)
    return version.stage.value == "Production" or bool(version.aliases)


def ask(world: World, by: str = "sam", stage: str = "Production", **more: str) -> Any:
    body = {**KEY, "stage": stage, "comment": "please", **more}
    return world.call("POST", "/api/2.0/mlflow/transition-requests/create", body, token=by)


def approve(world: World, by: str, stage: str = "Production") -> Answer:
    body = {**KEY, "stage": stage, "archive_existing_versions": True, "comment": "fine"}
    return world.call("POST", "/ajax-api/2.0/mlflow/transition-requests/approve", body, token=by)


@pytest.mark.parametrize(("method", "path", "body"), INTO_PRODUCTION, ids=lambda value: str(value)[-60:])
def test_no_door_lets_anybody_but_a_lead_in(gated: World, method: str, path: str, body: dict[str, Any]) -> None:
    ask(gated)
    for caller in ("sam", "ria", "ann", "bot"):
        answer = gated.call(method, path, body, token=caller)
        assert (answer.status, answer.json()["error_code"]) == (403, "PERMISSION_DENIED"), caller
        assert not is_live(gated), caller

    answer = gated.call(method, path, body, token="lea")

    assert answer.status == 200, answer.text
    assert is_live(gated)


@pytest.mark.parametrize(("method", "path", "body"), OUT_OF_PRODUCTION, ids=lambda value: str(value)[-60:])
def test_no_door_lets_anybody_but_a_lead_take_it_away(
    gated: World, method: str, path: str, body: dict[str, Any]
) -> None:
    gated.call("POST", "/api/2.0/mlflow/model-versions/transition-stage", {**KEY, "stage": "Production"}, token="lea")
    for caller in ("sam", "ria", "ann"):
        answer = gated.call(method, path, body, token=caller)
        assert (answer.status, answer.json()["error_code"]) == (403, "PERMISSION_DENIED"), caller
        assert is_live(gated), caller


@pytest.mark.parametrize("prefix", ["/api", "/ajax-api"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "registered-models/set-tag", {"name": MODEL, "key": "pierhead.approved", "value": "yes"}),
        ("POST", "model-versions/set-tag", {**KEY, "key": "Pierhead.approved", "value": "yes"}),
        ("DELETE", "model-versions/delete-tag", {**KEY, "key": "pierhead.approved"}),
        ("POST", "unity-catalog/registered-models/set-tag", {"name": MODEL, "key": "pierhead.approved", "value": "y"}),
        ("POST", "unity-catalog/model-versions/set-tag", {**KEY, "key": "pierhead.approved", "value": "y"}),
        ("POST", "registered-models/create", {"name": "main.fraud.x", "tags": [{"key": "pierhead.a", "value": "y"}]}),
        (
            "POST",
            "model-versions/create",
            {"name": MODEL, "source": "models:/m-1", "tags": [{"key": "pierhead.a", "value": "y"}]},
        ),
    ],
)
def test_reserved_tags_are_written_through_no_door(
    gated: World, prefix: str, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = gated.call(method, f"{prefix}/2.0/mlflow/{path}", body, token="sam")

    assert (answer.status, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert "is reserved" in answer.json()["message"]


@pytest.mark.parametrize(
    "kind", ["securable-tags/FUNCTION/main.fraud.classifier", "subentity-tags/FUNCTION/main.fraud.classifier/1"]
)
def test_reserved_tags_are_not_among_changes_either(gated: World, kind: str) -> None:
    changes = {"changes": {"add_tags": [{"key": "pierhead.approved", "value": "yes"}]}}

    answer = gated.call("PATCH", f"/api/2.1/unity-catalog/{kind}", changes, token="sam")

    assert answer.status == 403


def test_a_request_lives_its_life_in_the_words_of_the_sdk(gated: World) -> None:
    created = ask(gated).json()["request"]
    assert (created["to_stage"], created["user_id"], created["comment"]) == ("Production", "sam", "please")
    assert "CANCEL_TRANSITION_REQUEST" in created["available_actions"]

    listed = gated.call("GET", "/api/2.0/mlflow/transition-requests/list", **KEY, token="lea").json()["requests"]
    assert [(each["activity_type"], each["user_id"]) for each in listed] == [("REQUESTED_TRANSITION", "sam")]
    assert listed[0]["available_actions"] == ["APPROVE_TRANSITION_REQUEST", "REJECT_TRANSITION_REQUEST"]

    activity = approve(gated, "lea", "production").json()["activity"]
    assert (activity["activity_type"], activity["from_stage"], activity["to_stage"]) == (
        "APPLIED_TRANSITION",
        "None",
        "Production",
    )
    again = approve(gated, "lou")
    assert (again.status, again.json()["error_code"]) == (409, "RESOURCE_CONFLICT")
    assert "applied by lea" in again.json()["message"]


def test_a_version_with_open_requests_shows_them(gated: World) -> None:
    ask(gated)
    body = {**KEY, "stage": "Staging"}

    moved = gated.call("POST", "/api/2.0/mlflow/databricks/model-versions/transition-stage", body, token="lea").json()

    assert [each["user_id"] for each in moved["model_version_databricks"]["open_requests"]] == ["sam"]


def test_the_lead_says_no_and_the_scientist_takes_it_back(gated: World) -> None:
    ask(gated)
    body = {**KEY, "stage": "PRODUCTION", "comment": "not yet"}
    assert gated.call("POST", "/api/2.0/mlflow/transition-requests/reject", body, token="ria").status == 403
    said = gated.call("POST", "/api/2.0/mlflow/transition-requests/reject", body, token="lea").json()["activity"]
    assert (said["activity_type"], said["comment"]) == ("REJECTED_REQUEST", "not yet")

    ask(gated)
    path = "/api/2.0/mlflow/transition-requests/delete"
    query = {**KEY, "stage": "Production", "creator": "sam"}
    assert gated.call("DELETE", path, None, **query, token="lea").status == 403
    said = gated.call("DELETE", path, None, **query, token="sam").json()["activity"]
    assert said["activity_type"] == "CANCELLED_REQUEST"
    assert gated.call("DELETE", path, None, **query, token="sam").status == 404


def test_a_reader_asks_for_nothing(gated: World) -> None:
    assert ask(gated, "ria").status == 403


def test_evidence_is_gathered_before_the_gate_is_asked(gated: World) -> None:
    ask(gated)
    approve(gated, "lea")

    assert gated.refreshed == [(MODEL, 1), (MODEL, 1)]


def test_an_approval_that_is_not_the_last_moves_nothing_and_no_script_takes_it_for_done(gated: World) -> None:
    gated.enrol(CALLERS["lea"])
    gated.use_policies(
        "two",
        "name: two\npolicies:\n- name: p\n  match: {models: ['*'], stages: [Production]}\n"
        "  request: {groups: [data-scientists]}\n  approve: {groups: [ml-leads], count: 2}\n  expires: 1h\n",
    )
    ask(gated)
    assert approve(gated, "lea").json()["activity"]["activity_type"] == "APPROVED_REQUEST"

    gated.use_policies("default")
    gated.use_policies("two")
    body = {**KEY, "stage": "Production"}
    first = gated.call("POST", "/api/2.0/mlflow/model-versions/transition-stage", body, token="lea")
    assert (first.status, first.json()["error_code"]) == (400, "INVALID_STATE")
    assert "1 more" in first.json()["message"]
    assert not is_live(gated)
    last = gated.call("POST", "/api/2.0/mlflow/model-versions/transition-stage", body, token="lou")
    assert last.json()["model_version"]["current_stage"] == "Production"


def test_comments_are_changed_by_who_wrote_them(gated: World) -> None:
    root = "/api/2.0/mlflow/comments/"
    comment = gated.call("POST", root + "create", {**KEY, "comment": "auc 0.9"}, token="sam").json()["comment"]
    assert comment["available_actions"] == ["EDIT_COMMENT", "DELETE_COMMENT"]
    key = {"id": comment["id"]}
    assert gated.call("PATCH", root + "update", {**key, "comment": "auc 0.1"}, token="ann").status == 403
    assert gated.call("DELETE", root + "delete", None, **key, token="lea").status == 403

    changed = gated.call("PATCH", root + "update", {**key, "comment": "auc 0.91"}, token="sam").json()["comment"]

    assert (changed["comment"], changed["user_id"]) == ("auc 0.91", "sam")
    assert gated.call("DELETE", root + "delete", None, **key, token="ann").status == 200
    assert gated.call("DELETE", root + "delete", None, **key, token="ann").status == 404
    assert gated.call("POST", root + "create", {**KEY, "comment": " "}, token="sam").status == 400


def test_a_reader_writes_no_comment(gated: World) -> None:
    answer = gated.call("POST", "/api/2.0/mlflow/comments/create", {**KEY, "comment": "hi"}, token="ria")

    assert answer.status == 403


def test_nobody_ends_a_request_through_the_door_for_comments(gated: World) -> None:
    request = ask(gated).json()["request"]

    answer = gated.call("DELETE", "/api/2.0/mlflow/comments/delete", None, id=request["id"], token="ann")

    assert answer.status == 404


def test_the_dry_run_says_what_the_gate_would_say(gated: World) -> None:
    path = f"/api/2.0/pierhead/models/{MODEL}/versions/1/promotion"

    seen = gated.call("GET", path, to="Production", token="sam").json()
    assert (seen["decision"], seen["policy"], seen["approvers"]) == ("closed", "default/production@1", ["ml-leads"])
    outcomes = {each["code"]: each["outcome"] for each in seen["conditions"]}
    assert (outcomes["approver_group"], outcomes["signature"]) == ("unmet", "met")
    assert "pierhead models request" in seen["remedy"]

    assert gated.call("GET", path, token="lea").json()["decision"] == "open"
    assert not is_live(gated)
    with gated.database.transaction():
        assert gated.call("GET", path, token="lea").status == 200


def test_the_dry_run_knows_of_leaving_too(gated: World) -> None:
    gated.call("POST", "/api/2.0/mlflow/model-versions/transition-stage", {**KEY, "stage": "Production"}, token="lea")
    path = f"/api/2.0/pierhead/models/{MODEL}/versions/1/promotion"

    assert gated.call("GET", path, to="Archived", token="ann").json()["decision"] == "closed"
    assert gated.call("GET", path, to="Archived", token="lea").json()["decision"] == "open"


def test_history_tells_what_was_in_production_then_and_why(gated: World) -> None:
    ask(gated)
    gated.clock.advance(60)
    approve(gated, "lea")
    then = gated.clock.now()
    gated.clock.advance(60)
    gated.register(MODEL, by=CALLERS["sam"])
    body = {"name": MODEL, "version": "2", "stage": "Production", "archive_existing_versions": True}
    gated.call("POST", "/api/2.0/mlflow/model-versions/transition-stage", body, token="lou")

    path = f"/api/2.0/pierhead/models/{MODEL}/history"
    [chapter] = gated.call("GET", path, at=then.isoformat(), token="ria").json()["history"]
    assert (chapter["version"], chapter["requested"]["user_id"]) == ("1", "sam")
    assert [each["user_id"] for each in chapter["approvals"]] == ["lea"]
    assert chapter["evidence"]["has_signature"] is True
    assert chapter["until"] - chapter["since"] == 60_000

    assert [each["version"] for each in gated.call("GET", path, token="ria").json()["history"]] == ["1", "2"]
    assert gated.call("GET", path, at="1000", token="ria").json()["history"] == []
    assert gated.call("GET", path, at="tomorrow", token="ria").status == 400


def test_history_outlives_the_model_and_its_name(gated: World) -> None:
    body = {**KEY, "stage": "Production"}
    gated.call("POST", "/api/2.0/mlflow/model-versions/transition-stage", body, token="lea")
    then = gated.clock.now()
    gated.clock.advance(60)
    # Whoever could do both.
    gated.callers["all"] = Caller("9", "all", frozenset({"admins", "ml-leads"}), entitlements=ACCESS)
    renamed = {"name": MODEL, "new_name": "main.fraud.old"}
    assert gated.call("POST", "/api/2.0/mlflow/registered-models/rename", renamed, token="all").status == 200
    gated.clock.advance(60)
    assert (
        gated.call("DELETE", "/api/2.0/mlflow/registered-models/delete", {"name": "main.fraud.old"}, token="all").status
        == 200
    )

    def versions(name: str, **query: str) -> list[str]:
        answer = gated.call("GET", f"/api/2.0/pierhead/models/{name}/history", token="ann", **query)
        return [each["version"] for each in answer.json()["history"]]

    assert versions(MODEL, at=then.isoformat()) == ["1"]
    assert versions(MODEL, at=gated.clock.now().isoformat()) == []
    assert versions("main.fraud.old") == ["1"]


def test_a_broken_glass_waits_for_a_review(gated: World) -> None:
    path = f"/api/2.0/pierhead/models/{MODEL}/versions/1/promote"
    body = {"to": "Production", "break_glass_reason": "customers wait"}
    assert gated.call("POST", path, body, token="sam").status == 403
    assert gated.call("POST", path, body, token="ann").json()["decision"] == "applied"

    waiting = gated.call("GET", "/api/2.0/pierhead/break-glass", token="lea").json()["promotions"]
    assert [(each["moved_by"], each["break_glass"]["reason"]) for each in waiting] == [("ann", "customers wait")]
    review = f"/api/2.0/pierhead/break-glass/{waiting[0]['id']}/review"
    assert gated.call("POST", review, {"comment": "ok"}, token="ann").status == 403
    assert gated.call("POST", review, {"comment": " "}, token="lea").status == 400
    reviewed = gated.call("POST", review, {"comment": "was needed"}, token="lea").json()["promotion"]
    assert reviewed["break_glass"]["reviewed_by"] == "lea"
    assert gated.call("POST", review, {"comment": "again"}, token="lou").status == 400
    assert gated.call("GET", "/api/2.0/pierhead/break-glass", token="lea").json() == {"promotions": []}


def test_of_two_reviews_at_once_the_first_one_stands(gated: World) -> None:
    review = _broken(gated, 1)
    with ThreadPoolExecutor() as pool:
        with gated.database.transaction() as connection:
            History(connection, gated.clock, CALLERS["lea"]).review(review.split("/")[-2], "was needed")
            late = pool.submit(gated.call, "POST", review, {"comment": "was not"}, token="lou")
            wait([late], timeout=0.3)
        answer = late.result()

    # SQLite lets the other one begin after the first; on Postgres they meet.
    assert answer.json()["error_code"] in ("INVALID_STATE", "RESOURCE_CONFLICT")
    assert answer.json()["message"].startswith("lea reviewed")
    [chapter] = gated.call("GET", f"/api/2.0/pierhead/models/{MODEL}/history", token="ria").json()["history"]
    assert (chapter["break_glass"]["reviewed_by"], chapter["break_glass"]["review_comment"]) == ("lea", "was needed")


def test_who_made_a_version_does_not_review_how_it_went_live(gated: World) -> None:
    made = gated.register(MODEL, "models:/m-lou", by=CALLERS["lou"])
    body = {"to": "Production", "break_glass_reason": "customers wait"}
    path = f"/api/2.0/pierhead/models/{MODEL}/versions/{made.number}/promote"
    assert gated.call("POST", path, body, token="ann").json()["decision"] == "applied"
    [waiting] = gated.call("GET", "/api/2.0/pierhead/break-glass", token="lou").json()["promotions"]

    refused = gated.call("POST", f"/api/2.0/pierhead/break-glass/{waiting['id']}/review", {"comment": "x"}, token="lou")

    assert (refused.status, "lou made this version" in refused.json()["message"]) == (403, True)


def _broken(world: World, number: int) -> str:
    """The id of the break-glass promotion by which ann brings the version live; the review's path."""
    body = {"to": "Production", "break_glass_reason": "customers wait"}
    path = f"/api/2.0/pierhead/models/{MODEL}/versions/{number}/promote"
    assert world.call("POST", path, body, token="ann").json()["decision"] == "applied"
    [waiting] = world.call("GET", "/api/2.0/pierhead/break-glass", token="lou").json()["promotions"]
    return f"/api/2.0/pierhead/break-glass/{waiting['id']}/review"


def test_the_owner_of_what_made_the_run_does_not_review_it(gated: World) -> None:
    gated.authors["0123456789abcdef0123456789abcdef"] = frozenset({"robot", "lou"})
    review = _broken(gated, 1)

    assert gated.call("POST", review, {"comment": "x"}, token="lou").status == 403
    assert gated.call("POST", review, {"comment": "x"}, token="lea").status == 200


def test_deleting_a_version_does_not_make_its_author_a_reviewer(gated: World) -> None:
    made = gated.register(MODEL, "models:/m-lou", by=CALLERS["lou"])
    review = _broken(gated, made.number)
    gated.callers["all"] = Caller("9", "all", frozenset({"admins", "ml-leads"}), entitlements=ACCESS)
    path = f"/api/2.1/unity-catalog/models/{MODEL}/versions/{made.number}"
    assert gated.call("DELETE", path, {}, token="all").status == 200

    assert gated.call("POST", review, {"comment": "x"}, token="lou").status == 403


def test_a_glass_that_is_broken_to_take_a_version_away_is_marked(gated: World) -> None:
    gated.call("POST", "/api/2.0/mlflow/model-versions/transition-stage", {**KEY, "stage": "Production"}, token="lea")
    path = f"/api/2.0/pierhead/models/{MODEL}/versions/1"
    body = {"to": "Staging", "break_glass_reason": "it burns"}

    said = gated.call("POST", f"{path}/promote", body, token="ann").json()

    assert "BREAK-GLASS: ann" in said["message"]
    activities = gated.call("GET", f"{path}/activities", token="lea").json()["activities"]
    assert "it burns" in activities[-1]["system_comment"]
    [waiting] = gated.call("GET", "/api/2.0/pierhead/break-glass", token="lea").json()["promotions"]
    assert (waiting["place"], waiting["break_glass"]["reason"]) == ("Staging", "it burns")


def test_open_requests_and_activities_can_be_listed(gated: World) -> None:
    ask(gated)
    found = gated.call("GET", "/api/2.0/pierhead/transition-requests", token="lea").json()["requests"]
    assert [(each["name"], each["version"], each["to"], each["user_id"]) for each in found] == [
        (MODEL, "1", "Production", "sam")
    ]
    assert gated.call("GET", "/api/2.0/pierhead/transition-requests", name="nobody", token="lea").status == 404
    approve(gated, "lea")
    assert gated.call("GET", "/api/2.0/pierhead/transition-requests", name=MODEL, token="lea").json() == {
        "requests": []
    }
    path = f"/api/2.0/pierhead/models/{MODEL}/versions/1/activities"
    kinds = [each["activity_type"] for each in gated.call("GET", path, token="ria").json()["activities"]]
    assert kinds == ["REQUESTED_TRANSITION", "APPROVED_REQUEST", "APPLIED_TRANSITION"]


@pytest.mark.slow
def test_the_databricks_sdk_asks_approves_and_comments(gated: World) -> None:
    def run(token: str, script: str) -> Any:
        prelude = "from databricks.sdk import WorkspaceClient\nr = WorkspaceClient().model_registry\n"
        return run_client(prelude + script, DATABRICKS_HOST=gated.app.url, DATABRICKS_TOKEN=token)

    name = json.dumps(MODEL)
    asked = run(
        "sam",
        f"q = r.create_transition_request({name}, '1', 'Production', comment='please').request\n"
        "result['request'] = [q.to_stage, q.user_id, q.comment, [a.value for a in q.available_actions]]\n"
        f"c = r.create_comment({name}, '1', 'auc 0.9').comment\n"
        "c = r.update_comment(c.id, 'auc 0.91').comment\n"
        "result['comment'] = [c.comment, c.user_id]\n"
        "r.delete_comment(c.id)\n"
        "from databricks.sdk.errors import PermissionDenied\n"
        "try:\n"
        f"    r.approve_transition_request({name}, '1', 'Production', False)\n"
        "except PermissionDenied as error:\n"
        "    result['refused'] = 'nobody approves their own' in str(error)\n",
    )
    assert asked == {
        "request": ["Production", "sam", "please", ["CANCEL_TRANSITION_REQUEST"]],
        "comment": ["auc 0.91", "sam"],
        "refused": True,
    }
    decided = run(
        "lea",
        f"result['open'] = [[a.activity_type.value, a.user_id] for a in r.list_transition_requests({name}, '1')]\n"
        f"a = r.approve_transition_request({name}, '1', 'Production', True, comment='fine').activity\n"
        "result['activity'] = [a.activity_type.value, a.from_stage, a.to_stage, a.user_id]\n"
        f"result['left'] = [a.id for a in r.list_transition_requests({name}, '1')]\n"
        f"r.create_transition_request({name}, '1', 'Archived')\n"
        f"a = r.delete_transition_request({name}, '1', 'Archived', 'lea').activity\n"
        "result['deleted'] = a.activity_type.value\n",
    )
    assert decided == {
        "open": [["REQUESTED_TRANSITION", "sam"]],
        "activity": ["APPLIED_TRANSITION", "None", "Production", "lea"],
        "left": [],
        "deleted": "CANCELLED_REQUEST",
    }
