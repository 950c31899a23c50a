"""The metadata database: SQLite in WAL mode, or Postgres.

All tables are `Table` objects on one `metadata`, declared in each area's `store`. A unit of work is one transaction.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_SQLITE_BUSY_TIMEOUT_MS = 30_000


BeforeCommit = Callable[[Connection], None]
"""What every transaction does last; if it raises, the transaction is rolled back."""


class Database:
    """Hands out transactions."""

    def __init__(self, url: str, before_commit: BeforeCommit | None = None) -> None:
        self.url = url
        self.engine = _engine(url)
        self._before_commit = before_commit

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write; commits at the end of the block, rolls back if it raises."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(pierhead_write=True)
            with connection.begin():
                yield connection
                if self._before_commit is not None:
                    self._before_commit(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view that does not wait for writers; nothing written in it is kept."""
        with self.engine.connect() as connection:
            try:
                yield connection
            finally:
                connection.rollback()

    def make_durable(self) -> None:
        """Wait until all that was committed survives a power cut.

        Postgres has waited at each commit. SQLite, as we set it up, has not: a kill loses nothing, a power cut may.
        """
        if self.engine.dialect.name != "sqlite":
            return
        for path in (f"{self.engine.url.database}-wal", str(self.engine.url.database)):
            with contextlib.suppress(FileNotFoundError), Path(path).open("rb") as file:
                os.fsync(file.fileno())

    def dispose(self) -> None:
        self.engine.dispose()


def sqlite_url(path: object) -> str:
    """The database address of a SQLite file."""
    return f"sqlite:///{path}"


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
    # One connection per thread in use: SQLite connections are cheap, waiting for a pool slot is not.
    engine = create_engine(url, pool_size=40, max_overflow=0, connect_args={"timeout": _SQLITE_BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: object) -> None:
        # The driver's own BEGIN comes too late to lock before reading, so we send ours.
        raw.isolation_level = None
        cursor = raw.cursor()
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: upgrading a read lock later fails with "database is locked".
        writes = connection.get_execution_options().get("pierhead_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(cursor: Any) -> None:
    """Switch to write-ahead logging. Two processes that open a new file at once get no busy wait here from SQLite."""
    for _ in range(100):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # Waiting helps against others, not against a full disk.
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            time.sleep(0.05)
    cursor.execute("PRAGMA journal_mode=WAL")
