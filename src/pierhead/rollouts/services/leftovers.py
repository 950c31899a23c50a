"""Observations that nobody reads any more, and answers that readings of rollouts that are over still hold."""

import json
from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from pierhead.kit.db import Database
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.services.observations import Observations
from pierhead.rollouts.store.abtests import ABTestStore
from pierhead.rollouts.store.rollouts import ReadingStore, RolloutStore


class Leftovers:
    """Deletes what gateways wrote for rollouts and A/B tests that are over."""

    def __init__(self, database: Database, observations: Observations) -> None:
        self._database = database
        self._observations = observations

    def sweep(self) -> None:
        # In this order: what lies here already is of an observer that is in the database, unless it is over.
        lying = self._observations.observers()
        if not lying:
            return
        with self._database.reading() as connection:
            reading = set(_readers(connection))
        self._delete(lying - reading)

    def _delete(self, observers: Collection[str]) -> None:
        for observer_id in observers:
            self._close(observer_id.partition("-")[0])
            self._observations.forget(observer_id)

    def _close(self, rollout_id: str) -> None:
        """Steps that ended by themselves are closed already, not those that people ended."""
        with self._database.transaction() as connection:
            rollout = RolloutStore(connection).find(rollout_id)
            if rollout is None or rollout.state.status.is_open:
                return
            store = ReadingStore(connection)
            for step, kept in store.list_of(rollout_id).items():
                reading = Reading.from_json(json.loads(kept))
                reading.close()
                store.put(rollout_id, step, json.dumps(reading.to_json()))


def _readers(connection: Connection) -> Iterable[str]:
    yield from (rollout.observer_id for rollout in RolloutStore(connection).list_under_way())
    yield from (test.id for test in ABTestStore(connection).list_running())
