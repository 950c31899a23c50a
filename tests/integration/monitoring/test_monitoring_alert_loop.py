"""Alerts from metrics in Delta tables and gateways' counters to states, messages and actions."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alert_rig import MODEL, SECRET, AlertRig, window

from fakes.clock import FixedClock
from fakes.webhooks import Receiver
from pierhead.identity.services.audit import recording
from pierhead.identity.store.audit import AuditStore
from pierhead.kit.db import Database
from pierhead.monitoring.domain.destinations import DestinationKind
from pierhead.monitoring.services.alert_rules import AlertRules
from pierhead.monitoring.store.alerts import EventStore

DRIFT = "- {name: drift, metric: drift.population_stability_index, above: 0.2, null_bound: true, severity: critical}"


@pytest.fixture
def rig(tmp_path: Path, database: Database) -> Iterator[AlertRig]:
    audited = Database(database.url, recording(FixedClock()))
    yield AlertRig(tmp_path, audited)
    audited.dispose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_drift_that_stays_is_told_once_signed_with_all_that_a_person_needs(rig: AlertRig, receiver: Receiver) -> None:
    rig.apply(DRIFT)
    rig.destination(receiver.url)
    for hour in range(3):
        drifts = hour > 0
        rig.drift(hour, {"alcohol": 0.41 if drifts else 0.01, "sugar": 0.3 if drifts else 0.01, "acid": 0.01})
        rig.drift(hour, {"alcohol": 0.9}, slice_key="country", slice_value="DE", n_cur=300)
        rig.at(hour + 1)
    rig.drift(3, {"alcohol": 0.41, "sugar": 0.3, "acid": 0.01})
    rig.at(4)
    assert rig.statuses() == {"drift/acid": "OK", "drift/alcohol": "TRIGGERED", "drift/sugar": "TRIGGERED"}
    rig.deliver()
    (told,) = receiver.received
    assert told.headers["x-databricks-signature"] == hmac.new(SECRET.encode(), told.body, hashlib.sha256).hexdigest()
    assert (told.json["event"], told.json["event_id"]) == ("alert.triggered", told.delivery_id)
    assert [each["series"] for each in told.json["alerts"]] == ["alcohol", "sugar"]
    alcohol = told.json["alerts"][0]
    assert (alcohol["value"], alcohol["threshold"], alcohol["null_bound"], alcohol["n"]) == (0.41, 0.2, 0.02, 2000)
    assert alcohol["worst_slices"] == [{"slice": "country = DE", "value": 0.9, "n": 300}]
    for words in (
        "'alcohol' is 0.41 (above 0.2, chance explains up to 0.02)",
        "n = 2,000",
        "window 2026-01-01 02:00 to 03:00 UTC",
        "2 of the last 3 windows",
        "worst slices: country = DE 0.9 (n = 300)",
        "Look closer: pierhead alerts list --rule drift",
    ):
        assert words in told.json["text"]


def test_the_end_is_told_and_what_it_was_is_kept(rig: AlertRig, receiver: Receiver) -> None:
    rig.apply(DRIFT)
    rig.destination(receiver.url)
    for hour, value in enumerate((0.3, 0.3, 0.17, 0.1)):
        rig.drift(hour, {"alcohol": value})
        rig.at(hour + 1)
    rig.deliver()
    assert [each.json["event"] for each in receiver.received] == ["alert.triggered", "alert.resolved"]
    alert = rig.alerts()["drift/alcohol"]
    with rig.database.reading() as connection:
        events = EventStore(connection).list_newest(alert.fingerprint, 10)
    assert [event.kind for event in events] == ["OK", "TRIGGERED", "PENDING"]
    assert receiver.received[0].json["alerts"][0]["event_id"] == events[1].id


def test_a_restart_of_the_controller_tells_nothing_again(rig: AlertRig, receiver: Receiver) -> None:
    rig.apply(DRIFT)
    rig.destination(receiver.url)
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    rig.at(2)
    for _ in range(3):
        rig.new_loop()
        rig.at(2.1)
    rig.deliver()
    assert len(receiver.received) == 1


def test_a_receiver_that_fails_hears_the_same_later_under_the_same_id(rig: AlertRig, receiver: Receiver) -> None:
    rig.apply(DRIFT)
    rig.destination(receiver.url)
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    receiver.status = 503
    rig.at(2)
    rig.deliver()
    receiver.status = 200
    rig.deliver()
    assert len(receiver.received) == 1, "it waits before it tries again"
    rig.clock.advance(60)
    rig.deliver()
    first, second = receiver.received
    assert (first.delivery_id, first.body) == (second.delivery_id, second.body)


def test_chat_gets_its_own_format_and_rules_choose_where_they_are_told(rig: AlertRig, receiver: Receiver) -> None:
    rig.apply(DRIFT.replace("}", ", notify: [chat]}"))
    rig.destination(receiver.url, "chat", DestinationKind.SLACK)
    rig.destination("http://127.0.0.1:9/", "default")
    for hour in range(2):
        rig.drift(hour, {"a<b": 0.3})
    rig.at(2)
    rig.deliver()
    (told,) = receiver.received
    header, section = told.json["blocks"]
    assert header["text"]["text"] == "[critical] drift of endpoint wine triggered"
    assert "'a&lt;b' is 0.3" in section["text"]["text"]
    assert "x-databricks-signature" not in told.headers


def test_rates_latencies_losses_and_shares_come_from_what_gateways_counted(rig: AlertRig) -> None:
    rig.apply(
        "- {name: errors, metric: traffic.error_rate, above: 0.01}\n"
        "- {name: slow, metric: traffic.p99_ratio, above: 1.5}\n"
        "- {name: lost, metric: traffic.log_drop_share, above: 0.001}\n"
        "- {name: shares, metric: traffic.sample_ratio, above: 3}\n"
    )
    rig.serve("e1", 5)
    rig.at(0)
    for step in range(1, 10):
        is_bad = step > 7
        rig.serve("e1", 3000, latency_ms=90 if is_bad else 5)
        rig.serve("e2", 2000 if is_bad else 3000, status=500 if is_bad else 200)
        rig.dropped += 100 if is_bad else 0
        rig.report()
        rig.at(step / 12)
    rig.at(10 / 12)
    assert rig.statuses() == dict.fromkeys(("errors", "slow", "lost", "shares"), "TRIGGERED")
    readings = {name: reading for name, alert in rig.alerts().items() if (reading := alert.state.reading) is not None}
    assert readings["errors"].value == 0.4
    assert readings["slow"].detail == "p99 99.2 ms, before 4.97 ms"
    assert readings["lost"].value == 100 / 5000


def test_accuracy_is_judged_against_what_it_was_once_labels_are_there(rig: AlertRig) -> None:
    rig.apply("- {name: accuracy, metric: quality.accuracy_score, above: 0.02, null_bound: true}")
    rig.profile([_quality(hour, 0.9) for hour in range(10)])
    rig.at(10)
    assert rig.statuses() == {"accuracy": "OK"}
    rig.profile([_quality(hour, 0.8) for hour in (10, 11)])
    # A day later: that is when the labels came.
    rig.at(36)
    assert rig.statuses() == {"accuracy": "TRIGGERED"}
    state = rig.alerts()["accuracy"].state
    assert state.reading is not None
    assert state.reading.detail == "accuracy_score 0.8, before 0.9"


def test_actions_are_done_once_and_are_on_the_audit_trail(rig: AlertRig, receiver: Receiver) -> None:
    actions = "[freeze_promotions, hold_rollout, roll_back_rollout, {call_webhook: fixer}]"
    rig.apply(DRIFT.replace("}", f", notify: nobody, actions: {actions}}}"))
    rig.destination(receiver.url, "fixer")
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    rig.at(2)
    rig.new_loop()
    rig.at(2.1)
    assert rig.controls.acts == ["hold wine", "roll back wine"]
    assert list(rig.controls.frozen) == [MODEL]
    # The gate shows it to people who may not read the requests.
    assert "alert drift of endpoint wine" in rig.controls.frozen[MODEL]
    assert "alcohol" not in rig.controls.frozen[MODEL]
    rig.deliver()
    (called,) = receiver.received
    assert (called.json["event"], called.json["rule"], called.json["value"]) == ("alert.action", "drift", 0.3)
    with rig.database.reading() as connection:
        trail = [json.loads(record.content)["action_name"] for record in AuditStore(connection).list_after(0, 100)]
    assert [name for name in trail if name.startswith("alerts/")] == [
        "alerts/freeze_promotions",
        "alerts/hold_rollout",
        "alerts/roll_back_rollout",
    ]
    rig.drift(2, {"alcohol": 0.1})
    rig.at(3)
    rig.at(3.1)
    assert rig.controls.frozen == {}


def test_an_action_that_has_nothing_to_act_on_says_so(rig: AlertRig) -> None:
    rig.controls.has_rollout = False
    rig.apply(DRIFT.replace("}", ", actions: hold_rollout}"))
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    rig.at(2)
    alert = rig.alerts()["drift/alcohol"]
    with rig.database.reading() as connection:
        newest = EventStore(connection).list_newest(alert.fingerprint, 1)[0]
    assert (newest.kind, newest.message) == ("HOLD_ROLLOUT", "not done: no rollout is under way")


@pytest.mark.parametrize(("rows", "status"), [(200, "OK"), (2000, "TRIGGERED")])
def test_what_chance_explains_is_known_also_where_another_statistic_was_judged(
    rig: AlertRig, rows: int, status: str
) -> None:
    rig.apply(DRIFT.replace("}", ", least_samples: 100}"))
    psi = {"statistic": "psi", "inner_edges": list(range(9))}
    spec = json.dumps({"statistic": "null_share_change", "others": {"population_stability_index": psi}})
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.25}, n_cur=rows, n_cmp=rows, method_spec=spec, null_bound=0.9)
    rig.at(2)
    assert rig.statuses() == {"drift/alcohol": status}


def test_of_categories_chance_explains_what_it_could_in_as_many_as_there_can_be(rig: AlertRig) -> None:
    rig.apply(DRIFT.replace("}", ", least_samples: 100}"))
    psi = {"statistic": "psi", "bins": "the reference's categories"}
    spec = json.dumps({"statistic": "new_category_share", "others": {"population_stability_index": psi}})
    for hour in range(2):
        rig.drift(hour, {"colour": 1.6, "grape": 0.25}, n_cur=1000, n_cmp=1000, method_spec=spec, null_bound=0.003)
    rig.at(2)
    assert rig.statuses() == {"drift/colour": "TRIGGERED", "drift/grape": "OK"}
    # 201 cells: 267 of chi-square at 1 in 1000, from twice 1000 values.
    reading = rig.alerts()["drift/colour"].state.reading
    assert reading is not None
    assert reading.bound == pytest.approx(0.5356, abs=1e-3)


def test_a_table_that_cannot_be_read_is_an_error_and_comes_back(rig: AlertRig) -> None:
    rig.apply(DRIFT)
    rig.drift(0, {"alcohol": 0.01})
    rig.at(1)
    log = rig.tables / "main" / "wine" / "quality_requests_drift_metrics" / "_delta_log" / f"{1:020}.json"
    log.write_text("{")
    rig.at(1.1)
    assert rig.statuses() == {"drift/alcohol": "ERROR"}
    log.unlink()
    rig.at(1.2)
    assert rig.statuses() == {"drift/alcohol": "OK"}


def test_a_new_endpoint_has_the_usual_rules_once_and_they_wait_for_data(rig: AlertRig) -> None:
    for made in (True, False):
        with rig.database.transaction() as connection:
            assert AlertRules(connection, rig.clock).add_defaults(rig.endpoint, by="ada") is made
    rig.at(1)
    found = rig.statuses()
    assert len(found) == 10
    assert set(found.values()) == {"NO_DATA"}


def test_rules_that_stay_keep_their_alerts_and_those_that_go_take_them_along(rig: AlertRig) -> None:
    other = "- {name: other, metric: drift.population_stability_index, above: 0.2}"
    rig.apply(f"{DRIFT}\n{other}")
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    rig.at(2)
    applied = rig.apply(DRIFT.replace("0.2", "0.25").replace("}", ", notify: [unknown]}"))
    assert (applied.changed, applied.removed, applied.unknown_destinations) == (("drift",), ("other",), ("unknown",))
    assert rig.statuses() == {"drift/alcohol": "TRIGGERED"}
    rig.apply(DRIFT.replace("above: 0.2", "below: 0.001"))
    assert rig.statuses() == {}


def _quality(hour: int, accuracy: float) -> dict[str, Any]:
    return {
        "window": window(hour),
        "log_type": "INPUT",
        "granularity": "1 hour",
        "column_name": ":table",
        "model_version": "*",
        "accuracy_score": accuracy,
        "n": 1000,
        "labelled_count": 1000,
    }
