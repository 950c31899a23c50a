"""What `pierhead doctor` looks at. Every check looks only; none starts, changes or repairs anything."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from pierhead.kit.errors import PierheadError
from pierhead.kit.home import ForeignFolder, Home
from pierhead.kit.schema import EMPTY, newest_revision, revision_of
from pierhead.kit.settings import Settings
from pierhead.kit.uv import find_uv
from pierhead.processes.child_logs import log_file
from pierhead.processes.errors import CannotStart
from pierhead.processes.lock import find_holder
from pierhead.processes.prepare import find_admin_token, open_database
from pierhead.processes.readiness import status_of
from pierhead.processes.records import is_alive, read_records
from pierhead.processes.sockets import find_address, listen_public
from pierhead.processes.uv import uv_version

_LOW_DISK_BYTES = 5 * 1024**3
_FULL_DISK_BYTES = 512 * 1024**2
_CLIENTS = {"mlflow": ((3, 17), (3, 19)), "databricks-sdk": ((0, 156), (1,))}
"""Tested versions: from the first, below the second."""
_PROBE_TIMEOUT_S = 5.0


class Level(Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what to do; empty where nothing is wrong."""

    subject: str
    level: Level
    fact: str
    remedy: str = ""


Check = Callable[[Settings, Home], Iterator[Finding]]


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything that can be told about this set-up, with or without a running platform."""
    home = Home(settings.home)
    checks: list[Check] = [_python, _uv, _clients, _home, _disk, _database, _admin_token, _platform]
    for check in checks:
        yield from check(settings, home)


def _python(_settings: Settings, _home: Home) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", Level.OK, f"{version} at {sys.executable}")


def _uv(_settings: Settings, _home: Home) -> Iterator[Finding]:
    uv = find_uv()
    if uv is None:
        yield Finding("uv", Level.FAIL, "not found beside Python nor on the PATH", "pip install uv")
        return
    version = uv_version(uv)
    if version is None:
        yield Finding("uv", Level.FAIL, f"{uv} does not run", "pip install --force-reinstall uv")
        return
    yield Finding("uv", Level.OK, f"{version} at {uv}")


def _clients(_settings: Settings, _home: Home) -> Iterator[Finding]:
    for name, (lowest, beyond) in _CLIENTS.items():
        tested = f">={_text(lowest)},<{_text(beyond)}"
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding(name, Level.WARN, "not installed here", f"pip install '{name}{tested}' where clients run")
            continue
        if lowest <= _numbers(version) < beyond:
            yield Finding(name, Level.OK, version)
        else:
            yield Finding(name, Level.WARN, f"{version} is outside of what was tested", f"pip install '{name}{tested}'")


def _home(_settings: Settings, home: Home) -> Iterator[Finding]:
    place = _nearest_existing(home.root)
    if not place.is_dir():
        yield Finding("home", Level.FAIL, f"{place} is not a folder", "choose another with --home or PIERHEAD_HOME")
    elif not os.access(place, os.W_OK | os.X_OK):
        yield Finding("home", Level.FAIL, f"{place} cannot be written", "make it writable, or choose another --home")
    elif place != home.root:
        yield Finding("home", Level.OK, f"{home.root} (not created yet)")
    elif (mode := home.root.stat().st_mode & 0o777) & 0o077:
        fact = f"{home.root} is open to other users (mode {mode:04o})"
        yield Finding("home", Level.FAIL, fact, f"chmod 700 {home.root}")
    else:
        yield Finding("home", Level.OK, str(home.root))


def _disk(_settings: Settings, home: Home) -> Iterator[Finding]:
    free = shutil.disk_usage(_nearest_existing(home.root)).free
    fact = f"{free / 1024**3:.1f} GiB free"
    if free < _FULL_DISK_BYTES:
        yield Finding("disk", Level.FAIL, fact, f"free some space on the disk of {home.root}")
    elif free < _LOW_DISK_BYTES:
        yield Finding("disk", Level.WARN, fact, "environments of models take 0.5 to 2 GiB each: free some space")
    else:
        yield Finding("disk", Level.OK, fact)


def _database(settings: Settings, home: Home) -> Iterator[Finding]:
    if not settings.database_url and not home.database.exists():
        yield Finding("database", Level.OK, "not created yet; the first start does it")
        return
    from sqlalchemy.exc import SQLAlchemyError

    database = open_database(settings, home)
    try:
        revision = revision_of(database)
    except SQLAlchemyError as error:
        yield Finding("database", Level.FAIL, str(error).splitlines()[0], "check PIERHEAD_DATABASE_URL and the server")
        return
    except PierheadError as error:
        yield Finding("database", Level.FAIL, error.message, "install the Pierhead that wrote it, or a newer one")
        return
    finally:
        database.dispose()
    if revision == newest_revision():
        yield Finding("database", Level.OK, f"schema revision {revision}")
    elif revision == EMPTY:
        yield Finding("database", Level.OK, "empty; the next start makes the tables")
    else:
        yield Finding("database", Level.OK, f"schema revision {revision}; the next start makes it {newest_revision()}")


def _admin_token(_settings: Settings, home: Home) -> Iterator[Finding]:
    try:
        mode = home.admin_token.stat().st_mode & 0o777
    except FileNotFoundError:
        yield Finding("admin token", Level.OK, "not created yet; the first start does it")
        return
    if mode & 0o077:
        fact = f"{home.admin_token} is open to other users (mode {mode:04o})"
        yield Finding("admin token", Level.FAIL, fact, f"chmod 600 {home.admin_token}")
    else:
        yield Finding("admin token", Level.OK, str(home.admin_token))


def _platform(settings: Settings, home: Home) -> Iterator[Finding]:
    try:
        home.check_run()
    except ForeignFolder as error:
        # Nothing in it may be believed, least of all the address that the token would go to.
        yield Finding("run folder", Level.FAIL, str(error))
        return
    holder = find_holder(home)
    if holder is None:
        yield Finding("platform", Level.WARN, "not running", f"pierhead up --home {home.root}")
        yield _free_port(settings)
        return
    yield Finding("platform", Level.OK, f"process {holder}")
    yield from _processes(home)
    address = find_address(home)
    if address is None:
        yield Finding("address", Level.WARN, "the platform is still starting", "wait, then run the doctor again")
        return
    yield from _answers(address, home)


def _free_port(settings: Settings) -> Finding:
    try:
        listen_public(settings.host, settings.port).close()
    except CannotStart as error:
        return Finding("port", Level.FAIL, error.message, "choose another with --port or PIERHEAD_PORT")
    return Finding("port", Level.OK, f"{settings.port} on {settings.host} is free")


def _processes(home: Home) -> Iterator[Finding]:
    for record in read_records(home):
        if is_alive(record):
            yield Finding(record.name, Level.OK, f"process {record.process_id}")
        else:
            remedy = f"read {log_file(home, record.name)}"
            yield Finding(record.name, Level.FAIL, f"process {record.process_id} is dead", remedy)


def _answers(address: str, home: Home) -> Iterator[Finding]:
    token = find_admin_token(home)
    yield _answer(home, address, "/health", token, "gateway answers", "gateway-0", Level.FAIL)
    yield _answer(home, address, "/api/2.0/preview/scim/v2/Me", token, "api answers", "api", Level.FAIL)
    # The tracking server takes up to half a minute to load behind the others.
    path = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    yield _answer(home, address, path, token, "tracking answers", "tracking", Level.WARN)


def _answer(home: Home, address: str, path: str, token: str, subject: str, process: str, if_not: Level) -> Finding:
    status = status_of(address, path, token, _PROBE_TIMEOUT_S)
    if status == 200:
        return Finding(subject, Level.OK, address)
    fact = f"GET {path} does not answer" if status is None else f"GET {path} answers {status}"
    return Finding(subject, if_not, fact, f"read {log_file(home, process)}")


def _nearest_existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version.

    >>> _numbers("3.17.2rc1")
    (3, 17)
    """
    numbers: list[int] = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
