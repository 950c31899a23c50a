"""What is told of alerts: for people, for programs, and in Slack's format."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.monitoring.domain.alert_metrics import tells_values
from pierhead.monitoring.domain.alert_rules import AlertRule, Family
from pierhead.monitoring.domain.alerts import AlertState, Notice, Reading, Slice, Status

MOST_TOLD = 10
"""Alerts of one rule that a message lists; the rest is counted."""

_WORDS = {
    Notice.TRIGGERED: "triggered",
    Notice.REMINDER: "is still triggered",
    Notice.RESOLVED: "is resolved",
    Notice.NO_DATA: "has no data",
    Notice.ERROR: "cannot be evaluated",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One alert in a message. `series` is the column or model that it is about, empty for the whole."""

    fingerprint: str
    event_id: str
    series: str
    state: AlertState


@dataclass(frozen=True, slots=True)
class Message:
    """`subject` is `endpoint NAME`, `table NAME` or `query NAME`; `alerts` are of one rule, the worst first.

    `is_test`: somebody tries whether it arrives, and nothing is to be done.
    """

    notice: Notice
    rule: AlertRule
    subject: str
    alerts: tuple[Told, ...]
    custom_summary: str = ""
    custom_description: str = ""
    is_test: bool = False


def title_of(message: Message) -> str:
    """One line."""
    title = _title(message)
    return f"Test: {title}" if message.is_test else title


def _title(message: Message) -> str:
    if message.custom_summary:
        return message.custom_summary
    severity = message.rule.severity.value
    return f"[{severity}] {message.rule.name} of {message.subject} {_WORDS[message.notice]}"


def text_of(message: Message) -> str:
    """All that a person needs: what, how large against which limit, from how many, when, where it is worst, and the
    command to look closer."""
    if message.custom_description:
        return message.custom_description
    head = [f"{message.rule.summary[:1].upper()}{message.rule.summary[1:]}."] if message.rule.summary else []
    lines = [sentence(message.rule, told.series, told.state) for told in message.alerts[:MOST_TOLD]]
    rest = len(message.alerts) - MOST_TOLD
    if rest > 0:
        lines.append(f"... and {rest} more")
    return "\n".join([*head, *lines, f"Look closer: {command_of(message)}"])


def command_of(message: Message) -> str:
    """What a person types to see more."""
    if len(message.alerts) == 1:
        return f"pierhead alerts show {message.alerts[0].fingerprint}"
    return f"pierhead alerts list --rule {message.rule.name}"


def sentence(rule: AlertRule, series: str, state: AlertState) -> str:
    """The state of one alert in words."""
    of = f" of {series!r}" if series else ""
    if state.trouble is not None:
        return f"{rule.metric}{of}: {state.message}"
    reading = state.reading
    if reading is None or reading.value is None:
        return f"{rule.metric}{of}: nothing was measured"
    sides = {
        Status.OK: f"limit: {rule.limit}, clears at {rule.limit.clear_value:g}",
        Status.PENDING: str(rule.limit),
        Status.TRIGGERED: str(rule.limit),
    }
    # More is worse: the value is how far it is from the reference.
    verb = "is worse by" if rule.metric.family is Family.QUALITY else "is"
    words = [f"{rule.metric}{of} {verb} {reading.value:.4g} ({sides[state.condition]}{_bound(reading)})"]
    words.append(f"n = {reading.n:,}")
    words.append(_window(reading))
    if state.condition is not Status.OK:
        words.append(f"{state.violating} of the last {state.of} windows")
    if reading.detail:
        words.append(reading.detail)
    text = ", ".join(words)
    return f"{text}; worst slices: {_slices(reading.worst)}" if reading.worst else text


def bare_sentence(rule: AlertRule, series: str, state: AlertState) -> str:
    """As `sentence`, for people who may not read the values that were measured."""
    if not tells_values(rule.metric):
        return sentence(rule, series, state)
    return f"{rule.metric}: {state.status.value} since {state.since:%Y-%m-%d %H:%M} UTC"


def webhook_json(message: Message, delivery_id: str, at_ms: int) -> dict[str, Any]:
    """What webhooks are told. `event_id` is the same whenever it is sent again."""
    return {
        "event_id": delivery_id,
        "event": "alert.test" if message.is_test else f"alert.{message.notice.value}",
        "is_test": message.is_test,
        "timestamp_ms": at_ms,
        "rule": message.rule.name,
        "severity": message.rule.severity.value,
        "subject": message.subject,
        "title": title_of(message),
        "text": text_of(message),
        "command": command_of(message),
        "alerts": [alert_json(message.rule, told) for told in message.alerts],
    }


def alert_json(rule: AlertRule, told: Told) -> dict[str, Any]:
    """One alert with its numbers."""
    state = told.state
    return {
        "fingerprint": told.fingerprint,
        "event_id": told.event_id,
        "series": told.series,
        "status": state.status.value,
        "metric": str(rule.metric),
        "threshold": rule.limit.threshold,
        "side": rule.limit.side.value,
        "message": sentence(rule, told.series, state),
        **reading_json(state.reading),
    }


def reading_json(reading: Reading | None) -> dict[str, Any]:
    """Numbers of a reading; moments in milliseconds since 1970."""
    if reading is None:
        return {}
    return {
        "value": reading.value,
        "null_bound": reading.bound,
        "n": reading.n,
        "window": {"start": to_ms(reading.window.start), "end": to_ms(reading.window.end)},
        "worst_slices": [{"slice": each.name, "value": each.value, "n": each.n} for each in reading.worst],
        "detail": reading.detail,
    }


def slack_json(message: Message) -> dict[str, Any]:
    """For an incoming webhook of Slack: a header and the text, which Slack limits to 3000 characters."""
    title, text = title_of(message), _escaped(text_of(message))
    return {
        "text": _escaped(title),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title[:150]}},
            {"type": "section", "text": {"type": "mrkdwn", "text": text[:2990]}},
        ],
    }


def _bound(reading: Reading) -> str:
    return "" if reading.bound is None else f", chance explains up to {reading.bound:.3g}"


def _window(reading: Reading) -> str:
    window = reading.window
    if window.start == window.end:
        return f"at {window.end:%Y-%m-%d %H:%M} UTC"
    same_day = window.start.date() == window.end.date()
    end = f"{window.end:%H:%M}" if same_day else f"{window.end:%Y-%m-%d %H:%M}"
    return f"window {window.start:%Y-%m-%d %H:%M} to {end} UTC"


def _slices(worst: Sequence[Slice]) -> str:
    return ", ".join(f"{each.name} {each.value:.3g} (n = {each.n:,})" for each in worst)


def _escaped(text: str) -> str:
    """Slack's three characters with a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
