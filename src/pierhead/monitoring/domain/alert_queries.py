"""Alerts on a query of their own, as the official client's `alerts_v2` has them: what they say, and how one result is
judged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.alert_rules import AlertRule, Counting, Family, Limit, Metric, Side, Telling
from pierhead.monitoring.domain.destinations import NOBODY
from pierhead.monitoring.domain.monitors import Schedule

FIRST_ROW = "first row"
AGGREGATIONS: Mapping[str, str] = {
    "AVG": "avg({})",
    "COUNT": "count({})",
    "COUNT_DISTINCT": "count(DISTINCT {})",
    "MAX": "max({})",
    "MEDIAN": "median({})",
    "MIN": "min({})",
    "STDDEV": "stddev_samp({})",
    "SUM": "sum({})",
}
"""The wire's words as SQL over a column."""

_TEMPLATE = re.compile(r"\{\{\s*([A-Z_]+)\s*\}\}")


class Operator(Enum):
    """Values are the words of the wire."""

    EQUAL = "EQUAL"
    NOT_EQUAL = "NOT_EQUAL"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"
    IS_NULL = "IS_NULL"
    IS_NOT_NULL = "IS_NOT_NULL"

    @property
    def is_of_null(self) -> bool:
        return self in (Operator.IS_NULL, Operator.IS_NOT_NULL)


class EmptyState(Enum):
    """What a result without rows means."""

    OK = "OK"
    TRIGGERED = "TRIGGERED"
    ERROR = "ERROR"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Operand:
    """A column of the result; `aggregation` None is its value in the first row."""

    column: str
    aggregation: str | None = None

    def __str__(self) -> str:
        return f"{self.aggregation or FIRST_ROW} of {self.column}"


MOST_SHOWN = 300
"""Characters of a value that states, events and messages show."""

Threshold = float | str | bool | Operand | None


@dataclass(frozen=True, slots=True)
class QuerySpec:
    """What an alert says. `parameters` by name; `notify` are ids of destinations and e-mail addresses."""

    display_name: str
    query_text: str
    source: Operand
    operator: Operator
    threshold: Threshold
    empty: EmptyState
    schedule: Schedule
    notify: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    notify_on_ok: bool = False
    retrigger_s: int = 0
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    summary: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """As it is kept; `body` is the alert as a client wrote it."""

    id: str
    owner: str
    body: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
    evaluated_at: datetime | None = None
    next_at: datetime | None = None


def rule_of(spec: QuerySpec, destinations: tuple[str, ...]) -> AlertRule:
    """The rule by which a result, 1 for bad and 0 for good, is judged: each look decides for itself."""
    name = re.sub(r"[^\w.-]+", "-", spec.display_name).strip("-")[:63] or "query"
    retrigger = timedelta(seconds=spec.retrigger_s) if spec.retrigger_s else None
    return AlertRule(
        name=name,
        metric=Metric(Family.QUERY, "result"),
        limit=Limit(Side.ABOVE, 0.5, clears_at=1.0),
        counting=Counting(violating=1, of=1, least_samples=0),
        telling=Telling(notify=destinations or (NOBODY,), on_ok=spec.notify_on_ok, retrigger=retrigger),
    )


def is_bad(value: Any, operator: Operator, threshold: Any) -> bool:
    """Whether a result meets the condition. A null meets none but those about nulls. Raises InvalidArgument for values
    that cannot be compared.

    >>> is_bad(3, Operator.GREATER_THAN, 2.0), is_bad(None, Operator.LESS_THAN, 2.0), is_bad("a", Operator.EQUAL, "a")
    (True, False, True)
    """
    if operator.is_of_null:
        return (value is None) is (operator is Operator.IS_NULL)
    if value is None or threshold is None:
        return False
    left, right = _comparable(value, threshold)
    match operator:
        case Operator.EQUAL:
            return bool(left == right)
        case Operator.NOT_EQUAL:
            return bool(left != right)
        case Operator.GREATER_THAN:
            return bool(left > right)
        case Operator.GREATER_THAN_OR_EQUAL:
            return bool(left >= right)
        case Operator.LESS_THAN:
            return bool(left < right)
        case _:
            return bool(left <= right)


def shown(value: object) -> str:
    """A value in words; of a long one its beginning.

    >>> shown("a" * 500)[-12:], shown(0.5)
    ('aaaaaaaaa...', '0.5')
    """
    text = str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with its variables filled in; those that we do not know stay.

    >>> filled("{{ALERT_NAME}} is {{ ALERT_STATUS }} {{OTHER}}", {"ALERT_NAME": "a", "ALERT_STATUS": "OK"})
    'a is OK {{OTHER}}'
    """
    return _TEMPLATE.sub(lambda match: values.get(match[1], match[0]), template)


def _comparable(value: Any, threshold: Any) -> tuple[Any, Any]:
    if isinstance(value, bool) or isinstance(threshold, bool):
        return _flag(value), _flag(threshold)
    if isinstance(threshold, str) and isinstance(value, str):
        return value, threshold
    try:
        if isinstance(value, date) or isinstance(threshold, date):
            return _moment(value), _moment(threshold)
        return float(value), float(threshold)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgument(f"{shown(repr(value))} cannot be compared with {shown(repr(threshold))}") from None


def _moment(value: Any) -> datetime:
    """UTC where nothing else is said. Raises ValueError or TypeError for what is no day and no time."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _flag(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, bool | int | float):
        return bool(value)
    raise InvalidArgument(f"{shown(repr(value))} is neither true nor false")
