"""Who may do what to a table's monitor: it has no rights of its own.

Whoever may read the table sees its monitor; whoever manages the table changes and refreshes it. An endpoint's tables,
which nobody owns, are also managed by whoever manages the endpoint.
"""

from sqlalchemy import Connection

from pierhead.catalog.api.rights import table_asset
from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.tables import Table
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.tables import Tables
from pierhead.identity.domain.objects import Action, Kind, New, Schema
from pierhead.identity.services.access import Access
from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller
from pierhead.monitoring.services.endpoint_tables import endpoint_of
from pierhead.serving.api.guards import target_of
from pierhead.serving.store.endpoints import EndpointStore


class MonitorRights:
    """Answers for one caller, within one transaction."""

    def __init__(self, connection: Connection, caller: Caller, grounds: Grounds) -> None:
        self._access = Access(connection, caller)
        self._tables = Tables(connection, grounds)
        self._places = KnownPlaces(connection, grounds)
        self._endpoints = EndpointStore(connection)

    def sees(self, table: Table) -> bool:
        return self._access.may(Action.READ, table_asset(table)) or self._manages_endpoint(table)

    def require_view(self, name: FullName) -> Table:
        """Raises NotFound or PermissionDenied."""
        table = self._tables.get(name)
        if not self.sees(table):
            self._access.require(Action.READ, table_asset(table))
        return table

    def require_change(self, name: FullName) -> Table:
        """Raises NotFound or PermissionDenied."""
        table = self._tables.get(name)
        if not self._manages_endpoint(table):
            self._access.require(Action.READ, table_asset(table))
            self._access.require(Action.MANAGE, table_asset(table))
        return table

    def require_output(self, schema: SchemaName) -> None:
        """The right to make the tables of metrics there. Raises NotFound or PermissionDenied."""
        self._places.schema(schema)
        self._access.require(Action.CREATE, New(Kind.TABLE, "metrics", Schema(schema.catalog, schema.name)))

    def require_baseline(self, name: FullName) -> None:
        """The right to compare with its rows. Raises NotFound or PermissionDenied."""
        self._access.require(Action.READ, table_asset(self._tables.get(name)))

    def _manages_endpoint(self, table: Table) -> bool:
        if table.registration is not None:
            return False
        endpoint = endpoint_of(str(table.full_name), self._endpoints.list_all())
        return endpoint is not None and self._access.may(Action.MANAGE, target_of(endpoint))
