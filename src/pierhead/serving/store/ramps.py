"""Ramps of endpoints, at most one each, and who observes them."""

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from pierhead.serving.domain.ramps import Observer, Ramp
from pierhead.serving.store.tables import endpoint_observers, endpoint_ramps


class RampStore:
    """Rows of ramps and observers; never commits. Endpoints are read with them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set(self, endpoint_id: str, ramp: Ramp) -> None:
        """Instead of the one that is there, if there is one."""
        self.remove(endpoint_id)
        self._connection.execute(insert(endpoint_ramps).values(endpoint_id=endpoint_id, **asdict(ramp)))

    def remove(self, endpoint_id: str) -> None:
        self._connection.execute(delete(endpoint_ramps).where(endpoint_ramps.c.endpoint_id == endpoint_id))

    def is_ramping(self, endpoint_id: str) -> bool:
        """Whether there is a ramp that is not finished."""
        found = select(endpoint_ramps.c.is_finished).where(endpoint_ramps.c.endpoint_id == endpoint_id)
        return self._connection.scalar(found) is False

    def set_observer(self, endpoint_id: str, observer: Observer) -> None:
        """Instead of the same observer with another rate."""
        table = endpoint_observers
        own = (table.c.endpoint_id == endpoint_id, table.c.observer_id == observer.id)
        if not self._connection.execute(update(table).where(*own).values(rate=observer.rate)).rowcount:
            values = {"endpoint_id": endpoint_id, "observer_id": observer.id, "rate": observer.rate}
            self._connection.execute(insert(table).values(values))

    def remove_observer(self, endpoint_id: str, observer_id: str) -> bool:
        """Whether there was one."""
        table = endpoint_observers
        own = (table.c.endpoint_id == endpoint_id, table.c.observer_id == observer_id)
        return self._connection.execute(delete(table).where(*own)).rowcount == 1
