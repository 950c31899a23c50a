from datetime import UTC, datetime, timedelta

import pytest

from pierhead.identity.domain.audit_redaction import redacted
from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.monitoring.domain.alert_defaults import default_rules
from pierhead.monitoring.domain.alert_queries import Operator, is_bad
from pierhead.monitoring.domain.alert_query_wire import masked, read_query
from pierhead.monitoring.domain.alert_rules import Action, ActionKind, Side
from pierhead.monitoring.domain.alert_yaml import InvalidAlertRules, parse_rules, read_rule, rule_json, rules_yaml
from pierhead.monitoring.domain.destinations import DestinationDraft, DestinationKind, check_destination

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHOLE = b"""
endpoint: fraud
rules:
- name: drift
  metric: drift.ks_test.statistic
  columns: [amount, 'f_*']
  above: 0.2
  clears_at: 0.5
  null_bound: true
  windows: {violating: 3, of: 7, width: 1 day}
  least_samples: 50
  stale_after: 14d
  severity: critical
  notify: [ops, chat]
  notify_on_ok: false
  no_data: notify
  retrigger: 4h
  actions: [freeze_promotions, {call_webhook: fixer}]
  every: 5m
  summary: amounts are other amounts
"""


def test_a_rule_says_everything_and_reads_back_as_it_was() -> None:
    found = parse_rules(WHOLE)
    (rule,) = found.rules
    assert (rule.counting.violating, rule.counting.of, rule.counting.least_samples) == (3, 7, 50)
    assert (rule.limit.side, rule.limit.clear_value, rule.every) == (Side.ABOVE, 0.1, timedelta(minutes=5))
    assert rule.actions == (Action(ActionKind.FREEZE_PROMOTIONS), Action(ActionKind.CALL_WEBHOOK, "fixer"))
    assert rule.speaks_of("f_1")
    assert not rule.speaks_of("age")
    assert parse_rules(rules_yaml(found).encode()) == found
    assert read_rule(rule_json(rule)) == rule


def test_the_usual_rules_read_back_as_they_were() -> None:
    for is_regression in (False, True):
        found = default_rules("fraud", is_regression=is_regression)
        assert parse_rules(rules_yaml(found).encode()) == found


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("rules: []", ["name either `endpoint`"]),
        ("endpoint: a\ntable: b.c.d\nrules: []", ["name either `endpoint`"]),
        ("endpoint: a", ["'rules' is missing"]),
        ("endpoint: a\nrules: [{name: x, metric: traffic.error_rate}]", ["either `above` or `below`"]),
        ("endpoint: a\nrules: [{name: x, metric: traffic.error_rate, above: 1, below: 2}]", ["either `above`"]),
        ("endpoint: a\nrules: [{name: x, metric: query.result, above: 1}]", ["w.alerts_v2"]),
        ("endpoint: a\nrules: [{name: x, metric: traffic.error_rate, columns: a, above: 1}]", ["not of columns"]),
        ("endpoint: a\nrules: [{name: 'x y', metric: drift.DROP, above: nan}]", ["a name has", "DROP", "a number is"]),
        (
            "endpoint: a\nrules: [{name: x, metric: labels.coverage, above: 1, windows: {violating: 6, of: 3}}]",
            ["6 of 3 windows"],
        ),
        ("endpoint: a\nrules: [*x]", ["alias"]),
        (
            "endpoint: a\nrules:\n- {name: x, metric: traffic.p99_ms, above: 1}\n"
            "- {name: x, metric: traffic.p99_ms, above: 1, actions: call_webhook, clears_at: 2}",
            ["another rule named 'x'", "name the destination", "from 0 to 1"],
        ),
    ],
    ids=range(11),
)
def test_everything_that_is_wrong_is_told_at_once(text: str, problems: list[str]) -> None:
    with pytest.raises(InvalidAlertRules) as caught:
        parse_rules(text.encode())
    for words in problems:
        assert words in caught.value.message


def test_jobs_cannot_be_started_yet() -> None:
    with pytest.raises(NotImplementedYet, match="cannot start jobs yet"):
        parse_rules(b"endpoint: a\nrules: [{name: x, metric: traffic.p99_ms, above: 1, actions: {start_job: train}}]")


@pytest.mark.parametrize(
    ("value", "operator", "threshold", "expected"),
    [
        (3, "GREATER_THAN", 3.0, False),
        (3, "GREATER_THAN_OR_EQUAL", 3.0, True),
        (3, "LESS_THAN", 4.0, True),
        (3, "LESS_THAN_OR_EQUAL", 2.0, False),
        ("b", "GREATER_THAN", "a", True),
        ("3", "EQUAL", 3.0, True),
        (True, "EQUAL", True, True),
        ("true", "NOT_EQUAL", False, True),
        (None, "IS_NULL", None, True),
        (0, "IS_NOT_NULL", None, True),
        (None, "NOT_EQUAL", 1.0, False),
        (1, "EQUAL", None, False),
        (NOON, "LESS_THAN", "2026-03-01T13:00:00+02:00", False),
        (NOON.replace(tzinfo=None), "EQUAL", NOON, True),
        (NOON.date(), "LESS_THAN", "2026-03-01T11:00:00Z", True),
    ],
    ids=str,
)
def test_results_are_compared_as_the_alert_says(
    value: object, operator: str, threshold: object, expected: bool
) -> None:
    assert is_bad(value, Operator(operator), threshold) is expected


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(InvalidArgument, match="'a' cannot be compared"):
        is_bad("a", Operator.LESS_THAN, 1.0)
    with pytest.raises(InvalidArgument, match="cannot be compared") as refusal:
        is_bad(NOON, Operator.LESS_THAN, "z" * 5_000_000)
    assert len(str(refusal.value)) < 1000


def test_a_mask_changes_what_it_names_and_nothing_else() -> None:
    kept = {"display_name": "a", "evaluation": {"threshold": {"value": 1}, "source": {"name": "x"}}}
    sent = {"display_name": "b", "evaluation": {"threshold": {"value": 2}}}
    assert masked(kept, sent, "evaluation.threshold") == {
        "display_name": "a",
        "evaluation": {"threshold": {"value": 2}, "source": {"name": "x"}},
    }
    assert masked(kept, sent, "evaluation.source")["evaluation"] == {"threshold": {"value": 1}}
    assert masked(kept, sent, "*") == sent
    with pytest.raises(InvalidArgument, match="'owner_user_name', which cannot be set"):
        masked(kept, sent, "owner_user_name")


def test_an_alert_without_a_schedule_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="needs a schedule"):
        read_query({"display_name": "a"}, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (DestinationDraft("", DestinationKind.EMAIL, addresses=("a@b",)), "display_name"),
        (DestinationDraft("nobody", DestinationKind.EMAIL, addresses=("a@b",)), "nobody"),
        (DestinationDraft("a", DestinationKind.EMAIL), "1 to 50 addresses"),
        (DestinationDraft("a", DestinationKind.EMAIL, addresses=("a@b\r\nBcc: c@d",)), "no e-mail address"),
        (DestinationDraft("a", DestinationKind.WEBHOOK, "ftp://a"), "http"),
        (DestinationDraft("a", DestinationKind.WEBHOOK, "http://a", secrets={"username": "a:b"}), "':'"),
    ],
    ids=range(6),
)
def test_a_destination_that_nothing_can_be_sent_to_is_refused(draft: DestinationDraft, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        check_destination(draft)


def test_the_audit_trail_keeps_no_address_that_opens_a_chat() -> None:
    kept = redacted({"display_name": "chat", "config": {"slack": {"url": "https://hooks.example.com/T0/B0/secret"}}})
    assert kept == {"display_name": "chat", "config": {"slack": {"url": "[redacted]"}}}
