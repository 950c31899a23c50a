"""The shape of the metadata database: numbered revisions `0001`, `0002`, ... in `pierhead/migrations/versions`.

Alembic is loaded only when there is something to change, so that an ordinary start does not pay for it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

import pierhead
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState

MIGRATIONS = Path(pierhead.__file__).parent / "migrations"

EMPTY = "0000"
"""The revision of a database without tables."""

_REVISION_FILE = re.compile(r"(\d{4})_\w+\.py")
# An arbitrary number that only migrations of Pierhead lock.
_POSTGRES_LOCK = 0x70696572


class SchemaTooNew(InvalidState):
    """The database was written by a newer Pierhead."""


def migrate(database: Database) -> None:
    """Bring the database to the newest revision, all or nothing; safe from several processes at the same time.

    Raises SchemaTooNew.
    """
    if revision_of(database) == newest_revision():
        return
    with _alone(database) as connection:
        # Another process may have been faster.
        if _known(find_revision(connection)) != newest_revision():
            _upgrade(connection)


def revision_of(database: Database) -> str:
    """The revision the database is at, at most `newest_revision()`. Raises SchemaTooNew."""
    with database.reading() as connection:
        return _known(find_revision(connection))


def newest_revision() -> str:
    """The newest revision that this Pierhead knows."""
    names = (path.name for path in (MIGRATIONS / "versions").iterdir())
    return max((match[1] for name in names if (match := _REVISION_FILE.fullmatch(name))), default=EMPTY)


def find_revision(connection: Connection) -> str:
    """The revision that the database names, known or not."""
    if not inspect(connection).has_table("alembic_version"):
        return EMPTY
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or EMPTY


def _known(revision: str) -> str:
    newest = newest_revision()
    if revision <= newest:
        return revision
    raise SchemaTooNew(
        f"the database is at schema revision {revision}, and Pierhead {pierhead.__version__} knows none after "
        f"{newest}: a newer Pierhead wrote it; install that one (or a newer), or use another --home"
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """A transaction in which nobody else migrates."""
    if database.engine.dialect.name != "sqlite":
        with database.transaction() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
            yield connection
        return
    with database.engine.connect() as connection:
        connection = connection.execution_options(pierhead_write=True)
        raw = connection.connection.cursor()
        # Alembic rebuilds SQLite tables; with foreign keys on, dropping the old one would delete what refers to it.
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                _refuse_dangling(connection)
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def _refuse_dangling(connection: Connection) -> None:
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if dangling is not None:
        raise InvalidState(f"the migration would leave rows of table {dangling[0]!r} without the row they refer to")
