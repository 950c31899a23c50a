"""The tables that a monitor writes belong to whoever made the monitor."""

from datetime import datetime, timedelta

import structlog

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.tables import Tables
from pierhead.kit.audit_context import acting
from pierhead.kit.db import Database
from pierhead.kit.errors import PierheadError
from pierhead.kit.names import FullName
from pierhead.monitoring.store.monitors import MonitorStore

_AGAIN_AFTER = timedelta(minutes=10)

log = structlog.get_logger()


class MetricTableOwners:
    """A step of the controller's loop: a table can only be given to somebody when its first rows are there."""

    def __init__(self, database: Database, grounds: Grounds) -> None:
        self._database = database
        self._grounds = grounds
        self._done: set[FullName] = set()
        self._failed_at: dict[FullName, datetime] = {}

    def tick(self) -> None:
        """What has an owner keeps it; what nobody can own stays without, as any table that lies in its folder, until
        somebody can: it is tried again every ten minutes."""
        for name, owner in self._ownerless():
            params = {"table": str(name), "owner": owner}
            try:
                with acting("controller", "monitors/own_tables", params), self._database.transaction() as connection:
                    Tables(connection, self._grounds).set_owner(name, owner, by=owner)
            except PierheadError as error:
                log.warning("a metric table has no owner", table=str(name), owner=owner, error=error.message)
                self._failed_at[name] = self._grounds.clock.now()
            else:
                self._failed_at.pop(name, None)
                self._done.add(name)

    def _ownerless(self) -> list[tuple[FullName, str]]:
        found = []
        with self._database.reading() as connection:
            tables = Tables(connection, self._grounds)
            for monitor in MonitorStore(connection).list():
                for name in map(FullName.parse, (monitor.profile_table, monitor.drift_table)):
                    table = None if name in self._done or self._waits(name) else tables.find(name)
                    if table is None:
                        continue
                    if table.owner is None:
                        found.append((name, monitor.created_by))
                    else:
                        self._done.add(name)
        return found

    def _waits(self, name: FullName) -> bool:
        failed_at = self._failed_at.get(name)
        return failed_at is not None and abs(self._grounds.clock.now() - failed_at) < _AGAIN_AFTER
