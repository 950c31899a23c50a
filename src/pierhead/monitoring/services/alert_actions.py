"""What alerts do to the platform, each once, and each on the audit trail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from pierhead.kit.audit_context import acting, note
from pierhead.kit.db import Database
from pierhead.kit.errors import Conflict, InvalidState, NotFound
from pierhead.kit.failures import Failures
from pierhead.kit.ids import new_id
from pierhead.monitoring.domain.alert_records import AlertEvent, AskedAction, Freeze
from pierhead.monitoring.domain.alert_rules import ActionKind
from pierhead.monitoring.ports import Promotions, RolloutControl
from pierhead.monitoring.store.alert_outbox import ActionStore, DeliveryStore, FreezeStore
from pierhead.monitoring.store.alerts import AlertStore, EventStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointStore

KEPT = timedelta(days=7)

_AT_ONCE = 100
_CHECK = "no_open_alert"
_FREEZE_EVERY = timedelta(seconds=5)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Controls:
    """What actions act on."""

    promotions: Promotions
    rollouts: RolloutControl


class AlertActions:
    """An action and the note that it is done are one transaction: who is killed in between does it again, or it was
    done."""

    def __init__(self, database: Database, controls: Controls) -> None:
        self._database = database
        self._controls = controls
        self._frozen_at: datetime | None = None
        self._failing = Failures[int | str]()

    def tick(self, now: datetime) -> None:
        """Do what was asked for, and keep the gate's evidence as the open alerts say."""
        with self._database.reading() as connection:
            # Those that fail do not take the places of those behind them.
            asked = ActionStore(connection).list_open(_AT_ONCE + len(self._failing))
            freezes = FreezeStore(connection).list_all()
        for action in asked:
            self._apart(action.position, action.kind.value, partial(self._act, action, now))
        is_time = self._frozen_at is None or abs(now - self._frozen_at) >= _FREEZE_EVERY
        if freezes and is_time:
            self._frozen_at = now
            self._keep_frozen(freezes, now)
        self._failing.keep({each.position for each in asked} | {each.model_name for each in freezes})

    def tidy(self, connection: Connection, now: datetime) -> None:
        """Forget what is over for a week."""
        ActionStore(connection).delete_done(now - KEPT)
        DeliveryStore(connection).delete_ended(now - KEPT)

    def _apart(self, key: int | str, action: str, act: Callable[[], None]) -> None:
        """What fails is tried again at the next tick, and does not hold up the others."""
        try:
            act()
            self._failing.end(key)
        except Conflict as error:
            # Somebody was faster: the next tick sees what they did.
            log.info("alert tries again to act", action=action, reason=error.message)
        except Exception as error:
            if self._failing.is_news(key, error):
                log.exception("an alert could not act, will try again", action=action)

    def _act(self, asked: AskedAction, now: datetime) -> None:
        params = {"alert": asked.fingerprint, "endpoint_id": asked.endpoint_id}
        with acting("controller", f"alerts/{asked.kind.value}", params), self._database.transaction() as connection:
            outcome = self._do(connection, asked, now)
            ActionStore(connection).set_done(asked.position, outcome, now)
            event = AlertEvent(
                new_id(), asked.fingerprint, asked.rule_id, now, asked.kind.value.upper(), outcome, {}, "controller"
            )
            EventStore(connection).add(event)
            note(object=f"alert {asked.fingerprint}", decision=asked.kind.value, after=outcome, reason=asked.reason)
        log.warning("alert acts", action=asked.kind.value, alert=asked.fingerprint, outcome=outcome)

    def _do(self, connection: Connection, asked: AskedAction, now: datetime) -> str:
        endpoint = EndpointStore(connection).find_by_id(asked.endpoint_id)
        if endpoint is None:
            return "the endpoint is gone"
        match asked.kind:
            case ActionKind.FREEZE_PROMOTIONS:
                return self._freeze(connection, endpoint, asked, now)
            case ActionKind.HOLD_ROLLOUT:
                return _tried(lambda: self._controls.rollouts.hold(connection, endpoint.name, asked.reason))
            case ActionKind.ROLL_BACK_ROLLOUT:
                return _tried(lambda: self._controls.rollouts.roll_back(connection, endpoint.name, asked.reason))
            case _:
                return f"{asked.kind.value} is not done here"

    def _freeze(self, connection: Connection, endpoint: Endpoint, asked: AskedAction, now: datetime) -> str:
        models = models_of(endpoint)
        for model in models:
            FreezeStore(connection).put(Freeze(asked.fingerprint, model, asked.reason, now))
            self._controls.promotions.freeze(connection, model, asked.reason, now)
        return f"promotions of {', '.join(models) or 'no model'} are frozen where the policy asks for {_CHECK!r}"

    def _keep_frozen(self, freezes: list[Freeze], now: datetime) -> None:
        """New versions are frozen like the others, and a model thaws with the last alert that froze it."""
        with self._database.reading() as connection:
            store = AlertStore(connection)
            is_open = {
                each.fingerprint: (found := store.find(each.fingerprint)) is not None and found.state.is_open
                for each in freezes
            }
        still = {each.model_name: each for each in freezes if is_open[each.fingerprint]}
        for model in sorted({each.model_name for each in freezes}):
            over = [each.fingerprint for each in freezes if each.model_name == model and not is_open[each.fingerprint]]
            act = (
                partial(self._freeze_more, still[model], over, now)
                if model in still
                else partial(self._thaw, model, over, now)
            )
            self._apart(model, "keep_frozen", act)

    def _freeze_more(self, freeze: Freeze, over: list[str], now: datetime) -> None:
        with self._database.transaction() as connection:
            FreezeStore(connection).delete(over, freeze.model_name)
            self._controls.promotions.freeze(connection, freeze.model_name, freeze.message, now)

    def _thaw(self, model: str, over: list[str], now: datetime) -> None:
        with (
            acting("controller", "alerts/thaw_promotions", {"model": model}),
            self._database.transaction() as connection,
        ):
            FreezeStore(connection).delete(over, model)
            self._controls.promotions.thaw(connection, model, now)
            note(object=model, decision="thaw_promotions")


def models_of(endpoint: Endpoint) -> list[str]:
    """The models that an endpoint serves now."""
    entities = endpoint.active.entities if endpoint.active else ()
    return sorted({entity.model_name for entity in entities})


def _tried(act: Callable[[], str]) -> str:
    try:
        return act()
    except (NotFound, InvalidState) as error:
        return f"not done: {error.message}"
