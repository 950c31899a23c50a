"""The end of a rollout that was decided: its config is active."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.rollouts.domain import states
from pierhead.rollouts.domain.records import Canaried
from pierhead.rollouts.domain.rollouts import Look, Rollout
from pierhead.rollouts.domain.states import Status
from pierhead.rollouts.ports import Evidence
from pierhead.rollouts.services.evidence import tell_promotion
from pierhead.rollouts.store.guard import CanariedStore
from pierhead.rollouts.store.rollouts import LookStore, RolloutStore


class Arrivals:
    """`serving.services.reconciler.Activated`: ends the rollout in the transaction that makes its config active.

    Whoever sees the one can begin the next at once.
    """

    def __init__(self, clock: Clock, evidence: Evidence) -> None:
        self._clock = clock
        self._evidence = evidence

    def __call__(self, connection: Connection, endpoint_id: str) -> None:
        store = RolloutStore(connection)
        rollout = store.find_under_way(endpoint_id)
        if rollout is None or rollout.state.status is not Status.PROMOTING:
            return
        now = self._clock.now()
        after = replace(rollout, state=states.arrive(rollout.state, now), ended_at=now)
        if store.put(after):
            looks, state = LookStore(connection), after.state
            looks.add(after.id, Look(0, now, state.step, state.status.value, "endpoint", state.reason, ()))
            prove(connection, self._evidence, after, now)


def prove(connection: Connection, evidence: Evidence, rollout: Rollout, now: datetime) -> None:
    """Write down what a rollout that is promoted, and live, says of its version; nothing if its plan proves nothing."""
    if not rollout.state.is_proof or rollout.spec.is_open_ended:
        return
    tell_promotion(connection, evidence, rollout, LookStore(connection).list_newest(rollout.id, 5), now)
    found = rollout.candidate
    CanariedStore(connection).add(
        Canaried(rollout.endpoint_id, found.model_name, found.model_version, found.digest, rollout.id, now)
    )
