"""`/2.0/pierhead/rollouts*`: rollouts, and beside them the guard's policies and A/B tests."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call, Handler, PlainHandler, Routes
from pierhead.rollouts.api import wire
from pierhead.rollouts.api.abtests import ABTestCalls
from pierhead.rollouts.api.policies import PolicyCalls
from pierhead.rollouts.api.read import Start, read_reason, read_start
from pierhead.rollouts.api.rights import Readable, may, require, require_of
from pierhead.rollouts.domain.comparisons import comparison_of
from pierhead.rollouts.domain.decisions import decide
from pierhead.rollouts.domain.drafting import draft_with
from pierhead.rollouts.domain.proofs import Worth
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.domain.specs import RolloutSpec
from pierhead.rollouts.ports import Alerts, Labels, Outcomes
from pierhead.rollouts.services.guard import Guard
from pierhead.rollouts.services.loop import facts_of, reading_of
from pierhead.rollouts.services.rollouts import Admit, Rollouts
from pierhead.rollouts.store.rollouts import ReadingStore
from pierhead.serving.api.admission import Admission
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.ports import ServingGate
from pierhead.serving.services.endpoints import Endpoints

_ROOT = "/2.0/pierhead/rollouts"
_ONE = _ROOT + "/{reference}"
_MOST_LOOKS = 500


@dataclass(frozen=True, slots=True)
class RolloutDoors:
    """What the calls work with. `nudge` has the reconciler look at once at what was committed."""

    database: Database
    clock: Clock
    endpoints: Callable[[Connection], Endpoints]
    gate: ServingGate
    guard: Guard
    labels: Labels
    alerts: Alerts
    outcomes: Outcomes
    nudge: Callable[[], object]


def add_routes(routes: Routes, doors: RolloutDoors) -> None:
    calls = RolloutCalls(doors)
    routes.add_plain("POST", _ROOT, calls.committed(calls.start))
    routes.add("GET", _ROOT, calls.list)
    routes.add("GET", _ONE, calls.get)
    routes.add("GET", _ONE + "/decisions", calls.decisions)
    routes.add("GET", _ONE + "/comparison", calls.comparison)
    for action in ("pause", "resume", "abort"):
        routes.add_plain("POST", f"{_ONE}/{action}", calls.committed(calls.acting(action)))
    routes.add_plain("POST", _ONE + "/promote", calls.committed(calls.promote))
    routes.add_plain("POST", _ONE + "/retry", calls.committed(calls.retry))
    PolicyCalls(doors.clock, doors.endpoints, doors.guard).add_routes(routes)
    ABTestCalls(doors.clock, doors.endpoints, doors.outcomes).add_routes(routes)


class RolloutCalls:
    """Handlers: who may see the endpoint may read, who may manage it may act."""

    def __init__(self, doors: RolloutDoors) -> None:
        self._doors = doors
        self._clock = doors.clock
        # Without the guard, which vets rollouts in another way than configs.
        self._admission = Admission(doors.clock, doors.gate, None)

    def committed(self, handler: Handler) -> PlainHandler:
        """The handler in a transaction of its own, after which gateways hear of it at once."""

        def run(call: Call) -> Any:
            with self._doors.database.transaction() as connection:
                answer = handler(call, connection)
            self._doors.nudge()
            return answer

        return run

    def start(self, call: Call, connection: Connection) -> dict[str, Any]:
        asked = read_start(call)
        endpoint = self._doors.endpoints(connection).get_locked(asked.endpoint)
        require(call, connection, Action.MANAGE, endpoint)
        rollout = self._rollouts(connection).start(
            endpoint.name,
            _draft(asked, endpoint),
            asked.spec,
            creator=call.caller.user_name,
            admit=self._admit(call, connection),
        )
        return {"rollout": wire.rollout_json(rollout)}

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        readable = Readable(connection, call)
        found = self._rollouts(connection).list_newest(call.find_text("endpoint"))
        return {"rollouts": [wire.rollout_json(rollout) for rollout in found if rollout.endpoint_id in readable]}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        rollout, now = self._find(call, connection, Action.READ), self._clock.now()
        reading = reading_of(connection, rollout)
        is_judged = rollout.state.status.is_judged and rollout.ready_at is not None
        facts = facts_of(connection, rollout, self._doors.labels, self._doors.alerts)
        decision = decide(rollout.spec, rollout.state, reading, facts, now) if is_judged else None
        last = next(iter(self._rollouts(connection).looks(rollout, 1)), None)
        return {
            "rollout": wire.rollout_json(rollout) | {"spec": rollout.spec_text},
            "progress": wire.progress_json(rollout, decision, comparison_of(reading), now),
            "last_decision": None if last is None else wire.look_json(last),
        }

    def decisions(self, call: Call, connection: Connection) -> dict[str, Any]:
        rollout = self._find(call, connection, Action.READ)
        most = call.number("max_results", _MOST_LOOKS)
        if not 1 <= most <= _MOST_LOOKS:
            raise InvalidArgument(f"`max_results` must be from 1 to {_MOST_LOOKS}, not {most}")
        looks = self._rollouts(connection).looks(rollout, most)
        return {"rollout": wire.rollout_json(rollout), "decisions": [wire.look_json(look) for look in looks]}

    def comparison(self, call: Call, connection: Connection) -> dict[str, Any]:
        rollout = self._find(call, connection, Action.READ)
        kept = ReadingStore(connection).list_of(rollout.id)
        readings = [(step, Reading.from_json(json.loads(text))) for step, text in kept.items()]
        # Pieces of people's requests are for those who answer for the endpoint.
        sees_excerpts = may(call, connection, Action.MANAGE, rollout.endpoint_id)
        return wire.comparison_json(
            rollout,
            [(step, comparison_of(each), each.most_different() if sees_excerpts else ()) for step, each in readings],
        )

    def acting(self, action: str) -> Handler:
        def act(call: Call, connection: Connection) -> dict[str, Any]:
            rollout = self._find(call, connection, Action.MANAGE)
            change = getattr(self._rollouts(connection), action)
            reason = read_reason(call)
            return {"rollout": wire.rollout_json(change(rollout.id, by=call.caller.user_name, reason=reason))}

        return act

    def promote(self, call: Call, connection: Connection) -> dict[str, Any]:
        rollout = self._find(call, connection, Action.MANAGE)
        promoted = self._rollouts(connection).promote(
            rollout.id,
            by=call.caller.user_name,
            reason=read_reason(call),
            permit=lambda endpoint: self._doors.guard.judge_promotion(connection, call.caller, endpoint),
        )
        return {"rollout": wire.rollout_json(promoted)}

    def retry(self, call: Call, connection: Connection) -> dict[str, Any]:
        rollout = self._find(call, connection, Action.MANAGE)
        again = self._rollouts(connection).retry(
            rollout.id,
            by=call.caller.user_name,
            reason=read_reason(call),
            admit=self._admit(call, connection),
        )
        return {"rollout": wire.rollout_json(again)}

    def _find(self, call: Call, connection: Connection, action: Action) -> Rollout:
        rollout = self._rollouts(connection).get(call.text("reference"))
        require_of(call, connection, action, rollout.endpoint_id)
        return rollout

    def _admit(self, call: Call, connection: Connection) -> Admit:
        """As an official update of the config, if it is a new one, and then as a rollout."""

        def admit(before: Endpoint, after: Endpoint, spec: RolloutSpec) -> Worth:
            if before.newest.version != after.newest.version:
                self._admission.admit(connection, call.caller, before, after)
            return self._doors.guard.vet(connection, call.caller, before, after, spec)

        return admit

    def _rollouts(self, connection: Connection) -> Rollouts:
        return Rollouts(connection, self._clock, self._doors.endpoints(connection))


def _draft(asked: Start, endpoint: Endpoint) -> ConfigDraft | None:
    if asked.config is not None:
        return asked.config
    if asked.entity is not None:
        if endpoint.active is None:
            raise InvalidArgument(
                f"nothing is live at endpoint {endpoint.name!r} yet, so there is nothing to compare with: its first "
                "config goes live as soon as it is ready"
            )
        return draft_with(endpoint.name, endpoint.active, asked.entity, asked.replaces)
    if endpoint.pending is None:
        raise InvalidArgument(
            f"say what to roll out to endpoint {endpoint.name!r}: `entity`, the version, or a whole `config`; without "
            "them it is the config that waits to become active, and none does"
        )
    return None
