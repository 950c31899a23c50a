"""Revisions of the metadata database, run on real SQLite files."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from harness.revisions import upgrade_to
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.schema import EMPTY, SchemaTooNew, migrate, newest_revision, revision_of
from pierhead.migrations.drafting import CONFIGURATION
from pierhead.migrations.tables import all_tables


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path / "pierhead.db"))


def test_revisions_and_tables_agree(database: Database) -> None:
    migrate(database)
    with database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts=CONFIGURATION), all_tables())
    database.dispose()
    assert differences == [], "draft a revision with scripts/new_migration.py"


def test_an_empty_database_gets_the_newest_revision_and_a_second_run_changes_nothing(database: Database) -> None:
    assert revision_of(database) == EMPTY
    migrate(database)
    migrate(database)
    assert revision_of(database) == newest_revision() != EMPTY
    database.dispose()


def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    migrate(database)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match=r"schema revision 9999, .* knows none after \d{4}: a newer Pierhead"):
        migrate(database)
    database.dispose()


def test_two_processes_may_migrate_at_the_same_time(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        database = Database(sqlite_url(tmp_path / "pierhead.db"))
        try:
            migrate(database)
        except BaseException as error:
            failures.append(error)
        finally:
            database.dispose()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_foreign_keys_are_enforced_again_after_a_migration(database: Database) -> None:
    migrate(database)
    with database.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    database.dispose()


def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "pierhead.db"
    # A table of the first revision that is in the way.
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE tokens (id TEXT)")
    raw.close()
    database = Database(sqlite_url(path))
    with pytest.raises(Exception, match="already exists"):
        migrate(database)
    assert revision_of(database) == EMPTY
    with database.reading() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
    database.dispose()
    assert names == ["tokens"]


def test_what_was_in_production_or_named_so_is_both_after_the_second_release(database: Database) -> None:
    with database.transaction() as connection:
        upgrade_to(connection, "0001")
        for model in ("named", "staged", "both", "neither"):
            connection.execute(
                text(
                    "INSERT INTO registered_models (id, name, user_name, created_at, updated_at, last_number) "
                    "VALUES (:id, :id, 'ada', 0, 0, 3)"
                ),
                {"id": model},
            )
            for number in (1, 2, 3):
                stage = "Production" if model in ("staged", "both") and number > 1 else "None"
                connection.execute(
                    text(
                        "INSERT INTO model_versions "
                        "(id, model_id, number, stage, status, source, user_name, created_at, updated_at) "
                        "VALUES (:id, :model, :number, :stage, 'ready', 's', 'ada', 0, 0)"
                    ),
                    {"id": f"{model}-{number}", "model": model, "number": number, "stage": stage},
                )
        for model, alias, version in (("named", "Production", "named-1"), ("both", "production", "both-2")):
            row = {"model": model, "alias": alias, "version": version}
            connection.execute(text("INSERT INTO registered_model_aliases VALUES (:model, :alias, :version)"), row)

    migrate(database)

    with database.reading() as connection:
        aliases = connection.execute(text("SELECT version_id, alias FROM registered_model_aliases ORDER BY 1")).all()
        live = connection.execute(text("SELECT id FROM model_versions WHERE stage = 'Production' ORDER BY 1")).all()
    database.dispose()
    assert [tuple(row) for row in aliases] == [
        ("both-2", "production"),
        ("named-1", "production"),
        ("staged-3", "production"),
    ]
    assert [row.id for row in live] == ["both-2", "both-3", "named-1", "staged-2", "staged-3"]
