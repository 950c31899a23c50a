"""How a command fails: an exit code that scripts can tell apart, and lines that say what to do."""

from enum import IntEnum
from typing import IO, Any

import click


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    CONFLICT = 5
    WAIT_TIMED_OUT = 6
    UNREACHABLE = 7
    GATE_CLOSED = 10
    RECORD_EDITED = 20
    RECORDS_REORDERED = 21
    RECORD_REMOVED = 22
    TRAIL_TRUNCATED = 23
    BAD_SIGNATURE = 24
    NO_CHECKPOINTS = 25
    CHECKPOINTS_DAMAGED = 26
    INTERRUPTED = 130


class Failure(click.ClickException):
    """Ends the command. `message` says what failed, on which object, and why; `remedy` is the next command."""

    exit_code: int  # type: ignore[misc]  # ours differs from failure to failure

    def __init__(self, message: str, *, code: ExitCode = ExitCode.FAILED, remedy: str = "") -> None:
        super().__init__(message)
        self.exit_code = int(code)
        self.remedy = remedy

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {self.message}", file=file, err=file is None)
        if self.remedy:
            click.echo(f"Next:  {self.remedy}", file=file, err=file is None)


_BY_CODE = {
    "RESOURCE_DOES_NOT_EXIST": ExitCode.NOT_FOUND,
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "ENDPOINT_NOT_FOUND": ExitCode.NOT_FOUND,
    "PERMISSION_DENIED": ExitCode.NOT_ALLOWED,
    "UNAUTHENTICATED": ExitCode.NOT_ALLOWED,
    "RESOURCE_ALREADY_EXISTS": ExitCode.CONFLICT,
    "RESOURCE_CONFLICT": ExitCode.CONFLICT,
    "INVALID_STATE": ExitCode.CONFLICT,
    "TEMPORARILY_UNAVAILABLE": ExitCode.UNREACHABLE,
}
_BY_STATUS = {
    401: ExitCode.NOT_ALLOWED,
    403: ExitCode.NOT_ALLOWED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    412: ExitCode.CONFLICT,
    502: ExitCode.UNREACHABLE,
    503: ExitCode.UNREACHABLE,
}
_DISK_FULL = 507


def exit_code_of(error_code: str, status: int = 500) -> ExitCode:
    """The exit code for a wire code; for an unknown one, for the HTTP status.

    >>> exit_code_of("INVALID_STATE", 507).name
    'FAILED'
    >>> exit_code_of("INVALID_STATE", 400).name, exit_code_of("", 404).name, exit_code_of("INTERNAL_ERROR").name
    ('CONFLICT', 'NOT_FOUND', 'FAILED')
    """
    if status == _DISK_FULL:
        # It shares its code with what another state of an object would mend.
        return ExitCode.FAILED
    return _BY_CODE.get(error_code) or _BY_STATUS.get(status, ExitCode.FAILED)
