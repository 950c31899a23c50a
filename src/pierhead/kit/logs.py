"""Logs are events with fields, one JSON line each on standard error."""

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def configure(process: str) -> None:
    """Send our events and the libraries' warnings to standard error as JSON lines that name the process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _naming(process),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=_logger,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


class _PatientFile:
    """Standard error, for those who must go on when it cannot be written: a full disk costs log lines alone."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _logger(*_arguments: object) -> structlog.WriteLogger:
    return structlog.WriteLogger(cast(TextIO, _PatientFile()))


def _naming(process: str) -> Processor:
    # Not a context variable: those of the main thread are not seen by other threads.
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return name
