"""Bringing messages of alerts to their destinations: at least once, to each in the order in which they were written."""

import base64
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from pierhead import __version__
from pierhead.kit.clock import Clock, monotonic_s
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState
from pierhead.kit.sealing import Seal
from pierhead.monitoring.domain.alert_records import Delivery
from pierhead.monitoring.domain.destinations import Destination, DestinationKind
from pierhead.monitoring.ports import Mail
from pierhead.monitoring.store.alert_outbox import DeliveryStore, DestinationStore
from pierhead.registry.domain.backoff import is_lasting, next_try
from pierhead.registry.ports import Deliverer, Post, Reply
from pierhead.registry.services.deliveries import is_delivered, words_of
from pierhead.registry.services.webhook_sender import DELIVERY_HEADER, SIGNATURE_HEADER, signature

_PURPOSE = "alert destinations"
_THREADS = 8

log = structlog.get_logger()


def destination_seal(key: bytes) -> Seal:
    """Under `key`, the home's secret key, what destinations must be told and nobody may read."""
    return Seal(key, _PURPOSE)


@dataclass(frozen=True, slots=True)
class AlertSender:
    """One try to tell a destination something."""

    seal: Seal
    deliverer: Deliverer
    mail: Mail

    def send(self, destination: Destination, delivery: Delivery) -> tuple[bool, str]:
        """Whether it was taken, and what came of it in words. Waits, so never within a transaction."""
        if destination.kind is DestinationKind.EMAIL:
            refusal = self.mail.send(delivery.id, destination.addresses, delivery.subject, delivery.body)
            return refusal is None, refusal or "sent"
        body = delivery.body.encode()
        try:
            headers = self._headers(destination, delivery, body)
        except InvalidState as error:
            return False, f"the destination's secrets cannot be read: {error.message}"
        outcome = self.deliverer.post(Post(destination.url, body, headers, reaches_private=True))
        if isinstance(outcome, Reply):
            return is_delivered(outcome), words_of(outcome)
        return False, words_of(outcome)

    def _headers(self, destination: Destination, delivery: Delivery, body: bytes) -> dict[str, str]:
        opened = {name: self.seal.open(sealed) for name, sealed in destination.sealed.items()}
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"pierhead/{__version__}",
            DELIVERY_HEADER: delivery.id,
        }
        if "secret" in opened:
            headers[SIGNATURE_HEADER] = signature(opened["secret"], body)
        if "username" in opened or "password" in opened:
            pair = f"{opened.get('username', '')}:{opened.get('password', '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers


class AlertDeliveries:
    """One per platform. A try is sent first and noted afterwards: who is killed in between sends the same bytes again
    under the same id, and loses none.

    Each destination has a thread of its own while something is sent to it, so that none waits for another. `draw` gives
    numbers in [0, 1).
    """

    def __init__(
        self, database: Database, clock: Clock, sender: AlertSender, *, draw: Callable[[], float] = random.random
    ) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        self._draw = draw
        self._under_way: dict[str, threading.Thread] = {}
        self._stop = threading.Event()

    def tick(self) -> None:
        """Begin to send what is due; does not wait for receivers."""
        self._under_way = {id: thread for id, thread in self._under_way.items() if thread.is_alive()}
        with self._database.reading() as connection:
            due = DeliveryStore(connection).due(self._clock.now())
        for delivery in due:
            if delivery.destination_id in self._under_way or len(self._under_way) >= _THREADS:
                continue
            # A daemon: a receiver that hangs shall not keep the process.
            thread = threading.Thread(target=self._try, args=(delivery,), name="alert", daemon=True)
            self._under_way[delivery.destination_id] = thread
            thread.start()

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing is under way any more; whether that was in time."""
        until_s = monotonic_s() + timeout_s
        for thread in list(self._under_way.values()):
            thread.join(max(0.0, until_s - monotonic_s()))
        return not any(thread.is_alive() for thread in self._under_way.values())

    def stop(self, timeout_s: float = 5.0) -> None:
        """Begin nothing more, and wait a while for what is under way."""
        self._stop.set()
        self.settle(timeout_s)

    def _try(self, delivery: Delivery) -> None:
        try:
            with self._database.reading() as connection:
                destination = DestinationStore(connection).find(delivery.destination_id)
            if destination is None or self._stop.is_set():
                return
            is_taken, outcome = self._send(destination, delivery)
            self._note(destination, delivery, outcome, is_taken=is_taken)
        except SQLAlchemyError:
            # The next tick tries again.
            log.exception("a delivery could not be noted", delivery=delivery.id)

    def _send(self, destination: Destination, delivery: Delivery) -> tuple[bool, str]:
        """What nobody foresaw is a try that failed too, so that the next one waits."""
        try:
            return self._sender.send(destination, delivery)
        except Exception as error:
            log.exception("a delivery broke", destination=destination.name, delivery=delivery.id)
            return False, f"{type(error).__name__}, which nobody foresaw; the controller's log has more"

    def _note(self, destination: Destination, delivery: Delivery, outcome: str, *, is_taken: bool) -> None:
        now = self._clock.now()
        with self._database.transaction() as connection:
            store = DeliveryStore(connection)
            if is_taken:
                store.set_delivered(delivery, outcome, now)
                return
            store.set_failed(delivery, outcome, now, _next_try(delivery, now, self._draw()))
        log.warning("alert not delivered", destination=destination.name, delivery=delivery.id, outcome=outcome)


def _next_try(delivery: Delivery, now: datetime, draw: float) -> datetime | None:
    """None if it failed for so long that what comes after it shall not wait any more."""
    failures = delivery.tries + 1
    if is_lasting(failures, delivery.first_try or now, now):
        return None
    return next_try(failures, now, draw)
