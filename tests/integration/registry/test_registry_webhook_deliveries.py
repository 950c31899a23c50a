"""From what happens in the registry to what arrives at a receiver."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from registry_world import ADA, World
from sqlalchemy import text

from fakes.webhooks import FakeDeliverer, Receiver
from pierhead.identity.services.audit import recording
from pierhead.kit.db import Database
from pierhead.kit.outbox import Outbox
from pierhead.registry.domain.models import Pending, Ready, VersionDraft
from pierhead.registry.ports import Post, Reply, Unreached
from pierhead.registry.services.deliveries import Deliveries
from pierhead.registry.services.events import TOPIC
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.versions import Versions
from pierhead.registry.services.webhook_sender import WebhookSender, signature, webhook_seal

ROOT = "/api/2.0/mlflow/registry-webhooks"
OWN = "/api/2.0/pierhead/webhooks"
MODEL = "main.a.b"
ALL_EVENTS = (
    "MODEL_VERSION_CREATED",
    "MODEL_VERSION_TRANSITIONED_STAGE",
    "TRANSITION_REQUEST_CREATED",
    "COMMENT_CREATED",
    "MODEL_VERSION_TAG_SET",
    "MODEL_VERSION_TRANSITIONED_TO_STAGING",
    "MODEL_VERSION_TRANSITIONED_TO_PRODUCTION",
    "MODEL_VERSION_TRANSITIONED_TO_ARCHIVED",
    "TRANSITION_REQUEST_TO_STAGING_CREATED",
    "TRANSITION_REQUEST_TO_PRODUCTION_CREATED",
    "TRANSITION_REQUEST_TO_ARCHIVED_CREATED",
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def subscribe(world: World, url: str, *events: str, model: str | None = None, **spec: Any) -> str:
    body = {"events": list(events or ["COMMENT_CREATED"]), "http_url_spec": {"url": url, **spec}}
    webhook = world.mlflow("POST", "registry-webhooks/create", body | ({"model_name": model} if model else {}))
    return str(webhook["webhook"]["id"])


def comment(world: World, words: str) -> None:
    world.mlflow("POST", "comments/create", {"name": MODEL, "version": "1", "comment": words})


def deliveries_of(world: World, sender: WebhookSender | None = None, database: Database | None = None) -> Deliveries:
    return Deliveries(database or world.database, world.clock, sender or world.sender, draw=lambda: 0.5)


def deliver(world: World, sender: WebhookSender | None = None) -> None:
    deliveries = deliveries_of(world, sender)
    deliveries.tick()
    assert deliveries.settle(20)


def sending(deliverer: FakeDeliverer) -> WebhookSender:
    return WebhookSender(webhook_seal(b"k" * 32), deliverer)


def watched(world: World, webhook_id: str) -> Any:
    found = world.call("GET", OWN).json()["webhooks"]
    return next(webhook for webhook in found if webhook["id"] == webhook_id)


def delivered(world: World, webhook_id: str) -> Any:
    return world.call("GET", f"{OWN}/{webhook_id}/deliveries").json().get("deliveries", [])


def test_everything_that_happens_is_told_under_its_general_and_its_special_name(
    world: World, receiver: Receiver
) -> None:
    of_all = subscribe(world, receiver.url, *ALL_EVENTS, "REGISTERED_MODEL_CREATED")
    key = {"name": MODEL, "version": "1"}
    world.create_model(MODEL)
    world.register(MODEL)
    world.mlflow("POST", "model-versions/set-tag", {**key, "key": "reviewed", "value": "yes"})
    world.mlflow("POST", "transition-requests/create", {**key, "stage": "Staging", "comment": "please"})
    world.mlflow("POST", "model-versions/transition-stage", {**key, "stage": "Staging"})
    comment(world, "fine")
    world.mlflow("POST", "model-versions/transition-stage", {**key, "stage": "Archived"})

    deliver(world)

    assert receiver.events == [
        "REGISTERED_MODEL_CREATED",
        "MODEL_VERSION_CREATED",
        "MODEL_VERSION_TAG_SET",
        "TRANSITION_REQUEST_CREATED",
        "TRANSITION_REQUEST_TO_STAGING_CREATED",
        "MODEL_VERSION_TRANSITIONED_STAGE",
        "MODEL_VERSION_TRANSITIONED_TO_STAGING",
        "COMMENT_CREATED",
        "MODEL_VERSION_TRANSITIONED_STAGE",
        "MODEL_VERSION_TRANSITIONED_TO_ARCHIVED",
    ]
    told = {each.json["event"]: each.json for each in receiver.received}
    assert {each["webhook_id"] for each in told.values()} == {of_all}
    assert {each["model_name"] for each in told.values()} == {MODEL}
    assert told["MODEL_VERSION_TAG_SET"]["tags"] == [{"key": "reviewed", "value": "yes"}]
    assert told["TRANSITION_REQUEST_CREATED"]["to_stage"] == "Staging"
    assert told["COMMENT_CREATED"]["comment"] == "fine"
    assert told["MODEL_VERSION_TRANSITIONED_TO_ARCHIVED"]["from_stage"] == "Staging"
    assert len({each.delivery_id for each in receiver.received}) == len(receiver.received)


def test_what_takes_the_place_of_another_tells_of_both(world: World, receiver: Receiver) -> None:
    subscribe(world, receiver.url, "MODEL_VERSION_TRANSITIONED_TO_PRODUCTION", "MODEL_VERSION_TRANSITIONED_TO_ARCHIVED")
    for number in ("1", "2"):
        world.register(MODEL)
        world.mlflow("POST", "model-versions/transition-stage", {
            "name": MODEL, "version": number, "stage": "Production", "archive_existing_versions": True,
        })  # fmt: skip

    deliver(world)

    assert [(each.json["version"], each.json["to_stage"]) for each in receiver.received] == [
        ("1", "Production"),
        ("1", "Archived"),
        ("2", "Production"),
    ]


def test_a_version_is_told_of_when_it_is_ready_and_only_once(world: World, receiver: Receiver) -> None:
    subscribe(world, receiver.url, "MODEL_VERSION_CREATED")
    world.create_model(MODEL)
    with world.database.transaction() as connection:
        Versions(connection, world.clock).add(VersionDraft(MODEL, "upload"), Pending(), by=ADA)
    deliver(world)
    assert receiver.events == []

    for _ in range(2):
        with world.database.transaction() as connection:
            versions = Versions(connection, world.clock)
            versions.leave_pending(versions.get(MODEL, 1), Ready("d" * 64))
    deliver(world)
    assert receiver.events == ["MODEL_VERSION_CREATED"]


def test_what_was_rolled_back_is_not_told(world: World, receiver: Receiver) -> None:
    subscribe(world, receiver.url, "REGISTERED_MODEL_CREATED")
    assert world.call("POST", "/api/2.0/mlflow/registered-models/create", {"name": "one"}).status == 200
    assert world.call("POST", "/api/2.0/mlflow/registered-models/create", {"name": "one"}).status == 400

    deliver(world)

    assert [each.json["model_name"] for each in receiver.received] == ["one"]


def test_a_webhook_of_one_model_hears_of_no_other(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    deliver(world)
    subscribe(world, receiver.url, "MODEL_VERSION_CREATED", model=MODEL)
    world.register("main.other.model")
    world.register(MODEL)

    deliver(world)

    assert [(each.json["model_name"], each.json["version"]) for each in receiver.received] == [(MODEL, "2")]


def test_a_delivery_is_signed_and_carries_what_was_given(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    subscribe(world, receiver.url, secret="shared key", authorization="Bearer hunter2")
    subscribe(world, receiver.url + "/plain")
    comment(world, "ünïcode")

    deliver(world)

    signed, plain = sorted(receiver.received, key=lambda each: each.path)
    assert signed.headers["x-databricks-signature"] == signature("shared key", signed.body)
    assert signed.headers["authorization"] == "Bearer hunter2"
    assert signed.headers["content-type"] == "application/json"
    assert not plain.headers.keys() & {"x-databricks-signature", "authorization"}
    assert signed.delivery_id != plain.delivery_id


@pytest.mark.parametrize("status", ["TEST_MODE", "DISABLED"])
def test_a_webhook_that_is_not_active_hears_only_test_calls(world: World, receiver: Receiver, status: str) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url)
    world.mlflow("PATCH", "registry-webhooks/update", {"id": webhook_id, "status": status})
    comment(world, "unheard")
    deliver(world)
    assert receiver.received == []

    world.mlflow("POST", "registry-webhooks/test", {"id": webhook_id})
    assert receiver.events == ["COMMENT_CREATED"]
    assert receiver.received[0].json["text"].startswith("Test of webhook")


def test_events_arrive_in_order_also_after_failures(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url)
    for words in ("one", "two", "three"):
        comment(world, words)
    receiver.status = 503
    deliver(world)
    deliver(world)
    assert [each.json["comment"] for each in receiver.received] == ["one"]
    assert watched(world, webhook_id)["failures"] == 1

    world.clock.advance(2)
    deliver(world)
    receiver.status = 204
    world.clock.advance(2)
    deliver(world)
    assert len(receiver.received) == 2
    world.clock.advance(2)
    deliver(world)

    assert [each.json["comment"] for each in receiver.received] == ["one", "one", "one", "two", "three"]
    assert len({each.delivery_id for each in receiver.received[:3]}) == 1
    assert len({each.body for each in receiver.received[:3]}) == 1
    assert watched(world, webhook_id)["failures"] == 0
    assert [each["tries"] for each in delivered(world, webhook_id)] == [1, 1, 3]


def test_redirects_and_refusals_count_as_failures(world: World) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, "https://example.com")
    comment(world, "hello")
    for status, words in ((301, "redirects are not followed"), (404, "status 404"), (500, "status 500")):
        deliver(world, sending(FakeDeliverer(lambda _post, status=status: Reply(status, "secret words"))))
        world.clock.advance(3600)
        delivery = delivered(world, webhook_id)[0]
        assert delivery["state"] == "WAITING"
        assert words in delivery["last_outcome"]
        assert "secret words" not in delivery["last_outcome"]


def test_a_receiver_that_hangs_holds_back_nobody_else(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    with Receiver() as hanging:
        hanging.hold.clear()
        subscribe(world, hanging.url)
        subscribe(world, receiver.url)
        deliveries = deliveries_of(world)
        for words in ("one", "two", "three"):
            comment(world, words)
            deliveries.tick()
            deliveries.settle(0.3)
        assert [each.json["comment"] for each in receiver.received] == ["one", "two", "three"]
        assert len(hanging.received) == 1
        hanging.hold.set()
        assert deliveries.settle(20)
    assert [each.json["comment"] for each in hanging.received] == ["one", "two", "three"]


def test_a_crowd_of_failing_webhooks_leaves_room_for_the_others(world: World) -> None:
    world.register(MODEL)
    for number in range(40):
        subscribe(world, f"https://example.com/bad{number}")
    comment(world, "first")
    deliver_until_all_failed = deliveries_of(world, sending(FakeDeliverer(lambda _post: Unreached("down"))))
    for _ in range(5):
        deliver_until_all_failed.tick()
        assert deliver_until_all_failed.settle(20)
    subscribe(world, "https://example.com/good")
    comment(world, "second")
    world.clock.advance(3600)

    fake = FakeDeliverer(lambda post: Reply(200, "") if post.url.endswith("good") else Unreached("down"))
    deliver(world, sending(fake))

    assert any(post.url.endswith("good") for post in fake.posts)
    assert sum("bad" in post.url for post in fake.posts) == 8


def test_a_webhook_that_fails_for_a_day_is_disabled_and_retry_revives_it(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url)
    comment(world, "hello")
    recorded = Database(world.database.url, recording(world.clock))
    failing = deliveries_of(world, sending(FakeDeliverer(lambda _post: Unreached("no connection"))), recorded)
    hours = 0.0
    while watched(world, webhook_id)["status"] == "ACTIVE":
        assert hours < 26
        failing.tick()
        assert failing.settle(20)
        world.clock.advance(900)
        hours += 0.25
    assert hours >= 24

    shown = watched(world, webhook_id)
    assert shown["status"] == "DISABLED"
    assert "no connection" in shown["disabled_because"]
    with recorded.reading() as connection:
        records = [repr(row) for row in connection.execute(text("SELECT * FROM audit_records"))]
    assert ["disable webhook" in record for record in records] == [True]
    recorded.dispose()
    comment(world, "unheard")
    deliver(world)
    assert receiver.received == []

    assert world.call("POST", f"{OWN}/{webhook_id}/retry", {}).json()["webhook"]["status"] == "ACTIVE"
    deliver(world)
    assert [each.json["comment"] for each in receiver.received] == ["hello"]
    assert "disabled_because" not in watched(world, webhook_id)


def test_who_answers_410_is_asked_no_more(world: World) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, "https://example.com")
    comment(world, "hello")
    deliver(world, sending(FakeDeliverer(lambda _post: Reply(410, ""))))

    shown = watched(world, webhook_id)
    assert (shown["status"], "410" in shown["disabled_because"]) == ("DISABLED", True)


def test_retry_does_not_revive_what_somebody_disabled(world: World) -> None:
    webhook_id = subscribe(world, "https://example.com")
    world.mlflow("PATCH", "registry-webhooks/update", {"id": webhook_id, "status": "DISABLED"})

    answer = world.call("POST", f"{OWN}/{webhook_id}/retry", {})

    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_STATE")


def test_retry_sends_at_once_what_would_wait(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url)
    comment(world, "hello")
    deliver(world, sending(FakeDeliverer(lambda _post: Unreached("down"))))
    deliver(world)
    assert receiver.received == []

    world.call("POST", f"{OWN}/{webhook_id}/retry", {})
    deliver(world)
    assert len(receiver.received) == 1


_DYING = """
import os, signal, sys
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database
from pierhead.migrations.tables import all_tables
from pierhead.registry.adapters.http_deliverer import HttpDeliverer
from pierhead.registry.services.deliveries import Deliveries
from pierhead.registry.services.events import spread
from pierhead.registry.services.webhook_sender import WebhookSender, webhook_seal

all_tables()
url, moment = sys.argv[1:]
database = Database(url)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Dying:
    def post(self, post):
        if moment == "before sending":
            die()
        reply = HttpDeliverer().post(post)
        die()

if moment == "while spreading":
    with database.transaction() as connection:
        assert spread(connection, 10) == 1
        die()
if moment == "after spreading":
    with database.transaction() as connection:
        spread(connection, 10)
    die()
deliveries = Deliveries(database, SystemClock(), WebhookSender(webhook_seal(b"k" * 32), Dying()))
deliveries.tick()
deliveries.settle(20)
"""


@pytest.mark.parametrize(
    ("moment", "times"),
    [("while spreading", 1), ("after spreading", 1), ("before sending", 1), ("between sending and noting", 2)],
)
def test_a_process_that_dies_loses_nothing_and_doubles_only_under_the_same_id(
    world: World, receiver: Receiver, moment: str, times: int
) -> None:
    world.register(MODEL)
    deliver(world)
    webhook_id = subscribe(world, receiver.url, secret="key")
    comment(world, "hello")
    url = world.database.engine.url.render_as_string(hide_password=False)
    died = subprocess.run([sys.executable, "-c", _DYING, url, moment], capture_output=True, text=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr

    deliver(world)

    assert [each.json["comment"] for each in receiver.received] == ["hello"] * times
    assert (
        len({(each.delivery_id, each.body, each.headers["x-databricks-signature"]) for each in receiver.received}) == 1
    )
    assert [each["state"] for each in delivered(world, webhook_id)] == ["DELIVERED"]


def test_what_was_delivered_is_kept_for_a_week(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url)
    comment(world, "hello")
    deliver(world)
    world.clock.advance(6 * 24 * 3600)
    deliver(world)
    assert len(delivered(world, webhook_id)) == 1
    world.clock.advance(2 * 24 * 3600)
    deliver(world)
    assert delivered(world, webhook_id) == []


def test_what_waits_for_a_disabled_webhook_is_kept_for_a_week(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url)
    comment(world, "hello")
    deliver(world, sending(FakeDeliverer(lambda _post: Reply(410, ""))))
    world.clock.advance(6 * 24 * 3600)
    deliver(world)
    assert len(delivered(world, webhook_id)) == 1
    world.clock.advance(2 * 24 * 3600)
    deliver(world)
    assert delivered(world, webhook_id) == []


def test_what_happened_before_a_model_was_deleted_is_still_told(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    subscribe(world, receiver.url, model=MODEL)
    comment(world, "last words")
    with world.database.transaction() as connection:
        Promotions(connection, ADA, world.gate).delete_model(MODEL)

    deliver(world)
    assert [each.json["comment"] for each in receiver.received] == ["last words"]
    world.clock.advance(2 * 3600)
    deliver(world)
    with world.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM registry_webhooks")).scalar_one() == 0


def test_a_webhook_that_is_deleted_takes_what_waits_with_it(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url)
    comment(world, "hello")
    deliver(world, sending(FakeDeliverer(lambda _post: Unreached("down"))))
    assert world.call("DELETE", f"{ROOT}/delete", id=webhook_id).status == 200
    world.clock.advance(3600)
    deliver(world)

    assert receiver.received == []


def test_an_event_that_cannot_be_read_does_not_hold_back_the_next(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    subscribe(world, receiver.url)
    with world.database.transaction() as connection:
        Outbox(connection).add(TOPIC, {"kind": "FROM_THE_FUTURE"}, world.clock.now())
    comment(world, "hello")

    deliver(world)

    assert receiver.events == ["COMMENT_CREATED"]


def test_secrets_sealed_with_a_lost_key_are_a_failure_that_says_so(world: World, receiver: Receiver) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, receiver.url, secret="key")
    comment(world, "hello")
    deliver(world, WebhookSender(webhook_seal(b"x" * 32), FakeDeliverer()))

    assert "another secret key" in delivered(world, webhook_id)[0]["last_outcome"]


def test_a_webhook_that_is_changed_while_it_fails_starts_anew(world: World) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, "https://example.com")
    comment(world, "hello")

    def revive(_post: Post) -> Reply:
        world.clock.advance(1)
        world.mlflow("PATCH", "registry-webhooks/update", {"id": webhook_id, "status": "ACTIVE"})
        return Reply(410, "")

    deliver(world, sending(FakeDeliverer(revive)))

    assert (watched(world, webhook_id)["status"], watched(world, webhook_id)["failures"]) == ("ACTIVE", 0)


def test_stopping_lets_what_is_under_way_end_and_begins_nothing_more(world: World) -> None:
    world.register(MODEL)
    webhook_id = subscribe(world, "https://example.com")
    for words in ("one", "two"):
        comment(world, words)
    sent, release = threading.Event(), threading.Event()

    def wait(_post: Post) -> Reply:
        sent.set()
        assert release.wait(20)
        return Reply(200, "")

    deliveries = deliveries_of(world, sending(FakeDeliverer(wait)))
    deliveries.tick()
    assert sent.wait(20)
    deliveries.stop(0)
    release.set()
    assert deliveries.settle(20)
    deliveries.tick()

    assert [each["state"] for each in delivered(world, webhook_id)] == ["WAITING", "DELIVERED"]
