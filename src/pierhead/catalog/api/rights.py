"""Which right each call on catalogs, tables and volumes needs, asked before its handler runs."""

from collections.abc import Callable

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName, check_part
from pierhead.catalog.domain.tables import Table, TableType
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.tables import Tables
from pierhead.catalog.services.views import base_of
from pierhead.catalog.services.volume_tree import asset_of
from pierhead.catalog.services.volumes import Volumes
from pierhead.identity.domain.objects import Action, Asset, Catalog, Kind, New, Platform, Schema, Target
from pierhead.identity.services.access import Access
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Guard

Targeted = Callable[[Call, Connection], Target]
"""What a call is about. Raises InvalidArgument, or NotFound if it is not there."""


def needs(action: Action, targeted: Targeted) -> Guard:
    """The right to do this."""

    def guard(call: Call, connection: Connection) -> None:
        Access(connection, call.caller).require(action, targeted(call, connection))

    return guard


def needs_as_changed(targeted: Targeted) -> Guard:
    """EDIT for what describes a thing, MANAGE to rename it or to give it away."""

    def guard(call: Call, connection: Connection) -> None:
        manages = any(call.params.get(field) is not None for field in ("owner", "new_name"))
        action = Action.MANAGE if manages else Action.EDIT
        Access(connection, call.caller).require(action, targeted(call, connection))

    return guard


def vacuums(targeted: Targeted, grounds: Grounds) -> Guard:
    """MANAGE; for a table outside the platform's folders, whose files are somebody else's, an admin."""

    def guard(call: Call, connection: Connection) -> None:
        access = Access(connection, call.caller)
        access.require(Action.MANAGE, targeted(call, connection))
        if Tables(connection, grounds).get(FullName.parse(call.text("full_name"))).type is TableType.EXTERNAL:
            access.require(Action.MANAGE, Platform())

    return guard


def needs_nothing(_call: Call, _connection: Connection) -> None:
    """Everybody with a token may; what a list shows is filtered by what the caller may read."""


def new_catalog(call: Call, _connection: Connection) -> Target:
    return New(Kind.CATALOG, check_part(call.text("name"), "catalog"), Platform())


def new_schema(call: Call, _connection: Connection) -> Target:
    name = read_new_schema(call)
    return New(Kind.SCHEMA, name.name, Catalog(name.catalog))


def new_asset(kind: Kind) -> Targeted:
    """A new table or volume."""

    def target(call: Call, _connection: Connection) -> Target:
        name = read_new_name(call)
        return New(kind, name.name, Schema(name.catalog, name.schema))

    return target


def catalog(call: Call, _connection: Connection) -> Target:
    return Catalog(check_part(call.text("name"), "catalog"))


def schema(call: Call, _connection: Connection) -> Target:
    name = SchemaName.parse(call.text("full_name"))
    return Schema(name.catalog, name.name)


class AssetTargets:
    """Tables and volumes that exist: their owners are in their rows."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds

    def table(self, call: Call, connection: Connection) -> Target:
        return table_asset(Tables(connection, self._grounds).get(FullName.parse(call.text("full_name"))))

    def table_or_view(self, call: Call, connection: Connection) -> Target:
        """A view is its table's."""
        name = FullName.parse(call.text("full_name"))
        tables = Tables(connection, self._grounds)
        found = tables.find(name) or base_of(connection, self._grounds, name)
        return table_asset(tables.get(name) if found is None else found)

    def volume(self, call: Call, connection: Connection) -> Target:
        return asset_of(Volumes(connection, self._grounds).get(FullName.parse(call.text("full_name"))))


def table_asset(table: Table) -> Asset:
    """The table as rights see it."""
    name = table.full_name
    return Asset(Kind.TABLE, name.catalog, name.schema, name.name, table.owner)


def read_new_schema(call: Call) -> SchemaName:
    """The schema that a call wants to make."""
    return SchemaName(check_part(call.text("catalog_name"), "catalog"), check_part(call.text("name"), "schema"))


def read_new_name(call: Call) -> FullName:
    """The table or volume that a call wants to make."""
    return FullName.parse(f"{call.text('catalog_name')}.{call.text('schema_name')}.{call.text('name')}")


def read_schema(call: Call) -> SchemaName:
    """The schema whose contents a call wants to see."""
    return SchemaName(check_part(call.text("catalog_name"), "catalog"), check_part(call.text("schema_name"), "schema"))
