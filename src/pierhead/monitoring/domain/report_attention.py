"""What needs somebody's attention first, and what they can do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from pierhead.monitoring.domain.alert_records import KeptAlert
from pierhead.monitoring.domain.alert_rules import Family, Severity
from pierhead.monitoring.domain.alerts import Reading
from pierhead.monitoring.domain.monitors import MonitorStatus
from pierhead.monitoring.domain.report_facts import DriftFact, Facts
from pierhead.monitoring.domain.report_features import Feature
from pierhead.monitoring.domain.windows import Window

MOST_FEATURES = 5
_QUIET_WINDOWS = 3


class Gravity(IntEnum):
    """How urgent a notice is; the lower, the more."""

    ALARM = 0
    WARNING = 1
    HINT = 2


@dataclass(frozen=True, slots=True)
class Notice:
    """`subject` names it, `said` is what is known, `command` looks closer; `n` and `window` are what it rests on.

    `value`, `limit` and `bound` (what chance explains) are on the scale of `measure`.
    """

    gravity: Gravity
    subject: str
    said: str
    measure: str = ""
    value: float | None = None
    limit: float | None = None
    bound: float | None = None
    n: int | None = None
    window: Window | None = None
    command: str = ""
    drift: DriftFact | None = None


def attention_of(facts: Facts, features: Sequence[Feature]) -> list[Notice]:
    """The gravest first; of equals, alerts before what only the tables say. What an alert says is not said twice."""
    told = {alert.series for alert in facts.alerts if alert.rule.rule.metric.family is Family.DRIFT}
    untold = [each for each in features if each.name not in told]
    found = [*map(_of_alert, _gravest(facts.alerts)), *_of_monitor(facts), *_of_features(untold), *_of_labels(facts)]
    return sorted(found, key=lambda notice: notice.gravity)


def _gravest(alerts: Sequence[KeptAlert]) -> list[KeptAlert]:
    """One of several alerts about the same: who reads the alarm need not read its warning."""
    found: dict[tuple[str, str], KeptAlert] = {}
    for alert in alerts:
        about = (str(alert.rule.rule.metric), alert.series)
        known = found.get(about)
        if known is None or _severity(alert) < _severity(known):
            found[about] = alert
    return list(found.values())


def _severity(alert: KeptAlert) -> int:
    return (Severity.CRITICAL, Severity.WARNING, Severity.INFO).index(alert.rule.rule.severity)


def _of_alert(alert: KeptAlert) -> Notice:
    state, rule = alert.state, alert.rule.rule
    series = f" of {alert.series}" if alert.series else ""
    since = f"since {state.triggered_at:%Y-%m-%d %H:%M} UTC" if state.triggered_at is not None else "open"
    known = f"; acknowledged by {state.acked_by}" if state.acked_by else ""
    reading = state.reading
    is_grave = rule.severity is Severity.CRITICAL and not state.acked_by
    return Notice(
        Gravity.ALARM if is_grave else Gravity.HINT if rule.severity is Severity.INFO else Gravity.WARNING,
        f"Alert {rule.name}{series}",
        f"{since}{_detail(reading)}{_worst(reading)}{known}",
        measure=f"{rule.metric} worse by" if rule.metric.family is Family.QUALITY else str(rule.metric),
        value=None if reading is None else reading.value,
        limit=rule.limit.threshold,
        bound=None if reading is None else reading.bound,
        n=None if reading is None else reading.n,
        window=None if reading is None else reading.window,
        command=f"pierhead alerts show {alert.fingerprint[:12]}",
    )


def _detail(reading: Reading | None) -> str:
    return f": {reading.detail}" if reading is not None and reading.detail else ""


def _worst(reading: Reading | None) -> str:
    parts = ", ".join(part.name for part in reading.worst) if reading is not None else ""
    return f"; worst where {parts}" if parts else ""


def _of_monitor(facts: Facts) -> Iterator[Notice]:
    for problem in facts.problems:
        yield Notice(Gravity.ALARM, "Not everything could be read", problem)
    monitor = facts.monitor
    if monitor is None:
        return
    again = f"pierhead monitors refresh {facts.endpoint}"
    if monitor.status in (MonitorStatus.ERROR, MonitorStatus.FAILED):
        said = monitor.message or "its newest refresh failed"
        yield Notice(Gravity.ALARM, f"Monitor of {monitor.table}", said, command=again)
    quiet_since = _quiet_since(facts)
    if quiet_since is not None:
        said = f"requests came in, but nothing was measured since {quiet_since:%Y-%m-%d %H:%M} UTC"
        yield Notice(Gravity.WARNING, "Metrics are old", said, command=again)


def _quiet_since(facts: Facts) -> datetime | None:
    """When the newest measured window ended, if traffic went on for long after it."""
    measured = [each.window.end for each in facts.drift] + [
        each.window.end for each in facts.columns if each.window is not None
    ]
    asked = [each.window.start for each in facts.traffic if each.n]
    if not measured or not asked:
        return None
    width = facts.granularity.width or timedelta(days=30)
    return max(measured) if max(asked) - max(measured) >= _QUIET_WINDOWS * width else None


def _of_features(features: Sequence[Feature]) -> Iterator[Notice]:
    drifted = [each for each in features if each.is_drifted]
    for feature in drifted[:MOST_FEATURES]:
        latest = feature.latest
        assert latest is not None, "what drifted was judged"
        yield Notice(
            Gravity.ALARM if latest.level == "alarm" else Gravity.WARNING,
            f"{feature.name} drifted",
            _for_how_long(feature),
            measure=latest.statistic,
            value=latest.value,
            limit=latest.threshold,
            bound=latest.bound,
            n=latest.n,
            window=latest.window,
            drift=latest,
        )
    rest = drifted[MOST_FEATURES:]
    if rest:
        names = ", ".join(each.name for each in rest[:MOST_FEATURES]) + (" …" if len(rest) > MOST_FEATURES else "")
        gravity = Gravity.ALARM if any(each.level == "alarm" for each in rest) else Gravity.WARNING
        yield Notice(gravity, f"{len(rest)} more features drifted", names)


def _for_how_long(feature: Feature) -> str:
    """Since when each window drifted, up to the newest."""
    assert feature.latest is not None, "what drifted was judged"
    run = 0
    judged = [each for each in feature.history if each.strength is not None and each.window <= feature.latest.window]
    for each in reversed(judged):
        if not each.is_drifted:
            break
        run += 1
    start = judged[len(judged) - run].window.start
    if run == len(judged):
        return f"in all {run} windows of this period" if run > 1 else "in the only window of this period"
    return f"since {start:%Y-%m-%d %H:%M} UTC, {run} of {len(judged)} windows"


def _of_labels(facts: Facts) -> Iterator[Notice]:
    asked = sum(each.predictions for each in facts.quality if each.part is None and each.model == "*")
    known = sum(each.labelled for each in facts.quality if each.part is None and each.model == "*")
    if asked and not known:
        yield Notice(
            Gravity.HINT,
            "No labels yet",
            "how good the predictions are cannot be told",
            n=asked,
            command=f"pierhead labels add {facts.endpoint} --file LABELS.csv",
        )
