"""The how-to of alerts shows rules that can be applied, and leaves no metric and no action out."""

import re
from pathlib import Path

from pierhead.monitoring.domain.alert_rules import LABEL_METRICS, TRAFFIC_METRICS, ActionKind
from pierhead.monitoring.domain.alert_yaml import parse_rules
from pierhead.monitoring.domain.alerts import Status

PAGE = (Path(__file__).parents[2] / "docs/howto/alerts.md").read_text()


def test_the_example_can_be_read_and_says_what_its_comments_say() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    (rule,) = parse_rules(example.encode()).rules
    assert rule.limit.clear_value == 0.16
    assert rule.telling.notify == ("ops", "chat")


def test_every_metric_action_and_state_is_explained() -> None:
    explained = set(re.findall(r"`(?:traffic\.|labels\.)?(\w+)", PAGE))
    assert {*TRAFFIC_METRICS, *LABEL_METRICS, *(kind.value for kind in ActionKind)} - explained == set()
    assert set(re.findall(r"^\| ([A-Z_]+) \|", PAGE, re.M)) == {status.value for status in Status}
