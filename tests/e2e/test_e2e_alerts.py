"""From the first drifted request to the message and the held rollout, with real processes, a real model and a receiver.

Records tell when they were answered. Those of the hours before are what the gateway itself wrote a moment ago, laid
into the spool once more under the names of other requests and the times at which they would have been made.
"""

import hashlib
import hmac
import random
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deltalake import DeltaTable

from e2e import endpoints
from fakes.webhooks import Received, Receiver
from harness.platform import Platform, wait_until
from pierhead.gateway.records import InferenceRecord, decode, encode
from pierhead.kit import spool
from pierhead.kit.home import Home

LOG_MODELS = Path(__file__).parent / "scripts" / "log_watched_models.py"
MODEL = "main.e2e.watched"
SECRET = "shared with the receiver"
REQUESTS, ROWS = 6, 100
"""Of an hour: requests, and rows of each."""
LONGEST_S = 120

RULES = """
endpoint: watched
rules:
- name: drift
  metric: drift.population_stability_index
  above: 0.2
  null_bound: true
  windows: {violating: 2, of: 5, width: 1 hour}
  severity: critical
  notify: [ops]
  actions: [hold_rollout, freeze_promotions]
  every: 1s
"""
SHADOW_FOR_LONG = "steps: [{shadow_rate: 1, least_duration: 1h, least_requests: 1000}, {weight: 4}, {weight: 100}]"


@pytest.fixture
def platform(tmp_path: Path, environments: Path) -> Iterator[Platform]:
    settings = {"PIERHEAD_INGEST_INTERVAL_S": "0.2"}
    platform = Platform(tmp_path / "home", environments=environments, settings=settings)
    try:
        yield platform.start()
    finally:
        platform.stop()


def test_drift_that_begins_at_a_known_minute_is_told_signed_and_holds_the_rollout(
    platform: Platform, tmp_path: Path
) -> None:
    first, second = platform.run_client(str(LOG_MODELS), str(platform.home / "tables"))
    endpoints.create(platform, "watched", endpoints.entity("watched", first))
    endpoints.wait_ready(platform, "watched")
    this_hour = _this_hour()
    drifts_from = this_hour - timedelta(hours=2) + timedelta(minutes=20)
    usual, older = _asked(platform, youngest=18), _asked(platform, youngest=60)
    _lay(platform, usual, this_hour - timedelta(hours=6), drifts_from)

    with Receiver() as receiver:
        _watch(platform, tmp_path, receiver.url)
        _refresh(platform)
        wait_until("each column is judged", lambda: _states(platform).keys() == {"age", "income"}, 20)
        assert set(_states(platform).values()) == {"OK"}
        rollout = _start(platform, second)

        assert receiver.received == []
        _lay(platform, older, drifts_from, this_hour)
        _refresh(platform)
        wait_until("the message", lambda: bool(receiver.received), 30)
        wait_until("the rollout stops", lambda: _rollout(platform)["status"] != "running", 20)
        message = receiver.received[0]

    _check_message(message, this_hour)
    assert _rollout(platform)["id"] == rollout
    assert _rollout(platform)["status"] == "paused"
    assert "alert drift of endpoint watched" in _rollout(platform)["reason"]
    _check_shown(platform, message.json["alerts"][0]["fingerprint"])


def _this_hour() -> datetime:
    """When it began. What the gateway is asked now lies in the window of this hour, which must not end before the test
    does: windows that are over are judged."""
    left_s = 3600 - time.time() % 3600
    if left_s < LONGEST_S:
        time.sleep(left_s)
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _check_message(message: Received, this_hour: datetime) -> None:
    signed = hmac.new(SECRET.encode(), message.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(message.headers["x-databricks-signature"], signed)
    found = message.json
    told = {each["series"]: each for each in found["alerts"]}
    assert found["event"] == "alert.triggered"
    # The income of older customers is as before.
    assert told.keys() == {"age"}
    assert told["age"]["n"] == REQUESTS * ROWS
    assert told["age"]["value"] > 0.2 > told["age"]["null_bound"]
    newest = this_hour - timedelta(hours=1)
    assert told["age"]["window"] == {"start": _ms(newest), "end": _ms(this_hour)}
    # That of the minute in which it began, and the one after it.
    assert "2 of the last 5 windows" in told["age"]["message"]
    assert found["command"].startswith("pierhead ")


def _check_shown(platform: Platform, fingerprint: str) -> None:
    shown = platform.cli("alerts", "show", fingerprint[:8]).stdout
    print(shown)
    assert "promotions of main.e2e.watched are frozen" in shown
    assert "the rollout of main.e2e.watched version 2 is held" in shown
    trail = platform.request("GET", "/api/2.0/pierhead/audit?action=alerts/hold_rollout").json()
    (record,) = trail["records"]
    assert record["object"] == f"alert {fingerprint}"
    assert record["notes"]["endpoint"] == "watched"


def _asked(platform: Platform, *, youngest: float) -> list[InferenceRecord]:
    """What the gateway writes of an hour of requests with customers who are at least so old."""
    draw = random.Random(youngest)
    controller = platform.child("controller")
    # It would take the records away before anybody has read them.
    controller.suspend()
    try:
        known = {record.request_id for record in _spooled(platform)}
        for _ in range(REQUESTS):
            rows = [{"age": draw.uniform(youngest, 90), "income": draw.lognormvariate(8, 0.5)} for _ in range(ROWS)]
            answer = platform.request("POST", "/serving-endpoints/watched/invocations", {"dataframe_records": rows})
            assert answer.status == 200, answer.text
        return [record for record in _spooled(platform) if record.request_id not in known]
    finally:
        controller.resume()


def _spooled(platform: Platform) -> list[InferenceRecord]:
    root, table = Home(platform.home).spool, "main.e2e.watched_payload"
    found = []
    for stream in spool.streams(root, table):
        raw, _ = spool.read(stream, 0, 64 * 1024 * 1024)
        found += map(decode, raw)
    return found


def _lay(platform: Platform, hour: Sequence[InferenceRecord], start: datetime, end: datetime) -> None:
    """The requests of an hour over and over, from `start` until before `end`; all are rows when this is over."""
    before = _rows(platform)
    every = timedelta(hours=1) / REQUESTS
    moments = [start + step * every for step in range((end - start) // every)]
    laid = [
        encode(msgspec.structs.replace(record, request_id=str(uuid.uuid4()), timestamp_ms=_ms(moment)))
        for record, moment in zip(cycle(hour), moments, strict=False)
    ]
    writer = spool.SpoolWriter(Home(platform.home).spool, "earlier")
    try:
        writer.append("main.e2e.watched_payload", laid)
    finally:
        writer.close()
    wait_until("the records are rows", lambda: _rows(platform) >= before + ROWS * len(laid), 30)


def _rows(platform: Platform) -> int:
    path = platform.home / "tables" / "main" / "e2e" / "watched_requests"
    return DeltaTable(path).to_pyarrow_dataset().count_rows() if DeltaTable.is_deltatable(str(path)) else 0


def _watch(platform: Platform, tmp_path: Path, url: str) -> None:
    """The monitor has come by itself; rules that act, and a receiver, are asked for."""
    body = {"display_name": "ops", "config": {"generic_webhook": {"url": url, "secret": SECRET}}}
    answer = platform.request("POST", "/api/2.0/notification-destinations", body)
    assert answer.status == 200, answer.text
    wait_until(
        "the monitor", lambda: platform.cli("monitors", "show", "watched").stdout.count("profile metrics") == 1, 30
    )
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    applied = platform.cli("alerts", "rules", "apply", str(rules))
    assert applied.returncode == 0, applied.stderr
    assert "1 changed, 9 removed" in applied.stderr


def _refresh(platform: Platform) -> None:
    done = platform.cli("monitors", "refresh", "watched")
    assert done.returncode == 0, done.stderr


def _states(platform: Platform) -> Mapping[str, str]:
    """The status of the rule by column."""
    found = platform.request("GET", "/api/2.0/pierhead/alerts?endpoint=watched").json()["alerts"]
    return {each["series"]: each["status"] for each in found}


def _start(platform: Platform, version: str) -> str:
    entity = {"name": f"watched-{version}", "entity_name": MODEL, "entity_version": version}
    asked = {"endpoint": "watched", "entity": entity, "spec": SHADOW_FOR_LONG}
    answer = platform.request("POST", "/api/2.0/pierhead/rollouts", asked)
    assert answer.status == 200, answer.text
    wait_until("the rollout has begun", lambda: _rollout(platform)["ready_at"] is not None, 60)
    assert _rollout(platform)["status"] == "running"
    return str(answer.json()["rollout"]["id"])


def _rollout(platform: Platform) -> dict[str, Any]:
    found: dict[str, Any] = platform.request("GET", "/api/2.0/pierhead/rollouts/watched").json()["rollout"]
    return found


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
