"""Windows of an hour and a rule about them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pierhead.monitoring.domain.alert_metrics import parse_metric
from pierhead.monitoring.domain.alert_rules import AlertRule, Counting, Limit, Side, Telling
from pierhead.monitoring.domain.alerts import AlertDecision, AlertState, Reading, begin, judge
from pierhead.monitoring.domain.windows import Window

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = AlertRule("drift", parse_metric("drift.population_stability_index"), Limit(Side.ABOVE, 0.2), columns=("*",))


def rule(**fields: Any) -> AlertRule:
    """RULE with other fields; those of `counting` and `telling` by their own names."""
    parts: dict[str, Any] = {}
    for name, kind in (("counting", Counting), ("telling", Telling)):
        own = {key: fields.pop(key) for key in list(fields) if key in kind.__dataclass_fields__}
        parts[name] = replace(getattr(RULE, name), **own)
    return replace(RULE, **parts, **fields)


def reading(hour: int, value: float | None, n: int = 1000, bound: float | None = None) -> Reading:
    return Reading(Window(START + hour * HOUR, START + (hour + 1) * HOUR), value, n, bound)


def readings(*values: float | None, first: int = 0) -> list[Reading]:
    return [reading(first + hour, value) for hour, value in enumerate(values)]


def at(hour: float) -> datetime:
    return START + hour * HOUR


def watch(of: AlertRule, values: list[float | None], state: AlertState | None = None) -> list[AlertDecision]:
    """A look at the end of each hour, at everything up to then."""
    found, seen = [], readings(*values)
    state = state or begin(START)
    for hour in range(1, len(values) + 1):
        decision = judge(of, state, seen[:hour], at(hour))
        found.append(decision)
        state = decision.after
    return found


def statuses(decisions: list[AlertDecision]) -> list[str]:
    return [decision.after.status.value for decision in decisions]


def notices(decisions: list[AlertDecision]) -> list[str | None]:
    return [None if decision.notice is None else decision.notice.value for decision in decisions]
