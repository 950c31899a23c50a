"""MLflow's database before its server starts, with an upgrade of our own."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pierhead.tracking.services.database import prepare


def _make(path: Path, revision: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        connection.execute("CREATE TABLE runs (name TEXT)")
        connection.execute("INSERT INTO runs VALUES ('kept')")
        connection.commit()
    return path


def _read(path: Path, query: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute(query).fetchone()[0])


def _revision(path: Path) -> str:
    return _read(path, "SELECT version_num FROM alembic_version")


def _to_new(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'new'")
        connection.commit()


def _not_needed(path: Path) -> None:
    raise AssertionError(f"{path} was upgraded")


def test_a_new_database_needs_no_upgrade(tmp_path: Path) -> None:
    prepare(tmp_path / "mlflow.db", "3.17.2", _not_needed)

    assert _read(tmp_path / "mlflow.db", "PRAGMA journal_mode") == "wal"
    assert (tmp_path / "mlflow.db.version").read_text() == "3.17.2"


def test_an_older_database_is_upgraded_once_and_its_old_form_kept(tmp_path: Path) -> None:
    path = _make(tmp_path / "mlflow.db", "old")

    prepare(path, "3.17.2", _to_new)
    prepare(path, "3.17.2", _not_needed)

    assert (_revision(path), _read(path, "SELECT name FROM runs")) == ("new", "kept")
    assert _revision(tmp_path / "mlflow.db.before-upgrade") == "old"
    assert _read(path, "PRAGMA journal_mode") == "wal"
    assert not list(tmp_path.glob("*.upgrading*"))


def test_a_release_that_changes_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    path = _make(tmp_path / "mlflow.db", "old")

    prepare(path, "3.17.3", lambda _path: None)

    assert sorted(item.name for item in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.version"]


def test_an_upgrade_that_fails_changes_nothing_and_is_tried_again(tmp_path: Path) -> None:
    path = _make(tmp_path / "mlflow.db", "old")

    def half(copy: Path) -> None:
        _to_new(copy)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        prepare(path, "3.17.2", half)
    assert _revision(path) == "old"

    prepare(path, "3.17.2", _to_new)
    assert _revision(path) == "new"


def test_what_a_killed_upgrade_left_is_not_used(tmp_path: Path) -> None:
    path = _make(tmp_path / "mlflow.db", "old")
    (tmp_path / "mlflow.db.upgrading").write_bytes(b"half a database")

    prepare(path, "3.17.2", _to_new)

    assert (_revision(path), _read(path, "SELECT name FROM runs")) == ("new", "kept")


def test_who_reads_it_reads_on_through_an_upgrade(tmp_path: Path) -> None:
    path = _make(tmp_path / "mlflow.db", "old")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
        query = "SELECT version_num, name FROM alembic_version, runs"
        assert reader.execute(query).fetchone() == ("old", "kept")

        prepare(path, "3.17.2", _to_new)

        assert reader.execute(query).fetchone() == ("new", "kept")
    assert _revision(path) == "new"
