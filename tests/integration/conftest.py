"""Databases for tests that shall hold on SQLite and on Postgres alike."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg
import pytest

from harness.databases import (
    EmptyPostgres,
    EmptySqlite,
    LentDatabases,
    postgres_sequences,
    postgres_tables,
    sqlite_tables,
)
from harness.postgres import Postgres, postgres
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.schema import migrate


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def with_tables(postgres_server: Postgres) -> str:
    """The name of a database with all tables, to be copied."""
    name = postgres_server.create()
    database = Database(postgres_server.url(name))
    migrate(database)
    database.dispose()
    return name


@pytest.fixture(scope="session")
def file_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a SQLite file."""
    file = tmp_path_factory.mktemp("tables") / "empty.db"
    database = Database(sqlite_url(file))
    migrate(database)
    database.dispose()
    return file


@pytest.fixture(scope="session")
def on_sqlite(file_with_tables: Path) -> Iterator[LentDatabases]:
    numbers = count(1)

    def make() -> Database:
        file = file_with_tables.with_name(f"{next(numbers)}.db")
        shutil.copyfile(file_with_tables, file)
        return Database(sqlite_url(file))

    with closing(sqlite3.connect(file_with_tables)) as connection:
        tables = sqlite_tables(connection)
    lent = LentDatabases(make, EmptySqlite(tables))
    yield lent
    lent.close()


@pytest.fixture(scope="session")
def on_postgres(postgres_server: Postgres, with_tables: str) -> Iterator[LentDatabases]:
    def drop(database: Database) -> None:
        database.dispose()
        postgres_server.drop(str(database.engine.url.database))

    with psycopg.connect(postgres_server.dsn(with_tables)) as connection:
        empty = EmptyPostgres(postgres_server, postgres_tables(connection), postgres_sequences(connection))
    lent = LentDatabases(lambda: Database(postgres_server.url(postgres_server.create(with_tables))), empty, drop)
    yield lent
    lent.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database with all tables, once of each kind."""
    lent: LentDatabases = request.getfixturevalue(f"on_{request.param}")
    with lent.lend() as database:
        yield database
