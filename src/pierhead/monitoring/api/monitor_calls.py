"""What every door to monitors does alike: who may, and what is looked at before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.services.grounds import Grounds
from pierhead.kit.db import Database
from pierhead.kit.errors import AlreadyExists
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call
from pierhead.monitoring.api.monitor_rights import MonitorRights
from pierhead.monitoring.domain.monitors import Monitor, MonitorDraft
from pierhead.monitoring.services.monitor_definitions import CheckedDraft
from pierhead.monitoring.services.monitors import Monitors


@dataclass(frozen=True, slots=True)
class MonitorCalls:
    """`monitors` gives the service within a transaction; `check` looks at the tables that a draft names, outside."""

    database: Database
    grounds: Grounds
    monitors: Callable[[Connection], Monitors]
    check: Callable[[MonitorDraft], CheckedDraft]

    def rights(self, call: Call, connection: Connection) -> MonitorRights:
        return MonitorRights(connection, call.caller, self.grounds)

    def create(self, call: Call, table: FullName, read: Callable[[], MonitorDraft]) -> Monitor:
        """Raises NotFound, PermissionDenied, AlreadyExists, or InvalidArgument with everything that is wrong."""
        with self.database.reading() as connection:
            rights = self.rights(call, connection)
            rights.require_change(table)
            if self.monitors(connection).find(str(table)) is not None:
                raise AlreadyExists(f"table '{table}' has a monitor already")
            draft = read()
            rights.require_output(SchemaName.parse(draft.output_schema))
            if draft.baseline_table is not None:
                rights.require_baseline(FullName.parse(draft.baseline_table))
        checked = self.check(draft)
        with self.database.transaction() as connection:
            return self.monitors(connection).create(checked, by=call.caller.user_name)

    def update(self, call: Call, table: FullName, read: Callable[[Monitor], MonitorDraft]) -> Monitor:
        """As `create`; what stays as it is needs no new right."""
        with self.database.reading() as connection:
            rights = self.rights(call, connection)
            rights.require_change(table)
            before = self.monitors(connection).get(str(table))
            draft = read(before)
            if draft.output_schema != before.output_schema:
                rights.require_output(SchemaName.parse(draft.output_schema))
            old = None if before.baseline is None else before.baseline.table
            if draft.baseline_table is not None and draft.baseline_table != old:
                rights.require_baseline(FullName.parse(draft.baseline_table))
        checked = self.check(draft)
        with self.database.transaction() as connection:
            return self.monitors(connection).update(before.table, checked)
