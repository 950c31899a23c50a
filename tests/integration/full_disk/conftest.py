"""Databases on a disk that can be full, once of each kind."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.postgres import Postgres
from harness.small_disk import SmallDisk, small_disk
from pierhead.kit.db import sqlite_url

_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Place:
    """A disk, and the address of a database with all tables on it."""

    disk: SmallDisk
    url: str


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("disk") / "small"
    with small_disk(folder, megabytes=4 if request.param == "sqlite" else 48) as disk:
        if request.param == "sqlite":
            shutil.copyfile(request.getfixturevalue("file_with_tables"), folder / "test.db")
            yield Place(disk, sqlite_url(folder / "test.db"))
            return
        server: Postgres = request.getfixturevalue("postgres_server")
        yield from _on_postgres(disk, server, request.getfixturevalue("with_tables"))


def _on_postgres(disk: SmallDisk, server: Postgres, template: str) -> Iterator[Place]:
    """Only this database lies on the disk: the server's own files must not get into trouble."""
    space = disk.folder / "space"
    space.mkdir()
    os.chown(space, _NOBODY, _NOBODY)
    for parent in disk.folder.parents:
        # The server runs as another user, who must be able to walk there.
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    name = server.create(template)
    server.run(f"CREATE TABLESPACE small_{name} LOCATION '{space}'")
    server.run(f'ALTER DATABASE "{name}" SET TABLESPACE small_{name}')
    try:
        yield Place(disk, server.url(name))
    finally:
        server.drop(name)
        server.run(f"DROP TABLESPACE small_{name}")
