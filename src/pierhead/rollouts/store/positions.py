"""How far observations were read, as rows."""

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from pierhead.rollouts.store.tables import observation_positions as positions


class PositionStore:
    """Rows to offsets and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, observer_id: str) -> dict[str, int]:
        """Offsets by the name of the stream; a stream that was never read is missing."""
        query = select(positions.c.stream, positions.c.position).where(positions.c.observer_id == observer_id)
        return {row.stream: row.position for row in self._connection.execute(query)}

    def put(self, observer_id: str, offsets: Mapping[str, int]) -> None:
        """Replace all of an observer's; streams that are gone are not kept."""
        self.forget(observer_id)
        rows = [{"observer_id": observer_id, "stream": stream, "position": at} for stream, at in offsets.items()]
        if rows:
            self._connection.execute(insert(positions), rows)

    def forget(self, observer_id: str) -> None:
        self._connection.execute(delete(positions).where(positions.c.observer_id == observer_id))
