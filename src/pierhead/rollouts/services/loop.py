"""The loop that judges rollouts: read what gateways saw, decide, write everything down at once, steer the traffic."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from pierhead.kit.audit_context import acting, note
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import Conflict, NotFound
from pierhead.kit.failures import Failures
from pierhead.rollouts.domain.gates.results import Facts
from pierhead.rollouts.domain.readings import Reading, begin_reading, since_ms_of
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.domain.states import seen_at
from pierhead.rollouts.ports import Alerts, Engines, Evidence, Labels
from pierhead.rollouts.services.arriving import prove
from pierhead.rollouts.services.evidence import tell_breakdown, tell_evidence
from pierhead.rollouts.services.folding import fold
from pierhead.rollouts.services.judging import Change, LastLook, Seen, judge
from pierhead.rollouts.services.observations import Observations
from pierhead.rollouts.services.rollouts import leave, steer
from pierhead.rollouts.store.positions import PositionStore
from pierhead.rollouts.store.rollouts import LookStore, ReadingStore, RolloutStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.table_tags import table_policy
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.store.endpoints import EndpointStore

log = structlog.get_logger()

_TICK_BYTES = 8 * 1024 * 1024
"""Observations that a tick reads for one rollout: more waits for the next tick."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the loop works with. `nudge` has the reconciler look at once at what was committed."""

    endpoints: Callable[[Connection], Endpoints]
    observations: Observations
    labels: Labels
    alerts: Alerts
    evidence: Evidence
    engines: Engines
    why_not_promote: Callable[[Connection, Endpoint, Rollout], str]
    nudge: Callable[[], object]


class RolloutLoop:
    """One per controller. Its memory can be lost: what was read and decided is in the database, each once."""

    def __init__(self, database: Database, clock: Clock, surroundings: Surroundings) -> None:
        self._database = database
        self._clock = clock
        self._around = surroundings
        self._last_looks: dict[str, LastLook] = {}
        self._failing = Failures[str]()

    def tick(self) -> None:
        """One look at each open rollout; one that fails does not hold up the others."""
        with self._database.reading() as connection:
            rollouts = RolloutStore(connection).list_under_way()
        for rollout in rollouts:
            self._try(rollout.id)
        known = {rollout.id for rollout in rollouts}
        self._failing.keep(known)
        for gone in self._last_looks.keys() - known:
            del self._last_looks[gone]

    def _try(self, rollout_id: str) -> None:
        try:
            self._step(rollout_id, self._clock.now())
            self._failing.end(rollout_id)
        except (Conflict, NotFound) as error:
            # Somebody was faster: the next tick sees what they did.
            log.info("rollout is looked at again", rollout=rollout_id, reason=str(error))
        except Exception as error:
            if self._failing.is_news(rollout_id, error):
                log.exception("a look at a rollout failed, will try again", rollout=rollout_id)

    def _step(self, rollout_id: str, now: datetime) -> None:
        seen = self._see(rollout_id, now)
        if seen is None:
            return
        if seen.is_to_read(now):
            seen = self._read(seen, now)
        change = judge(seen, self._last_looks[rollout_id], now)
        if change is None:
            return
        with _recorded(change):
            is_told = self._write(change, now)
        if is_told:
            self._around.nudge()
        if change.look is not None:
            self._last_looks[rollout_id] = LastLook(now, change.look.rule)
        if change.is_turn:
            state = change.after.state
            log.info("rollout", rollout=rollout_id, status=state.status.value, step=state.step, reason=state.reason)

    def _see(self, rollout_id: str, now: datetime) -> Seen | None:
        with self._database.reading() as connection:
            rollout = RolloutStore(connection).find(rollout_id)
            if rollout is None or not rollout.state.status.is_open:
                return None
            if rollout_id not in self._last_looks:
                last = LookStore(connection).find_last(rollout_id)
                self._last_looks[rollout_id] = LastLook(last.at, last.rule) if last else LastLook(now)
            endpoint = EndpointStore(connection).find_by_id(rollout.endpoint_id)
            return Seen(
                rollout,
                endpoint,
                reading_of(connection, rollout),
                PositionStore(connection).of(rollout.observer_id),
                facts_of(connection, rollout, self._around.labels, self._around.alerts),
                is_settled=rollout.ready_at is not None
                or self._around.engines.are_settled(connection, rollout.candidate, now),
                hindrance="" if endpoint is None else self._around.why_not_promote(connection, endpoint, rollout),
            )

    def _read(self, seen: Seen, now: datetime) -> Seen:
        rollout, endpoint, observations = seen.rollout, seen.endpoint, self._around.observations
        assert endpoint is not None, "a rollout without its endpoint reads nothing"
        # The positions are in the database, so what lies before them was counted.
        observations.release(rollout.observer_id, seen.positions)
        batch = observations.read(rollout.observer_id, seen.positions, _TICK_BYTES)
        seen.reading.begin_at(since_ms_of(rollout.spec, seen_at(rollout.state, now)))
        if seen.is_to_count:
            fold(seen.reading, batch.records, table_policy(endpoint.tags).masks)
        has_read = batch.positions != seen.positions
        return replace(seen, positions=batch.positions, has_read=has_read, has_backlog=not batch.is_all)

    def _write(self, change: Change, now: datetime) -> bool:
        """Everything that comes of a look, or nothing; whether gateways have to be told.

        Raises Conflict or NotFound if the rollout or its endpoint changed meanwhile.
        """
        after, is_told = change.after, False
        with self._database.transaction() as connection:
            endpoints = self._around.endpoints(connection)
            if not change.is_lost:
                # In the order in which the API locks them: the endpoint first.
                endpoints.get_locked(after.endpoint_name)
            if not RolloutStore(connection).put(after):
                raise Conflict(f"rollout {after.id} was changed meanwhile")
            self._keep(connection, change)
            if change.decision is not None and change.is_evidence:
                tell_evidence(connection, self._around.evidence, change.before, change.decision, now)
            prove(connection, self._around.evidence, after, now)
            if change.has_broken:
                tell_breakdown(connection, self._around.evidence, change.before, after.state.reason, now)
            if not change.is_lost:
                is_told = steer(endpoints, after)
            if not after.state.status.is_judged:
                leave(connection, endpoints, after)
        return is_told

    def _keep(self, connection: Connection, change: Change) -> None:
        before, after = change.before, change.after
        if change.reading is not None:
            kept = json.dumps(change.reading.to_json())
            ReadingStore(connection).put(after.id, before.state.step, kept)
        if change.positions is not None:
            PositionStore(connection).put(after.observer_id, change.positions)
        if change.look is not None:
            LookStore(connection).add(after.id, change.look)


def reading_of(connection: Connection, rollout: Rollout) -> Reading:
    """What was counted in the rollout's current step."""
    kept = ReadingStore(connection).find(rollout.id, rollout.state.step)
    if kept is None:
        return begin_reading(rollout.spec, rollout.state)
    return Reading.from_json(json.loads(kept))


def facts_of(connection: Connection, rollout: Rollout, labels: Labels, alerts: Alerts) -> Facts:
    """What no observation tells of the rollout's current step."""
    return Facts(tuple(labels.cohorts(connection, rollout)), tuple(alerts.open_alerts(connection, rollout)))


@contextmanager
def _recorded(change: Change) -> Iterator[None]:
    """What changes something is on the audit trail; that somebody looked is not."""
    look, rollout = change.look, change.after
    if look is None or not change.is_turn:
        yield
        return
    with acting("controller", f"rollouts/{look.outcome}", {"id": rollout.id}):
        note(
            object=f"rollout {rollout.id}",
            endpoint=rollout.endpoint_name,
            candidate=str(rollout.candidate),
            decision=look.outcome,
            before=change.before.state.status.value,
            after=rollout.state.status.value,
            reason=look.reason,
            candidate_digest=rollout.candidate.digest,
        )
        yield
