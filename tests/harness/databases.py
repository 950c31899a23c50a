"""Databases for one test after another: each is emptied after its test, which takes a twentieth of making another."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Protocol

import psycopg
from psycopg import sql

from harness.postgres import Postgres
from pierhead.kit.db import Database

# What holds a lock for longer was left behind by the test.
_LOCK_TIMEOUT_S = 1.0


class Emptying(Protocol):
    def __call__(self, database: Database) -> bool:
        """Take all rows out; False if the test left more than rows, such as other tables or a lock."""
        ...


class LentDatabases:
    """Lends a database with empty tables to one test at a time.

    Its engine stays as well: what it has compiled for one test serves the next.
    """

    def __init__(
        self, make: Callable[[], Database], empty: Emptying, drop: Callable[[Database], None] = Database.dispose
    ) -> None:
        self._make = make
        self._empty = empty
        self._drop = drop
        self._kept: Database | None = None

    @contextmanager
    def lend(self) -> Iterator[Database]:
        database, self._kept = self._kept or self._make(), None
        try:
            yield database
        finally:
            if self._empty(database):
                self._kept = database
            else:
                self._drop(database)

    def close(self) -> None:
        if self._kept is not None:
            self._drop(self._kept)
            self._kept = None


class EmptySqlite:
    """Empties files with these tables."""

    def __init__(self, tables: frozenset[str]) -> None:
        self._tables = tables
        self._rows = ";".join(f'DELETE FROM "{name}"' for name in sorted(tables) if _has_rows_of_tests(name))

    def __call__(self, database: Database) -> bool:
        if _is_in_use(database):
            return False
        try:
            with closing(sqlite3.connect(str(database.engine.url.database), timeout=_LOCK_TIMEOUT_S)) as connection:
                connection.execute("PRAGMA synchronous=OFF")
                if sqlite_tables(connection) != self._tables:
                    return False
                connection.executescript(f"BEGIN IMMEDIATE;{self._rows};COMMIT")
        except sqlite3.OperationalError:
            return False
        return True


def sqlite_tables(connection: sqlite3.Connection) -> frozenset[str]:
    """`sqlite_sequence`, where the next numbers stand, is one of them."""
    return frozenset(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))


class EmptyPostgres:
    """Empties databases with these tables."""

    def __init__(self, server: Postgres, tables: frozenset[str], sequences: frozenset[str]) -> None:
        self._server = server
        self._tables = tables
        # Without its triggers, which is how foreign keys are watched, the order does not matter.
        self._statement = sql.SQL(";").join(
            [
                sql.SQL("SET session_replication_role = replica"),
                *(
                    sql.SQL("DELETE FROM {}").format(sql.Identifier(each))
                    for each in sorted(tables)
                    if _has_rows_of_tests(each)
                ),
                *(
                    sql.SQL("SELECT setval({}, 1, false)").format(sql.Literal(f'"{each}"'))
                    for each in sorted(sequences)
                ),
            ]
        )

    def __call__(self, database: Database) -> bool:
        if _is_in_use(database):
            return False
        try:
            with psycopg.connect(self._server.dsn(str(database.engine.url.database))) as connection:
                connection.execute(f"SET lock_timeout = {int(_LOCK_TIMEOUT_S * 1000)}")
                if postgres_tables(connection) != self._tables or _has_strangers(connection, database):
                    return False
                connection.execute(self._statement)
        except psycopg.OperationalError:
            return False
        return True


def postgres_tables(connection: psycopg.Connection) -> frozenset[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return frozenset(name for (name,) in found)


def postgres_sequences(connection: psycopg.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute("SELECT sequencename FROM pg_sequences"))


def _has_strangers(connection: psycopg.Connection, database: Database) -> bool:
    """Whether anybody but the engine and we is connected: a thread or a process that the test left behind."""
    found = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    ).fetchone()
    assert found is not None
    return bool(found[0] > 1 + database.engine.pool.checkedin())


def _is_in_use(database: Database) -> bool:
    return bool(database.engine.pool.checkedout())


def _has_rows_of_tests(table: str) -> bool:
    return table != "alembic_version"
