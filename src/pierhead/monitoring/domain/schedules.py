"""When a monitor is due: Quartz' cron expressions, as Databricks takes them."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.monitors import Schedule

_DAY_NUMBER = re.compile(r"(?<![#/\d])([1-7])(?=\D|$)")


def next_due(schedule: Schedule, after: datetime) -> datetime | None:
    """The first moment after `after` at which the schedule asks for a refresh; None while it is paused, or never.

    Raises InvalidArgument for an expression or a time zone that is none.

    >>> next_due(Schedule("0 0 12 ? * MON", "UTC"), datetime(2026, 1, 1, tzinfo=UTC)).isoformat()
    '2026-01-05T12:00:00+00:00'
    """
    try:
        zone = ZoneInfo(schedule.time_zone)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidArgument(f"{schedule.time_zone!r} is not a time zone such as 'UTC' or 'Europe/Berlin'") from error
    try:
        moments = CronSim(_cron(schedule.quartz_cron), after.astimezone(zone))
        moment = next(moments)
    except StopIteration:
        return None
    except CronSimError as error:
        raise InvalidArgument(
            f"{schedule.quartz_cron!r} is not a Quartz cron expression (seconds, minutes, hours, day of month, month, "
            f"day of week): {error}"
        ) from error
    return None if schedule.is_paused else moment.astimezone(UTC)


def _cron(quartz: str) -> str:
    """Six fields of which the days of the week count from 0.

    >>> _cron("0 15 10 ? * 2-6"), _cron("0 0 0 L * ?"), _cron("0 0 0 ? * 6#3")
    ('0 15 10 * * 1-5', '0 0 0 L * *', '0 0 0 * * 5#3')
    """
    fields = quartz.split()
    if len(fields) == 7 and fields[6] == "*":
        fields = fields[:6]
    if len(fields) != 6:
        raise InvalidArgument(f"{quartz!r} is not a Quartz cron expression of six fields; years cannot be chosen")
    fields = ["*" if field == "?" else field for field in fields]
    # Quartz counts Sunday as 1.
    fields[5] = _DAY_NUMBER.sub(lambda match: str(int(match[1]) - 1), fields[5])
    return " ".join(fields)
