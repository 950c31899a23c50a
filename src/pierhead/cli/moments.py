"""Times as people give them on the command line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class MomentType(click.ParamType[datetime]):
    """A time, or how long ago."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if value[-1:] in _UNITS and value[:-1].isdecimal():
                return datetime.now(UTC) - timedelta(**{_UNITS[value[-1]]: int(value[:-1])})
            given = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a time like 2026-01-31T12:00 nor a while like 24h", param, ctx)
        return given if given.tzinfo else given.replace(tzinfo=UTC)
