"""MLflow's database before its server starts: in the journal mode that we want, in the form that this release reads.

The server refuses a database of another release's form. The tool that upgrades one takes seconds to start, so a file
beside the database names the release that has last looked at it.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import structlog

log = structlog.get_logger()

Upgrade = Callable[[Path], None]
"""Brings the database in this file to the form of the installed release, or raises."""


def prepare(path: Path, version: str, upgrade: Upgrade) -> None:
    """Make the database at `path` fit for the server of release `version`. Others may read it, but nobody may write.

    A changed database's old form stays beside it as `NAME.before-upgrade`. If the upgrade raises, or the power goes,
    the database is as it was.
    """
    marker = path.with_name(f"{path.name}.version")
    before = _revision(path)
    if before is not None and _content(marker) != version:
        log.info("checking the form of MLflow's database", database=str(path), revision=before, release=version)
        _upgrade(path, before, upgrade)
    _switch_journal(path)
    if _content(marker) != version:
        draft = marker.with_name(f"{marker.name}.new")
        draft.write_text(version)
        draft.replace(marker)


def _upgrade(path: Path, before: str, upgrade: Upgrade) -> None:
    # Upgrades are not transactions: one that breaks off in the middle could be neither ended nor undone.
    copy = path.with_name(f"{path.name}.upgrading")
    _remove(copy)
    try:
        _copy(path, copy)
        upgrade(copy)
        after = _revision(copy)
        if after != before:
            _put_in_place(copy, path)
            log.info("upgraded MLflow's database", database=str(path), before=before, after=after)
    finally:
        _remove(copy)


def _put_in_place(copy: Path, path: Path) -> None:
    """In one transaction, and in the same file: others read it all the while."""
    old = path.with_name(f"{path.name}.before-upgrade")
    draft = old.with_name(f"{old.name}.new")
    _remove(draft)
    _copy(path, draft)
    _remove(old)
    draft.replace(old)
    _copy(copy, path)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target, timeout=30)) as writer:
        reader.backup(writer)


def _switch_journal(path: Path) -> None:
    """To write-ahead logging, which the database keeps: twice the writes, and readers never wait."""
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _revision(path: Path) -> str | None:
    """The database's form as MLflow numbers them; None if the server has not made its tables yet."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return None
    return None if row is None else str(row[0])


def _content(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
