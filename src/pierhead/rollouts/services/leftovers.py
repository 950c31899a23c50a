"""Observations that nobody reads any more."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from pierhead.kit.db import Database
from pierhead.rollouts.services.observations import Observations
from pierhead.rollouts.store.abtests import ABTestStore
from pierhead.rollouts.store.rollouts import RolloutStore


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
            self._observations.forget(observer_id)


def _readers(connection: Connection) -> Iterable[str]:
    yield from (rollout.observer_id for rollout in RolloutStore(connection).list_under_way())
    yield from (test.id for test in ABTestStore(connection).list_running())
