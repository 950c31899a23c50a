"""The life of an alert: from what was measured to its next state. Pure; the services keep what comes of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from pierhead.monitoring.domain.alert_rules import AlertRule, Family, NoData
from pierhead.monitoring.domain.windows import Window

_LONG = timedelta(days=30)
_QUIET_TIMES = 3


class Status(Enum):
    """What an alert shows. Values are kept in rows and go over the wire."""

    OK = "OK"
    PENDING = "PENDING"
    """The newest window violates the rule, but too few of the last ones do."""
    TRIGGERED = "TRIGGERED"
    ERROR = "ERROR"
    """The metric cannot be read."""
    NO_DATA = "NO_DATA"
    """There is no window with enough samples."""


CONDITIONS = (Status.OK, Status.PENDING, Status.TRIGGERED)


@dataclass(frozen=True, slots=True)
class Slice:
    """The same metric in a part of the rows, as `country = 'DE'`."""

    name: str
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric in one window, from `n` samples; `value` None where it could not be computed.

    `bound` is what chance alone explains at this sample size; `worst` the slices in which it is worst, worst first;
    `detail` says in words what the value was made of.
    """

    window: Window
    value: float | None
    n: int
    bound: float | None = None
    worst: tuple[Slice, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The metric could not be read."""

    reason: str


@dataclass(frozen=True, slots=True)
class AlertState:
    """`condition` is OK, PENDING or TRIGGERED, as of the last time that could be told; `trouble` is ERROR, NO_DATA or
    None.

    `since`: when what it shows began. `counts_from`: windows that ended by then were answered for. `reading` is the
    newest that counted, `violating` of `of` windows were bad. `notified_at` and `acked_by` belong to the present
    trigger; `notified_at` stays after it until its end is told, which waits for the end of a silence. `message` says
    what is wrong, in trouble.
    """

    since: datetime
    condition: Status = Status.OK
    trouble: Status | None = None
    counts_from: datetime | None = None
    reading: Reading | None = None
    violating: int = 0
    of: int = 0
    triggered_at: datetime | None = None
    notified_at: datetime | None = None
    acked_by: str = ""
    silenced_until: datetime | None = None
    message: str = ""

    @property
    def status(self) -> Status:
        return self.trouble or self.condition

    @property
    def is_open(self) -> bool:
        """Whether it triggered and did not clear since, readable or not."""
        return self.condition is Status.TRIGGERED

    def is_silent(self, now: datetime) -> bool:
        return self.silenced_until is not None and now < self.silenced_until


class Notice(Enum):
    """What is told. Values go over the wire."""

    TRIGGERED = "triggered"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    NO_DATA = "no_data"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """The state after a look, and what is to be told of it, if anything."""

    before: AlertState
    after: AlertState
    notice: Notice | None = None

    @property
    def is_turn(self) -> bool:
        """Whether it shows something else than before."""
        return self.before.status is not self.after.status

    @property
    def is_trigger(self) -> bool:
        return self.after.is_open and not self.before.is_open


def begin(now: datetime) -> AlertState:
    """An alert that nobody has looked at yet."""
    return AlertState(since=now, trouble=Status.NO_DATA, message="nothing was measured yet")


def fingerprint(rule_id: str, series: str) -> str:
    """The id of an alert: the same for the same rule and series, so that what stays is not told twice."""
    return hashlib.sha256(f"{rule_id}\n{series}".encode()).hexdigest()[:32]


def judge(rule: AlertRule, state: AlertState, readings: Sequence[Reading] | Unreadable, now: datetime) -> AlertDecision:
    """One look. The same readings again change nothing but, by the clock, reminders and staleness.

    It triggers if the newest measured window and `violating` of the last `of` violate the rule, and clears once the
    newest is on the good side of `limit.clear_value`: in between nothing changes. After that only later windows count.
    """
    after = _with_trouble(rule, state, readings, now) or _weighed(rule, state, readings, now)
    if after.status is not state.status:
        after = replace(after, since=now)
    notice = _notice(rule, state, after, now)
    if notice in (Notice.TRIGGERED, Notice.REMINDER):
        after = replace(after, notified_at=now)
    if not after.is_open:
        is_end_owed = notice is not Notice.RESOLVED and rule.telling.on_ok
        notified_at = after.notified_at if is_end_owed else None
        after = replace(after, triggered_at=None, notified_at=notified_at, acked_by="")
    return AlertDecision(state, after, notice)


def acknowledged(state: AlertState, by: str) -> AlertState:
    """Somebody knows: no more reminders of this trigger."""
    return replace(state, acked_by=by)


def silenced(state: AlertState, until: datetime | None) -> AlertState:
    """Nothing is told before `until`; what still is so then is told then."""
    return replace(state, silenced_until=until)


def measured(rule: AlertRule, readings: Sequence[Reading], now: datetime) -> list[Reading]:
    """The windows that count, oldest first: complete, with enough samples, and recent."""
    usable = [
        reading
        for reading in readings
        if reading.window.end <= now
        and reading.value is not None
        and reading.n >= rule.counting.least_samples
        and not (rule.needs_bound and reading.bound is None)
        and now - reading.window.end <= _stale_after(rule, reading)
    ]
    return sorted(usable, key=lambda reading: reading.window)


def violates(rule: AlertRule, reading: Reading) -> bool:
    """Whether a measured window is past the limit, and past what chance explains."""
    assert reading.value is not None, "it was measured"
    if not rule.limit.is_past(reading.value):
        return False
    return not rule.needs_bound or (reading.bound is not None and abs(reading.value) > reading.bound)


def _with_trouble(
    rule: AlertRule, state: AlertState, readings: Sequence[Reading] | Unreadable, now: datetime
) -> AlertState | None:
    """The state if nothing can be told from the readings; None if something can."""
    if isinstance(readings, Unreadable):
        return replace(state, trouble=Status.ERROR, message=readings.reason)
    if measured(rule, readings, now):
        return None
    if rule.telling.no_data is NoData.IGNORE and state.reading is not None:
        return replace(state, trouble=None, message="")
    return replace(state, trouble=Status.NO_DATA, message=_why_nothing(rule, readings, now))


def _weighed(rule: AlertRule, state: AlertState, readings: Sequence[Reading] | Unreadable, now: datetime) -> AlertState:
    assert not isinstance(readings, Unreadable), "that is trouble"
    last = measured(rule, readings, now)[-rule.counting.of :]
    newest = last[-1]
    assert newest.value is not None, "it was measured"
    counted = [each for each in last if state.counts_from is None or each.window.end > state.counts_from]
    bad = sum(violates(rule, each) for each in counted)
    seen = replace(state, trouble=None, message="", reading=newest, violating=bad, of=len(last))
    if state.is_open:
        if not rule.limit.is_clear(newest.value):
            return seen
        return replace(seen, condition=Status.OK, counts_from=newest.window.end, violating=0)
    if not counted or not violates(rule, newest):
        return replace(seen, condition=Status.OK)
    if bad < rule.counting.violating:
        return replace(seen, condition=Status.PENDING)
    # Another trigger than the one that was told, if its end could not be told yet.
    return replace(seen, condition=Status.TRIGGERED, triggered_at=now, notified_at=None)


def _notice(rule: AlertRule, before: AlertState, after: AlertState, now: datetime) -> Notice | None:
    if after.is_silent(now):
        return None
    if after.trouble is not None:
        return _notice_of_trouble(rule, before, after)
    if not after.is_open:
        # Also later than it cleared: nobody is told while it is silent, or while it cannot be read.
        return Notice.RESOLVED if rule.telling.on_ok and before.notified_at is not None else None
    if after.notified_at is None:
        return Notice.TRIGGERED
    is_due = rule.telling.retrigger is not None and now - after.notified_at >= rule.telling.retrigger
    return Notice.REMINDER if is_due and not after.acked_by else None


def _notice_of_trouble(rule: AlertRule, before: AlertState, after: AlertState) -> Notice | None:
    if after.trouble is before.trouble:
        return None
    if after.trouble is Status.ERROR:
        return Notice.ERROR
    # A metric that never was there has not gone away.
    is_told = rule.telling.no_data is NoData.NOTIFY and after.reading is not None
    return Notice.NO_DATA if is_told else None


def _stale_after(rule: AlertRule, reading: Reading) -> timedelta:
    if rule.counting.stale_after is not None:
        return rule.counting.stale_after
    width = reading.window.end - reading.window.start
    if not width or rule.metric.family in (Family.QUALITY, Family.LABELS):
        # Labels come late, and how late differs.
        return _LONG
    return width * rule.counting.of * _QUIET_TIMES


def _why_nothing(rule: AlertRule, readings: Sequence[Reading], now: datetime) -> str:
    if not readings:
        return f"nothing was measured of {rule.metric}"
    over = [reading for reading in readings if reading.window.end <= now]
    if not over:
        return f"the first window is complete at {min(each.window.end for each in readings):%Y-%m-%d %H:%M} UTC"
    newest = max(over, key=lambda reading: reading.window)
    ended = f"{newest.window.end:%Y-%m-%d %H:%M} UTC"
    if newest.n < rule.counting.least_samples:
        return f"the newest window, until {ended}, has {newest.n} samples, fewer than {rule.counting.least_samples}"
    if rule.needs_bound and newest.bound is None:
        return f"what chance explains of {rule.metric} is not known in the newest window, until {ended}"
    return f"no window since {ended} says anything of {rule.metric}"
