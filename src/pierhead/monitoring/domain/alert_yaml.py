"""The rules of one endpoint or table as YAML, the file that people keep; and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml

from pierhead.kit.bounded_yaml import UnreadableYaml, parse_yaml
from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.kit.yaml_reader import Document, Entries, Reader, lines_of
from pierhead.monitoring.domain.alert_metrics import needs_columns, parse_metric
from pierhead.monitoring.domain.alert_rules import (
    CLEARS_AT,
    LEAST_SAMPLES,
    Action,
    ActionKind,
    AlertRule,
    Counting,
    Family,
    Limit,
    Metric,
    NoData,
    Severity,
    Side,
    Telling,
)
from pierhead.monitoring.domain.windows import Granularity

MOST_RULES = 100
_MOST_SAMPLES = 999_999
_LONGEST_NAME = 63

_RULE_KEYS = (
    "name",
    "metric",
    "columns",
    "above",
    "below",
    "clears_at",
    "null_bound",
    "windows",
    "least_samples",
    "stale_after",
    "severity",
    "notify",
    "notify_on_ok",
    "no_data",
    "retrigger",
    "actions",
    "every",
    "summary",
)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of one endpoint, or of one table: exactly one of the two is named."""

    endpoint: str
    table: str
    rules: tuple[AlertRule, ...]


class InvalidAlertRules(InvalidArgument):
    """Rules that cannot be read; `problems` are sentences with path and line, all of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the alert rules cannot be read:" + "".join(f"\n  - {problem}" for problem in problems))
        self.problems = tuple(problems)


def parse_rules(raw: bytes) -> RuleSet:
    """The rules in a document `{endpoint: NAME, rules: [...]}`, or `{table: NAME, ...}`.

    Raises InvalidAlertRules, or NotImplementedYet for actions that wait for a later release.

    >>> found = parse_rules(b"endpoint: fraud\\nrules: [{name: slow, metric: traffic.p99_ratio, above: 1.5}]")
    >>> found.rules[0].limit.clear_value
    1.2
    """
    try:
        value = parse_yaml(raw)
    except UnreadableYaml as error:
        raise InvalidAlertRules([str(error)]) from None
    lines, doubles = lines_of(raw)
    document = Document(lines, doubles)
    found = _read_set(Reader(value, (), document))
    if document.problems:
        raise InvalidAlertRules(document.problems)
    for rule in found.rules:
        if any(action.kind is ActionKind.START_JOB for action in rule.actions):
            raise NotImplementedYet(
                f"rule {rule.name!r}: alerts cannot start jobs yet, because there are none to start; "
                "call a webhook, or leave start_job out"
            )
    return found


def rules_yaml(rules: RuleSet) -> str:
    """The document again, with everything that is not as usual.

    >>> print(rules_yaml(parse_rules(b"table: a.b.c\\nrules: [{name: x, metric: drift.avg_delta, below: -1}]")), end="")
    table: a.b.c
    rules:
    - name: x
      metric: drift.avg_delta
      below: -1.0
    """
    subject = {"endpoint": rules.endpoint} if rules.endpoint else {"table": rules.table}
    document = {**subject, "rules": [rule_json(rule) for rule in rules.rules]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def read_rule(kept: Mapping[str, Any]) -> AlertRule:
    """A rule from what `rule_json` made of it."""
    raw = yaml.safe_dump(dict(kept), sort_keys=False, allow_unicode=True).encode()
    document = Document(*lines_of(raw))
    rule = _read_rule(Reader(parse_yaml(raw), (), document))
    if document.problems:
        raise InvalidAlertRules(document.problems)
    return rule


def rule_json(rule: AlertRule) -> dict[str, Any]:
    """A rule as the mapping that stands for it in YAML, without what is as usual."""
    counting, telling = rule.counting, rule.telling
    granularity = counting.granularity
    width = {"width": granularity.value} if granularity else {}
    is_usual = (counting.violating, counting.of, granularity) == (2, 5, None)
    fields: dict[str, tuple[Any, Any]] = {
        "columns": (list(rule.columns), ["*"] if needs_columns(rule.metric) else []),
        rule.limit.side.value: (rule.limit.threshold, None),
        "clears_at": (rule.limit.clears_at, CLEARS_AT),
        "null_bound": (rule.needs_bound, False),
        "windows": (None if is_usual else {"violating": counting.violating, "of": counting.of, **width}, None),
        "least_samples": (counting.least_samples, LEAST_SAMPLES),
        "stale_after": (_duration(counting.stale_after), None),
        "severity": (rule.severity.value, Severity.WARNING.value),
        "notify": (list(telling.notify), []),
        "notify_on_ok": (telling.on_ok, True),
        "no_data": (telling.no_data.value, NoData.SHOW.value),
        "retrigger": (_duration(telling.retrigger), None),
        "actions": ([_action_json(action) for action in rule.actions], []),
        "every": (_duration(rule.every), "1m"),
        "summary": (rule.summary, ""),
    }
    told = {key: value for key, (value, usual) in fields.items() if value != usual}
    return {"name": rule.name, "metric": str(rule.metric), **told}


def _read_set(reader: Reader) -> RuleSet:
    entries = reader.entries(("endpoint", "table", "rules"), required=("rules",))
    endpoint, table = entries.read("endpoint", Reader.text, ""), entries.read("table", Reader.text, "")
    if bool(endpoint) == bool(table):
        reader.refuse("name either `endpoint`, whose rules these are, or `table`, a three-part name")
    rules: tuple[AlertRule, ...] = entries.read("rules", _read_rules, ())
    return RuleSet(endpoint, table, rules)


def _read_rules(reader: Reader) -> tuple[AlertRule, ...]:
    items = reader.items()
    if len(items) > MOST_RULES:
        reader.refuse(f"there are {len(items)} rules; at most {MOST_RULES} are read")
        return ()
    rules: list[AlertRule] = []
    for item in items:
        rule = _read_rule(item)
        if rule.metric.family is Family.QUERY:
            item.refuse("an alert on a query of its own is made with the official client, `w.alerts_v2`")
        if rule.name and rule.name in {each.name for each in rules}:
            item.refuse(f"there is another rule named {rule.name!r}")
        rules.append(rule)
    return tuple(rules)


def _read_rule(reader: Reader) -> AlertRule:
    entries = reader.entries(_RULE_KEYS, required=("name", "metric"))
    metric = entries.read("metric", _read_metric, parse_metric("traffic.error_rate"))
    columns: tuple[str, ...] = entries.read("columns", Reader.texts, ())
    if columns and not needs_columns(metric):
        reader.refuse(f"{metric} is not of columns; leave `columns` out")
    if not columns and needs_columns(metric):
        columns = ("*",)
    return AlertRule(
        name=entries.read("name", _read_name, ""),
        metric=metric,
        limit=_read_limit(reader, entries),
        columns=columns,
        needs_bound=entries.read("null_bound", Reader.flag, False),
        counting=_read_counting(entries),
        severity=entries.read("severity", lambda each: each.choice(Severity), Severity.WARNING),
        telling=_read_telling(entries),
        actions=entries.read("actions", lambda each: tuple(map(_read_action, each.items())), ()),
        every=entries.read("every", Reader.duration, timedelta(minutes=1)),
        summary=entries.read("summary", Reader.text, ""),
    )


def _read_name(reader: Reader) -> str:
    name = reader.text()
    if len(name) > _LONGEST_NAME or not all(letter.isalnum() or letter in "-_." for letter in name):
        reader.refuse(f"a name has at most {_LONGEST_NAME} letters, digits, '-', '_' and '.'")
    return name


def _read_metric(reader: Reader) -> Metric:
    try:
        return parse_metric(reader.text())
    except ValueError as error:
        reader.refuse(str(error))
        return parse_metric("traffic.error_rate")


def _read_limit(reader: Reader, entries: Entries) -> Limit:
    if ("above" in entries) == ("below" in entries):
        reader.refuse("give either `above` or `below`, the value past which a window violates the rule")
    side = Side.BELOW if "below" in entries else Side.ABOVE
    clears_at = entries.read("clears_at", Reader.number, CLEARS_AT)
    if not 0 <= clears_at <= 1:
        entries.readers["clears_at"].refuse("it is a part of the limit, from 0 to 1")
        clears_at = CLEARS_AT
    return Limit(side, entries.read(side.value, Reader.number, 0.0), clears_at)


def _read_counting(entries: Entries) -> Counting:
    usual: tuple[int, int, Granularity | None] = (2, 5, None)
    violating, of, granularity = entries.read("windows", _read_windows, usual)
    stale_after: timedelta | None = entries.read("stale_after", Reader.duration, None)
    least = entries.read("least_samples", lambda each: each.count(0, _MOST_SAMPLES), LEAST_SAMPLES)
    return Counting(violating, of, least, granularity, stale_after)


def _read_windows(reader: Reader) -> tuple[int, int, Granularity | None]:
    entries = reader.entries(("violating", "of", "width"))
    violating = entries.read("violating", lambda each: each.count(1, 100), 2)
    of = entries.read("of", lambda each: each.count(1, 100), max(5, violating))
    if violating > of:
        reader.refuse(f"{violating} of {of} windows cannot violate the rule")
    width: Granularity | None = entries.read("width", lambda each: each.choice(Granularity), None)
    return violating, of, width


def _read_telling(entries: Entries) -> Telling:
    retrigger: timedelta | None = entries.read("retrigger", Reader.duration, None)
    return Telling(
        notify=entries.read("notify", Reader.texts, ()),
        on_ok=entries.read("notify_on_ok", Reader.flag, True),
        no_data=entries.read("no_data", lambda each: each.choice(NoData), NoData.SHOW),
        retrigger=retrigger,
    )


def _read_action(reader: Reader) -> Action:
    """`hold_rollout`, or `call_webhook: DESTINATION`."""
    if not isinstance(reader.value, dict):
        kind = reader.choice(ActionKind)
        if kind is ActionKind.CALL_WEBHOOK:
            reader.refuse("name the destination to call: `call_webhook: NAME`")
        return Action(kind)
    entries = reader.entries((ActionKind.CALL_WEBHOOK.value, ActionKind.START_JOB.value))
    kind = ActionKind.START_JOB if ActionKind.START_JOB.value in entries else ActionKind.CALL_WEBHOOK
    return Action(kind, entries.read(kind.value, Reader.text, ""))


def _action_json(action: Action) -> str | dict[str, str]:
    return {action.kind.value: action.target} if action.target else action.kind.value


def _duration(span: timedelta | None) -> str | None:
    """In the largest unit without a fraction.

    >>> _duration(timedelta(hours=36)), _duration(timedelta(seconds=90))
    ('36h', '90s')
    """
    if span is None:
        return None
    for letter, unit in (("w", timedelta(weeks=1)), ("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if not span % unit:
            return f"{span // unit}{letter}"
    minute = timedelta(minutes=1)
    return f"{int(span.total_seconds())}s" if span % minute else f"{span // minute}m"
