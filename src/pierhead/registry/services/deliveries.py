"""Bringing events to webhooks: at least once, to each in the order in which they happened."""

import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from pierhead.kit.audit_context import acting
from pierhead.kit.clock import Clock, monotonic_s
from pierhead.kit.db import Database
from pierhead.registry.domain.backoff import is_lasting, next_try
from pierhead.registry.domain.webhooks import Delivery, Trouble, Webhook, WebhookStatus
from pierhead.registry.ports import Reply, Unreached
from pierhead.registry.services.events import is_spread_due, spread
from pierhead.registry.services.webhook_sender import WebhookSender
from pierhead.registry.store.webhook_deliveries import DeliveryStore
from pierhead.registry.store.webhooks import WebhookStore

KEPT = timedelta(days=7)

_EVENTS_AT_ONCE = 200
_THREADS = 16
_IN_A_ROW = 50
_TIDY_EVERY = timedelta(hours=1)
_GONE = 410

log = structlog.get_logger()


class Deliveries:
    """One per platform. A try is sent first and noted afterwards: who is killed in between sends the same bytes again
    under the same delivery id, and loses none.

    Each webhook has a thread of its own while something is sent to it; those that failed the last time get at most
    half of the threads, so that they never hold back the others. `draw` gives numbers in [0, 1).
    """

    def __init__(
        self, database: Database, clock: Clock, sender: WebhookSender, *, draw: Callable[[], float] = random.random
    ) -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        self._draw = draw
        self._under_way: dict[str, tuple[threading.Thread, bool]] = {}
        self._stop = threading.Event()
        self._tidied: datetime | None = None

    def tick(self) -> None:
        """Spread new events, and begin to send what is due; does not wait for receivers."""
        self._spread()
        self._begin_due()
        now = self._clock.now()
        if self._tidied is None or now - self._tidied >= _TIDY_EVERY:
            self._tidy(now)
            self._tidied = now

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing is under way any more; whether that was in time."""
        until_s = monotonic_s() + timeout_s
        for thread, _ in list(self._under_way.values()):
            thread.join(max(0.0, until_s - monotonic_s()))
        return not any(thread.is_alive() for thread, _ in self._under_way.values())

    def stop(self, timeout_s: float = 5.0) -> None:
        """Begin nothing more, and wait a while for what is under way."""
        self._stop.set()
        self.settle(timeout_s)

    def _spread(self) -> None:
        while not self._stop.is_set():
            with self._database.reading() as connection:
                if not is_spread_due(connection):
                    return
            with self._database.transaction() as connection:
                spread(connection, _EVENTS_AT_ONCE)

    def _begin_due(self) -> None:
        self._under_way = {id: each for id, each in self._under_way.items() if each[0].is_alive()}
        with self._database.reading() as connection:
            due = WebhookStore(connection).due(self._clock.now())
        for webhook_id, failures in due:
            if webhook_id in self._under_way or self._stop.is_set():
                continue
            failing = sum(is_failing for _, is_failing in self._under_way.values())
            if len(self._under_way) >= _THREADS or (failures and failing >= _THREADS // 2):
                return
            # A daemon: a receiver that hangs shall not keep the process.
            thread = threading.Thread(target=self._send_all, args=(webhook_id,), name="webhook", daemon=True)
            self._under_way[webhook_id] = (thread, failures > 0)
            thread.start()

    def _send_all(self, webhook_id: str) -> None:
        """Send what waits for one webhook, in order, until something fails."""
        try:
            for _ in range(_IN_A_ROW):
                if self._stop.is_set() or not self._send_next(webhook_id):
                    return
        except SQLAlchemyError:
            # The next tick tries again.
            log.exception("a delivery could not be noted", webhook=webhook_id)

    def _send_next(self, webhook_id: str) -> bool:
        """Whether there was something, and it was delivered."""
        with self._database.reading() as connection:
            webhook = WebhookStore(connection).find_any(webhook_id)
            delivery = DeliveryStore(connection).find_first(webhook_id)
        if webhook is None or delivery is None or webhook.status is not WebhookStatus.ACTIVE:
            return False
        outcome = self._sender.send(webhook.destination, delivery)
        if is_delivered(outcome):
            self._note_delivered(webhook, delivery, outcome)
            return True
        self._note_failed(webhook, delivery, outcome)
        return False

    def _note_delivered(self, webhook: Webhook, delivery: Delivery, outcome: Reply | Unreached) -> None:
        with self._database.transaction() as connection:
            store = WebhookStore(connection)
            if webhook.trouble != Trouble() and store.find_locked(webhook.id) == webhook:
                store.set_trouble(webhook.id, Trouble())
            DeliveryStore(connection).set_tried(delivery.id, words_of(outcome), self._clock.now(), delivered=True)

    def _note_failed(self, webhook: Webhook, delivery: Delivery, outcome: Reply | Unreached) -> None:
        now = self._clock.now()
        trouble = worse(webhook.trouble, outcome, now, self._draw())
        with _on_record(webhook, trouble), self._database.transaction() as connection:
            store = WebhookStore(connection)
            # Whoever changed it in the meantime wants it tried anew.
            if store.find_locked(webhook.id) == webhook:
                store.set_trouble(webhook.id, trouble)
                if trouble.disabled_because is not None:
                    store.set_status(webhook.id, WebhookStatus.DISABLED, now)
                    log.warning("webhook disabled", webhook=webhook.id, reason=trouble.disabled_because)
            DeliveryStore(connection).set_tried(delivery.id, words_of(outcome), now, delivered=False)

    def _tidy(self, now: datetime) -> None:
        with self._database.reading() as connection:
            orphans = WebhookStore(connection).list_orphans()
        # What happened to their models before is spread by now, if it is not yet: it is still told.
        self._spread()
        with self._database.transaction() as connection:
            deliveries = DeliveryStore(connection)
            deliveries.delete_delivered(now - KEPT)
            deliveries.delete_held(now - KEPT)
            WebhookStore(connection).delete_idle(orphans)


def _on_record(webhook: Webhook, trouble: Trouble) -> AbstractContextManager[object]:
    """That the platform disables a webhook is on the audit trail; a try that failed is not."""
    if trouble.disabled_because is None:
        return nullcontext()
    return acting("controller", "disable webhook", {"id": webhook.id, "reason": trouble.disabled_because})


def is_delivered(outcome: Reply | Unreached) -> bool:
    """Whether the receiver took it: any 2xx."""
    return isinstance(outcome, Reply) and 200 <= outcome.status < 300


def worse(trouble: Trouble, outcome: Reply | Unreached, now: datetime, draw: float) -> Trouble:
    """How a webhook fares after one more failure, and whether it is to be disabled."""
    failures, since = trouble.failures + 1, trouble.since or now
    failed = Trouble(failures, since, next_try(failures, now, draw))
    if isinstance(outcome, Reply) and outcome.status == _GONE:
        return replace(failed, disabled_because="the receiver answered 410: it does not want to hear of this any more")
    if is_lasting(failures, since, now):
        reason = f"{failures} tries failed since {since:%Y-%m-%d %H:%M} UTC; the last: {words_of(outcome)}"
        return replace(failed, disabled_because=reason)
    return failed


def words_of(outcome: Reply | Unreached) -> str:
    """What came of a try, for people."""
    match outcome:
        case Reply(status) if 300 <= status < 400:
            return f"status {status}: redirects are not followed"
        case Reply(status):
            return f"status {status}"
        case Unreached(reason):
            return reason
