"""Databases for tests that shall hold on SQLite and on Postgres alike."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with all tables, once of each kind."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("file_with_tables"), tmp_path / "test.db")
        database = Database(sqlite_url(tmp_path / "test.db"))
        yield database
        database.dispose()
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.create(request.getfixturevalue("with_tables"))
    database = Database(server.url(name))
    yield database
    database.dispose()
    server.drop(name)
