"""Registry webhooks with the official SDK against a running platform."""

import hashlib
import hmac
import json

from fakes.webhooks import Receiver
from harness.platform import Platform, wait_until

KEY = b"shared key"


def test_a_receiver_hears_of_a_model_through_the_sdk_also_after_the_controller_was_killed(platform: Platform) -> None:
    name = "main.compat.announced"
    with Receiver(200, "heard") as receiver:
        made = platform.run_client("webhooks.py", name, receiver.url)
        assert made["tried"] == {"status_code": 200, "body": "heard"}
        assert (made["made"]["status"], made["active"]["status"]) == ("TEST_MODE", "ACTIVE")
        assert made["listed"] == [made["active"]]
        assert "shared key" not in json.dumps(made)

        receiver.status = 503
        platform.run_client("register.py", name)
        wait_until("the first try", lambda: len(receiver.received) >= 2)
        platform.child("controller").kill()
        receiver.status = 200
        webhook_id = made["made"]["id"]
        assert platform.cli("webhooks", "retry", webhook_id).returncode == 0

        def is_delivered() -> bool:
            shown = platform.cli("webhooks", "deliveries", webhook_id, "-o", "json")
            return [each["state"] for each in json.loads(shown.stdout)["deliveries"]] == ["DELIVERED"]

        wait_until("the delivery", is_delivered)

    test, *tries = receiver.received
    assert test.json["event"] == "MODEL_VERSION_CREATED"
    assert {(each.delivery_id, each.body) for each in tries} == {(tries[0].delivery_id, tries[0].body)}
    assert (tries[0].json["model_name"], tries[0].json["version"]) == (name, "1")
    for each in receiver.received:
        assert each.headers["x-databricks-signature"] == hmac.new(KEY, each.body, hashlib.sha256).hexdigest()
        assert each.headers["authorization"] == "Bearer hunter2"
    assert webhook_id in platform.cli("webhooks", "list", "--model", name).stdout
    written = b"".join(path.read_bytes() for path in platform.home.rglob("*") if path.is_file() and "log" in path.name)
    assert b"hunter2" not in written
