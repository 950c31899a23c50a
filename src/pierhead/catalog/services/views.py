"""Views by name: they are there as long as the table is that they come with."""

from collections.abc import Sequence

from sqlalchemy import Connection

from pierhead.catalog.domain.tables import Table, View
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.tables import Tables, opened
from pierhead.kit.names import FullName


def base_of(connection: Connection, grounds: Grounds, name: FullName) -> Table | None:
    """The table that the view of this name would come with; its log is not looked at."""
    base = grounds.views.base(name)
    return None if base is None else Tables(connection, grounds).find(base)


def find_view(grounds: Grounds, base: Table, name: FullName) -> View | None:
    """The view of this name, if the table has it."""
    return next((view for view in grounds.views.of(opened(base)) if view.full_name == name), None)


def with_views(grounds: Grounds, tables: Sequence[Table]) -> list[Table | View]:
    """These tables and all their views, sorted by name; a table hides the view that is called like it."""
    found = (grounds.views.of(opened(table)) for table in tables if grounds.views.has(table.full_name))
    named: dict[FullName, Table | View] = {view.full_name: view for views in found for view in views}
    named |= {table.full_name: table for table in tables}
    return sorted(named.values(), key=lambda each: str(each.full_name))
