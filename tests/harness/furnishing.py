"""What every installation has from its first day, in a few statements: many tests begin with it."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from fakes.clock import FixedClock
from pierhead.identity.services.accounts import Identities
from pierhead.kit.db import Database, sqlite_url
from pierhead.migrations.tables import all_tables


def furnish(connection: Connection) -> None:
    """Leave in an empty database what `Identities.set_up` leaves there; harmless when it is there."""
    for table, rows in _furniture():
        if connection.execute(select(table).limit(1)).first() is not None:
            return
        connection.execute(insert(table), list(rows))


@cache
def _furniture() -> tuple[tuple[Table, tuple[dict[str, Any], ...]], ...]:
    with tempfile.TemporaryDirectory(prefix="pierhead-furniture-") as folder:
        database = Database(sqlite_url(Path(folder) / "furnished.db"))
        try:
            all_tables().create_all(database.engine)
            with database.transaction() as connection:
                Identities(connection, FixedClock()).set_up()
                found = ((table, _rows(connection, table)) for table in all_tables().sorted_tables)
                return tuple((table, rows) for table, rows in found if rows)
        finally:
            database.dispose()


def _rows(connection: Connection, table: Table) -> tuple[dict[str, Any], ...]:
    rows = tuple(dict(row._mapping) for row in connection.execute(select(table)))
    assert not rows or table.autoincrement_column is None, f"{table.name} counts its rows: leave its numbers out"
    return rows
