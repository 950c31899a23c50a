"""Windows of domain/windows.py as SQL."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.windows import Granularity, Window
from pierhead.monitoring.services.delta_sql import literal

TIMES: Final = Window(datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
"""Rows of other times belong to no window: what says so is a mistake or stands for "never", and the windows around it
would not fit into the calendar."""


def moment_sql(column: str) -> str:
    """The column as TIMESTAMP in UTC."""
    # Dates go further than timestamps.
    return f"TRY_CAST({literal(column)} AS TIMESTAMP)"


def start_sql(granularity: Granularity, moment: str) -> str:
    """The start of the window that the moment (SQL of a TIMESTAMP) is in; null for one outside of TIMES."""
    if granularity in (Granularity.MONTH, Granularity.YEAR):
        start = f"CAST(date_trunc('{granularity.value.split()[1]}', {moment}) AS TIMESTAMP)"
    else:
        origin = granularity.origin.strftime("%Y-%m-%d")
        start = f"time_bucket({granularity.sql_interval}, {moment}, TIMESTAMP '{origin}')"
    first, end = (f"TIMESTAMP '{each:%Y-%m-%d}'" for each in (TIMES.start, TIMES.end))
    return f"(CASE WHEN {moment} >= {first} AND {moment} < {end} THEN {start} END)"


def odd_sql(column: str, type: pa.DataType) -> str:
    """Whether the row's time lies outside of TIMES, said so that files without such rows are not read."""
    return f"({_before(column, type, TIMES.start)} OR {_from(column, type, TIMES.end)})"


def within_sql(column: str, type: pa.DataType, windows: Iterable[Window]) -> str:
    """Whether the column is in one of the windows, said so that files without such rows are not read."""
    periods = merged(windows)
    if not periods:
        return "false"
    each = [f"({_from(column, type, period.start)} AND {_before(column, type, period.end)})" for period in periods]
    whole = f"{_from(column, type, periods[0].start)} AND {_before(column, type, periods[-1].end)}"
    return f"{whole} AND ({' OR '.join(each)})"


def merged(windows: Iterable[Window]) -> list[Window]:
    """Windows that touch as one, in order."""
    periods: list[Window] = []
    for window in sorted(windows):
        if periods and window.start <= periods[-1].end:
            periods[-1] = Window(periods[-1].start, max(periods[-1].end, window.end))
        else:
            periods.append(window)
    return periods


def check_time(name: str, columns: pa.Schema) -> None:
    """Raises InvalidArgument if the column cannot say when a row is from."""
    if name not in columns.names:
        raise InvalidArgument(f"the table has no column {name!r} for its timestamps")
    type = columns.field(name).type
    if not (pa.types.is_timestamp(type) or pa.types.is_date(type)):
        raise InvalidArgument(f"timestamp column {name!r} is of type {type}; it must be a timestamp or a date")


def _from(column: str, type: pa.DataType, moment: datetime) -> str:
    return f"{literal(column)} >= {_value(type, moment)}"


def _before(column: str, type: pa.DataType, moment: datetime) -> str:
    return f"{literal(column)} < {_value(type, moment)}"


def _value(type: pa.DataType, moment: datetime) -> str:
    """A literal of the column's own type: comparisons with others are not handed on to the files."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if pa.types.is_timestamp(type):
        return f"TIMESTAMPTZ '{text}+00'" if type.tz is not None else f"TIMESTAMP '{text}'"
    return f"TIMESTAMP '{text}'"
