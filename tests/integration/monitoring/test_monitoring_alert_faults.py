"""One thing that fails does not take the rest of alerts with it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from alert_rig import HOUR, START, AlertRig
from sqlalchemy import Connection

from harness.databases import LentDatabases
from pierhead.kit.db import Database
from pierhead.monitoring.domain.destinations import DestinationKind
from pierhead.monitoring.services.alert_actions import AlertActions, Controls
from pierhead.monitoring.services.alert_deliveries import AlertDeliveries, AlertSender
from pierhead.monitoring.services.alert_loop import AlertLoop, AlertSurroundings
from pierhead.monitoring.services.traffic_windows import TrafficWindows
from pierhead.monitoring.store.alert_traffic import TrafficStore
from pierhead.registry.adapters.http_deliverer import HttpDeliverer

DRIFT = "- {name: drift, metric: drift.population_stability_index, above: 0.2}"


@pytest.fixture
def rig(tmp_path: Path, on_sqlite: LentDatabases) -> Iterator[AlertRig]:
    with on_sqlite.lend() as database:
        yield AlertRig(tmp_path, database)


class Lockable(Database):
    """A database that others hold locked."""

    locked = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        if self.locked:
            raise RuntimeError("database is locked")
        with super().transaction() as connection:
            yield connection


class Torn(TrafficWindows):
    """Files that nobody can read."""

    def follow(self, now: object) -> None:
        raise OSError(f"the disk is gone at {now}")


def test_counts_that_could_not_be_kept_are_kept_the_next_time(rig: AlertRig) -> None:
    database = Lockable(rig.database.url)
    windows = TrafficWindows(database, rig.gateways)
    rig.serve("e1", 5)
    windows.follow(START)
    windows.save(START)
    rig.serve("e1", 500)
    windows.follow(START)
    database.locked = True
    with pytest.raises(RuntimeError):
        windows.save(START)
    database.locked = False
    for _ in range(2):
        windows.save(START)
    with database.reading() as connection:
        (counts,) = TrafficStore(connection).list_since(rig.endpoint.id, START).values()
    database.dispose()
    assert counts.requests == 500


def test_rules_are_looked_at_while_counters_cannot_be_read(rig: AlertRig) -> None:
    rig.apply(DRIFT)
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    torn = Torn(rig.database, rig.gateways)
    actions = AlertActions(rig.database, Controls(rig.controls, rig.controls))
    rig.loop = AlertLoop(rig.database, rig.clock, AlertSurroundings(torn, rig.table_metrics, rig.metrics, actions))
    rig.at(2)
    assert rig.statuses() == {"drift/alcohol": "TRIGGERED"}


def test_a_clock_that_is_set_back_silences_no_rule(rig: AlertRig) -> None:
    rig.apply(DRIFT)
    rig.at(24)
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    rig.at(2)
    assert rig.statuses() == {"drift/alcohol": "TRIGGERED"}


def test_an_action_that_breaks_holds_up_no_other_and_is_tried_again(rig: AlertRig) -> None:
    def broken(_connection: Connection, _endpoint_name: str, _reason: str) -> str:
        raise KeyError("nobody foresaw this")

    rig.apply(DRIFT.replace("}", ", actions: [hold_rollout, roll_back_rollout]}"))
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    healthy, rig.controls.hold = rig.controls.hold, broken  # type: ignore[method-assign]
    rig.at(2)
    assert rig.controls.acts == ["roll back wine"]
    rig.controls.hold = healthy  # type: ignore[method-assign]
    rig.at(2.1)
    assert rig.controls.acts == ["roll back wine", "hold wine"]


class BrokenMail:
    def __init__(self) -> None:
        self.tries = 0

    def send(self, message_id: str, addresses: Sequence[str], subject: str, text: str) -> str | None:
        assert message_id
        assert addresses
        assert subject
        assert text
        self.tries += 1
        raise LookupError("unknown encoding")


def test_a_delivery_that_breaks_is_a_failed_try_and_waits(rig: AlertRig) -> None:
    rig.apply(DRIFT)
    rig.destination("", kind=DestinationKind.EMAIL)
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})
    rig.at(2)
    mail = BrokenMail()
    sender = AlertSender(rig.seal, HttpDeliverer(), mail)
    deliveries = AlertDeliveries(rig.database, rig.clock, sender, draw=lambda: 0.5)
    rig.deliver(deliveries)
    assert mail.tries == 1
    rig.clock.advance(HOUR.total_seconds())
    rig.deliver(deliveries)
    assert mail.tries == 2
