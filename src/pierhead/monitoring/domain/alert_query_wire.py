"""An alert of `alerts_v2` as its client writes it, read into a spec."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.monitoring.domain.alert_queries import (
    AGGREGATIONS,
    EmptyState,
    Operand,
    Operator,
    QuerySpec,
    Threshold,
)
from pierhead.monitoring.domain.monitors import Schedule
from pierhead.monitoring.domain.schedules import next_due

WRITABLE = (
    "display_name",
    "query_text",
    "warehouse_id",
    "evaluation",
    "schedule",
    "custom_description",
    "custom_summary",
    "custom_template_format",
    "parameters",
    "run_as",
    "run_as_user_name",
    "parent_path",
)
"""What clients set; all else is ours to say. A warehouse means nothing here, and is given back."""

_Choice = TypeVar("_Choice", Operator, EmptyState)

_OF_EVALUATION = ("source", "comparison_operator", "empty_result_state", "notification", "threshold")
_MOST_SECONDS = 999_999
_VALUES = ("bool_value", "double_value", "string_value")


def writable(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that clients set."""
    found = {key: body[key] for key in WRITABLE if body.get(key) is not None}
    evaluation = _mapping(found, "evaluation")
    if evaluation:
        found["evaluation"] = {key: evaluation[key] for key in _OF_EVALUATION if evaluation.get(key) is not None}
    return found


def masked(kept: Mapping[str, Any], sent: Mapping[str, Any], mask: str) -> dict[str, Any]:
    """What is kept, with the fields of a mask as they were sent; `*` are all. Raises InvalidArgument.

    >>> masked({"a": 1, "display_name": "x"}, {"display_name": "y"}, "display_name")
    {'a': 1, 'display_name': 'y'}
    """
    if mask.strip() == "*":
        return dict(sent)
    after = {key: dict(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
    for path in filter(None, (each.strip() for each in mask.split(","))):
        if path.partition(".")[0] not in WRITABLE:
            raise InvalidArgument(f"update_mask names {path!r}, which cannot be set; can be: {', '.join(WRITABLE)}")
        _copy(after, sent, path.split("."))
    return after


def read_query(body: Mapping[str, Any], now: datetime) -> QuerySpec:
    """Raises InvalidArgument, or NotImplementedYet for what only another identity could run."""
    evaluation, schedule = _mapping(body, "evaluation"), _mapping(body, "schedule")
    notification = _mapping(evaluation, "notification")
    if not schedule:
        raise InvalidArgument("an alert needs a schedule: quartz_cron_schedule and timezone_id")
    when = Schedule(
        _text(schedule, "quartz_cron_schedule"),
        _text(schedule, "timezone_id"),
        schedule.get("pause_status") == "PAUSED",
    )
    next_due(when, now)
    operator = _choice(Operator, evaluation, "comparison_operator")
    subscriptions = [each for each in notification.get("subscriptions") or [] if isinstance(each, Mapping)]
    return QuerySpec(
        display_name=_text(body, "display_name"),
        query_text=_text(body, "query_text"),
        source=_operand(_mapping(evaluation, "source"), "evaluation.source"),
        operator=operator,
        threshold=_threshold(_mapping(evaluation, "threshold"), operator),
        empty=_choice(EmptyState, evaluation, "empty_result_state", EmptyState.UNKNOWN),
        schedule=when,
        notify=tuple(each["destination_id"] for each in subscriptions if each.get("destination_id")),
        addresses=tuple(each["user_email"] for each in subscriptions if each.get("user_email")),
        notify_on_ok=notification.get("notify_on_ok") is True,
        retrigger_s=_seconds(notification.get("retrigger_seconds")),
        parameters=_parameters(body.get("parameters")),
        summary=str(body.get("custom_summary") or ""),
        description=str(body.get("custom_description") or ""),
    )


def run_as_of(body: Mapping[str, Any]) -> str | None:
    """Whom a client wants the query run as, if it says so."""
    run_as = _mapping(body, "run_as")
    if run_as.get("service_principal_name"):
        raise NotImplementedYet("run_as.service_principal_name is not served: a query runs as whoever made the alert")
    name = run_as.get("user_name") or body.get("run_as_user_name")
    return str(name) if name else None


def _threshold(value: Mapping[str, Any], operator: Operator) -> Threshold:
    if operator.is_of_null:
        return None
    column = _mapping(value, "column")
    if column:
        return _operand(column, "evaluation.threshold.column")
    given = [(_mapping(value, "value"))[key] for key in _VALUES if _mapping(value, "value").get(key) is not None]
    if len(given) != 1 or not isinstance(given[0], str | int | float | bool):
        raise InvalidArgument(f"evaluation.threshold needs a column, or a value: one of {', '.join(_VALUES)}")
    return float(given[0]) if isinstance(given[0], int) and not isinstance(given[0], bool) else given[0]


def _operand(value: Mapping[str, Any], where: str) -> Operand:
    aggregation = value.get("aggregation")
    if aggregation is not None and aggregation not in AGGREGATIONS:
        raise InvalidArgument(f"{where}.aggregation must be one of {', '.join(AGGREGATIONS)}, not {aggregation!r}")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidArgument(f"{where} needs the name of a column")
    return Operand(name, aggregation)


def _parameters(value: object) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for each in value if isinstance(value, list) else []:
        name = each.get("name") if isinstance(each, Mapping) else None
        if not isinstance(name, str) or not name.isidentifier() or name in found:
            raise InvalidArgument(f"each parameter needs a name of its own, of letters and digits, not {name!r}")
        text = each.get("value")
        found[name] = None if text is None else str(text)
    return found


def _seconds(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_SECONDS:
        raise InvalidArgument(f"notification.retrigger_seconds must be from 0 to {_MOST_SECONDS}, not {value!r}")
    return value


def _copy(after: dict[str, Any], sent: Mapping[str, Any], path: list[str]) -> None:
    first, rest = path[0], path[1:]
    if not rest:
        if first in sent:
            after[first] = sent[first]
        else:
            after.pop(first, None)
        return
    below = after.get(first)
    after[first] = dict(below) if isinstance(below, Mapping) else {}
    _copy(after[first], _mapping(sent, first), rest)


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found.strip():
        raise InvalidArgument(f"missing value for required parameter '{key}'")
    return found


def _choice(kind: type[_Choice], value: Mapping[str, Any], key: str, usual: _Choice | None = None) -> _Choice:
    found = value.get(key)
    if found is None and usual is not None:
        return usual
    for each in kind:
        if each.value == found:
            return each
    raise InvalidArgument(f"evaluation.{key} must be one of {', '.join(each.value for each in kind)}, not {found!r}")
