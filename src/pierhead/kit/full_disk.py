"""What a full disk looks like, from SQLite, from Postgres and from the file system, and how it is told."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from pierhead.kit.errors import DiskFull

_NO_SPACE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
# Beside the plain one: a database that is opened on a full disk finds no room for the index of its log.
_SQLITE = frozenset(("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"))
_POSTGRES = "53100"

_DATABASE = "the disk that holds the database is full"
_FILES = "the disk that holds the platform's files is full"


@contextmanager
def full_disk_is_told(what: str) -> Iterator[None]:
    """Raise DiskFull where something fails because a disk is full: `what` failed then."""
    try:
        yield
    except (OSError, sqlite3.Error, DBAPIError) as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise disk_full(what, reason) from error


def disk_full(what: str, reason: str = _DATABASE) -> DiskFull:
    """`reason` names the disk."""
    return DiskFull(
        f"{what} failed: {reason}. Nothing of it was written; free some space on the server, then send it again"
    )


def tells_of_full_disk(message: str) -> bool:
    """Whether a message of another server has the words of SQLite or of the system.

    >>> tells_of_full_disk("(sqlite3.OperationalError) database or disk is full")
    True
    """
    return "database or disk is full" in message or "No space left on device" in message


def _reason(error: BaseException) -> str | None:
    if isinstance(error, OSError):
        # Delta's engine keeps the number in its text.
        is_full = error.errno in _NO_SPACE or (error.errno is None and tells_of_full_disk(str(error)))
        return _FILES if is_full else None
    raw = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(raw, sqlite3.Error):
        is_full = getattr(raw, "sqlite_errorname", None) in _SQLITE
    else:
        # Postgres may not even let us in, and that has no code. With a code, the text may be a caller's own.
        sqlstate = getattr(raw, "sqlstate", None)
        is_full = sqlstate == _POSTGRES or (sqlstate is None and tells_of_full_disk(str(raw)))
    return _DATABASE if is_full else None
