"""Webhooks as the official client keeps them, and as they are refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from registry_client import run_client
from registry_world import World
from sqlalchemy import text

from fakes.webhooks import Receiver
from harness.http import Answer
from pierhead.identity.services.audit import recording
from pierhead.kit.clock import to_ms
from pierhead.kit.db import Database
from pierhead.kit.web.caller import Caller, PrincipalKind
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.store.webhooks import WebhookStore

ROOT = "/api/2.0/mlflow/registry-webhooks"
OWN = "/api/2.0/pierhead/webhooks"
URL = "https://example.com/hook"
SAM = Caller("2", "sam", frozenset({"data-scientists"}), entitlements=frozenset({"workspace-access"}))
RIA = Caller("6", "ria", frozenset())
BOT = Caller("7", "bot", frozenset({"data-scientists"}), PrincipalKind.SERVICE_PRINCIPAL, "sam")


@pytest.fixture
def peopled(world: World) -> World:
    """Sam manages `main.a.b`, ada is an admin, ria only reads."""
    world.callers |= {"sam": SAM, "ria": RIA, "bot": BOT}
    world.create_model("main.a.b", by="sam")
    return world


def create(world: World, token: str = "good", **fields: Any) -> Answer:
    body = {"events": ["MODEL_VERSION_CREATED"], "http_url_spec": {"url": URL}, **fields}
    return world.call("POST", f"{ROOT}/create", body, token=token)


def created(world: World, token: str = "good", **fields: Any) -> Any:
    answer = create(world, token, **fields)
    assert answer.status == 200, answer.text
    return answer.json()["webhook"]


def listed(world: World, token: str = "good", path: str = f"{ROOT}/list", **query: str) -> list[str]:
    answer = world.call("GET", path, token=token, **query)
    assert answer.status == 200, answer.text
    return [webhook["id"] for webhook in answer.json().get("webhooks", [])]


def test_an_admin_who_renews_a_secret_does_not_open_the_own_network_to_a_url_of_others(peopled: World) -> None:
    mine = created(peopled)["id"]
    theirs = created(peopled, "sam", model_name="main.a.b")["id"]
    for id in (mine, theirs):
        assert peopled.call("PATCH", f"{ROOT}/update", {"id": id, "http_url_spec": {"secret": "new"}}).status == 200

    with peopled.database.reading() as connection:
        found = [WebhookStore(connection).find(id) for id in (mine, theirs)]
    assert [webhook is not None and webhook.destination.reaches_private for webhook in found] == [True, False]


def test_a_new_webhook_is_answered_in_the_shape_of_the_sdk(peopled: World) -> None:
    webhook = created(
        peopled,
        "sam",
        model_name="main.a.b",
        events=["COMMENT_CREATED", "MODEL_VERSION_CREATED"],
        description="chat",
        http_url_spec={"url": URL, "secret": "s3cret", "authorization": "Bearer hunter2"},
    )

    now = to_ms(peopled.clock.now())
    assert webhook == {
        "id": webhook["id"],
        "model_name": "main.a.b",
        "description": "chat",
        "events": ["MODEL_VERSION_CREATED", "COMMENT_CREATED"],
        "http_url_spec": {"url": URL, "enable_ssl_verification": True},
        "status": "ACTIVE",
        "creation_timestamp": now,
        "last_updated_timestamp": now,
    }


def test_secrets_go_in_and_never_come_out(tmp_path: Path, database: Database) -> None:
    recorded = Database(database.url, recording(World(tmp_path, database).clock))
    (tmp_path / "recorded").mkdir()
    world = World(tmp_path / "recorded", recorded)
    spec = {"url": URL, "secret": "s3cret-one", "authorization": "Bearer hunter2-two"}
    answers = [create(world, http_url_spec=spec)]
    webhook_id = answers[0].json()["webhook"]["id"]
    answers.append(world.call("PATCH", f"{ROOT}/update", {"id": webhook_id, "http_url_spec": spec}))
    answers.append(world.call("GET", f"{ROOT}/list"))
    answers.append(world.call("GET", OWN))
    with recorded.reading() as connection:
        rows = [
            repr(list(connection.execute(text(f"SELECT * FROM {table}"))))
            for table in ("audit_records", "registry_webhooks", "outbox")
        ]
    world.close()
    recorded.dispose()

    assert all(answer.status == 200 for answer in answers)
    assert "registry-webhooks" in rows[0]
    for said in [answer.text for answer in answers] + rows:
        assert "s3cret-one" not in said
        assert "hunter2-two" not in said


def test_the_sdk_keeps_webhooks(peopled: World) -> None:
    with Receiver(202, "heard") as receiver:
        result = run_client(
            """
            import os
            from databricks.sdk import WorkspaceClient
            from databricks.sdk.errors import NotImplemented as Missing
            from databricks.sdk.service.ml import (
                HttpUrlSpec, JobSpec, RegistryWebhookEvent as Event, RegistryWebhookStatus as Status)
            registry = WorkspaceClient().model_registry
            spec = HttpUrlSpec(url=os.environ["RECEIVER"], secret="key", enable_ssl_verification=False)
            made = registry.create_webhook(
                [Event.MODEL_VERSION_CREATED], model_name="main.a.b", http_url_spec=spec, status=Status.TEST_MODE
            ).webhook
            result["made"] = made.as_dict()
            tried = registry.test_registry_webhook(made.id, event=Event.COMMENT_CREATED)
            result["tried"] = [tried.status_code, tried.body]
            changed = registry.update_webhook(
                made.id, events=[Event.COMMENT_CREATED], description="new", status=Status.ACTIVE)
            result["changed"] = changed.webhook.as_dict()
            for number in range(5):
                registry.create_webhook([Event.COMMENT_CREATED], http_url_spec=spec, description=str(number))
            result["pages"] = [each.description for each in registry.list_webhooks(max_results=2)]
            result["of_model"] = [each.id for each in registry.list_webhooks(model_name="main.a.b")]
            result["of_event"] = [
                each.id
                for each in registry.list_webhooks(events=[Event.MODEL_VERSION_CREATED, Event.MODEL_VERSION_TAG_SET])
            ]
            try:
                registry.create_webhook([Event.COMMENT_CREATED], job_spec=JobSpec(job_id="1", access_token="t"))
            except Missing as error:
                result["job"] = str(error)
            registry.delete_webhook(made.id)
            result["after"] = [each.id for each in registry.list_webhooks(model_name="main.a.b")]
            """,
            DATABRICKS_HOST=peopled.app.url,
            DATABRICKS_TOKEN="good",
            RECEIVER=receiver.url,
        )

    made, changed = result["made"], result["changed"]
    assert made["http_url_spec"] == {"url": receiver.url, "enable_ssl_verification": False}
    assert (made["status"], made["model_name"]) == ("TEST_MODE", "main.a.b")
    assert result["tried"] == [202, "heard"]
    assert receiver.received[0].json["event"] == "COMMENT_CREATED"
    assert receiver.received[0].json["webhook_id"] == made["id"]
    assert (changed["events"], changed["description"], changed["status"]) == (["COMMENT_CREATED"], "new", "ACTIVE")
    assert result["pages"] == ["new", "0", "1", "2", "3", "4"]
    assert result["of_model"] == [made["id"]]
    assert result["of_event"] == []
    assert "http_url_spec" in result["job"]
    assert result["after"] == []


def test_webhooks_of_one_model_belong_to_who_manages_it(peopled: World) -> None:
    mine = created(peopled, "sam", model_name="main.a.b")["id"]

    for token in ("ria", "bot"):
        assert create(peopled, token, model_name="main.a.b").status == 403
        assert peopled.call("PATCH", f"{ROOT}/update", {"id": mine}, token=token).status == 403
        assert peopled.call("DELETE", f"{ROOT}/delete", token=token, id=mine).status == 403
        assert peopled.call("POST", f"{ROOT}/test", {"id": mine}, token=token).status == 403
        assert peopled.call("GET", f"{OWN}/{mine}/deliveries", token=token).status == 403
        assert peopled.call("POST", f"{OWN}/{mine}/retry", {}, token=token).status == 403
        assert peopled.call("GET", f"{ROOT}/list", token=token, model_name="main.a.b").status == 403
        assert listed(peopled, token) == []
    assert listed(peopled, "sam") == listed(peopled, "good") == [mine]
    assert create(peopled, "sam", model_name="main.no.such").status == 404


def test_webhooks_of_the_whole_registry_belong_to_admins(peopled: World) -> None:
    refused = create(peopled, "sam")
    of_all = created(peopled, "good", events=["REGISTERED_MODEL_CREATED"])

    assert (refused.status, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert "model_name" not in of_all
    assert listed(peopled, "sam") == []
    assert peopled.call("POST", f"{ROOT}/test", {"id": of_all["id"]}, token="sam").status == 403


def test_pages_skip_what_the_caller_does_not_manage(peopled: World) -> None:
    mine = []
    for number in range(7):
        created(peopled, "good", description=str(number))
        mine.append(created(peopled, "sam", model_name="main.a.b")["id"])

    found, query = [], {"max_results": "3"}
    while True:
        body = peopled.call("GET", f"{ROOT}/list", token="sam", **query).json()
        assert len(body["webhooks"]) <= 3
        found += [webhook["id"] for webhook in body["webhooks"]]
        if "next_page_token" not in body:
            break
        query["page_token"] = body["next_page_token"]

    assert found == mine
    assert peopled.call("GET", f"{ROOT}/list", page_token="nonsense").status == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"events": []},
        {"events": ["NOPE"]},
        {"events": "REGISTERED_MODEL_CREATED", "model_name": "main.a.b"},
        {"http_url_spec": None},
        {"http_url_spec": {}},
        {"http_url_spec": "https://example.com"},
        {"http_url_spec": {"url": "ftp://example.com"}},
        {"http_url_spec": {"url": URL, "secret": 7}},
        {"http_url_spec": {"url": URL, "enable_ssl_verification": "no"}},
        {"http_url_spec": {"url": URL, "authorization": "a\r\nb: c"}},
        {"status": "SLEEPING"},
        {"description": "x" * 200_000},
    ],
)
def test_a_webhook_that_could_not_work_is_refused(peopled: World, fields: dict[str, Any]) -> None:
    answer = create(peopled, **fields)

    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_only_admins_lead_webhooks_into_the_own_network(peopled: World) -> None:
    with Receiver() as receiver:
        inside = {"url": receiver.url}
        mine = created(peopled, "sam", model_name="main.a.b")["id"]
        assert create(peopled, "sam", model_name="main.a.b", http_url_spec=inside).status == 400
        assert peopled.call("PATCH", f"{ROOT}/update", {"id": mine, "http_url_spec": inside}, token="sam").status == 400
        assert peopled.call("PATCH", f"{ROOT}/update", {"id": mine, "http_url_spec": inside}).status == 200

        # The admin's choice stands until somebody else chooses again.
        assert peopled.call("POST", f"{ROOT}/test", {"id": mine}, token="sam").status == 200
        assert len(receiver.received) == 1


def test_a_new_address_does_not_inherit_what_opened_the_old_one(peopled: World) -> None:
    with Receiver() as receiver:
        spec = {"url": receiver.url, "secret": "key", "authorization": "Bearer x"}
        webhook_id = created(peopled, http_url_spec=spec)["id"]

        def tried() -> dict[str, str]:
            assert peopled.call("POST", f"{ROOT}/test", {"id": webhook_id}).status == 200
            return receiver.received[-1].headers

        def update(**spec: Any) -> None:
            body = {"id": webhook_id, "http_url_spec": spec}
            assert peopled.call("PATCH", f"{ROOT}/update", body).status == 200

        assert tried().keys() >= {"authorization", "x-databricks-signature"}
        update(url=receiver.url, enable_ssl_verification=True)
        assert tried().keys() >= {"authorization", "x-databricks-signature"}
        update(url=receiver.url, authorization="")
        assert "authorization" not in tried()
        update(url=receiver.url + "/elsewhere")
        assert not tried().keys() & {"authorization", "x-databricks-signature"}


def test_a_test_call_that_reaches_nobody_says_why(peopled: World) -> None:
    webhook_id = created(peopled, http_url_spec={"url": "http://nowhere.invalid/"})["id"]

    answer = peopled.call("POST", f"{ROOT}/test", {"id": webhook_id})

    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_STATE")
    assert "nowhere.invalid" in answer.json()["message"]
    assert peopled.call("POST", f"{ROOT}/test", {"id": "0" * 32}).status == 404


def test_no_transaction_waits_for_the_answer_to_a_test_call(peopled: World) -> None:
    with Receiver() as receiver:
        webhook_id = created(peopled, http_url_spec={"url": receiver.url})["id"]
        # The receiver writes to the registry itself before it answers.
        original = receiver.received

        class Writing(list):  # type: ignore[type-arg]
            def append(self, each: object) -> None:
                peopled.create_model("main.made.meanwhile")
                original.append(each)

        receiver.received = Writing()
        assert peopled.call("POST", f"{ROOT}/test", {"id": webhook_id}).status == 200

    assert len(original) == 1


def test_a_webhook_follows_its_model_to_a_new_name_and_is_not_inherited_with_the_old_one(peopled: World) -> None:
    webhook_id = created(peopled, "sam", model_name="main.a.b")["id"]
    with peopled.promotions() as promotions:
        promotions.rename("main.a.b", "main.a.c")
    peopled.create_model("main.a.b", by="ria")

    assert listed(peopled, "sam", model_name="main.a.c") == [webhook_id]
    assert listed(peopled, "ria", model_name="main.a.b") == []
    assert peopled.call("GET", f"{ROOT}/list", token="sam").json()["webhooks"][0]["model_name"] == "main.a.c"


def test_a_webhook_goes_with_its_model(peopled: World) -> None:
    webhook_id = created(peopled, "sam", model_name="main.a.b")["id"]
    with peopled.database.transaction() as connection:
        Promotions(connection, SAM, peopled.gate).delete_model("main.a.b")
    peopled.create_model("main.a.b", by="sam")

    assert listed(peopled, "sam") == []
    assert peopled.call("PATCH", f"{ROOT}/update", {"id": webhook_id}).status == 404


def test_a_model_has_a_bounded_number_of_webhooks(peopled: World) -> None:
    statuses = {create(peopled, "sam", model_name="main.a.b").status for _ in range(50)}

    assert statuses == {200}
    assert create(peopled, "sam", model_name="main.a.b").status == 400
    assert create(peopled).status == 200


def test_updating_a_webhook_moves_its_time(peopled: World) -> None:
    webhook = created(peopled)
    peopled.clock.advance(timedelta(minutes=1).total_seconds())

    body = {"id": webhook["id"], "description": ""}
    changed = peopled.call("PATCH", f"{ROOT}/update", body).json()["webhook"]

    assert changed == {**webhook, "last_updated_timestamp": webhook["last_updated_timestamp"] + 60_000}
