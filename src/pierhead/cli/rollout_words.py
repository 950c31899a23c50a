"""Rollouts as people read them."""

from collections.abc import Iterable, Iterator
from typing import Any

STATUS_WORDS = {
    "running": "running",
    "paused": "paused",
    "held": "waits for a person",
    "promoting": "is being promoted",
    "promoted": "promoted",
    "rolled_back": "rolled back",
    "aborted": "aborted",
    "failed": "failed",
}
MARKS = {"passed": "✔", "current": "●", "ended": "✖", "next": "○"}


def candidate_of(rollout: dict[str, Any]) -> str:
    """`model/version`."""
    return f"{rollout['candidate']['model_name']}/{rollout['candidate']['model_version']}"


def step_name(step: dict[str, Any]) -> str:
    """What a step does to the traffic.

    >>> step_name({"weight": 4.9, "shadow_rate": 0.0}), step_name({"weight": 0, "shadow_rate": 0.5})
    ('4.9 %', 'shadow, 50 % copied')
    """
    copied = f"{step['shadow_rate'] * 100:g} % copied" if step["shadow_rate"] else ""
    if not step["weight"]:
        return f"shadow, {copied}" if copied else "shadow"
    return f"{step['weight']:g} %" + (f", {copied}" if copied else "")


def duration(seconds: float | None) -> str:
    """A span of time, in its two largest units.

    >>> duration(90), duration(3600), duration(0), duration(90061)
    ('1m 30s', '1h', '0s', '1d 1h')
    """
    if seconds is None:
        return ""
    left, words = round(seconds), []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{unit}")
    return " ".join(words[:2]) or "0s"


def amount(number: float | None) -> str:
    """A number of any size, in four digits.

    >>> amount(0.012345), amount(None), amount(12)
    ('0.01235', '', '12')
    """
    return "" if number is None else f"{number:.4g}"


def step_rows(rollout: dict[str, Any]) -> list[tuple[object, ...]]:
    """A row for each step: mark, name, least time, least requests, gates."""
    return [
        (
            MARKS[step["standing"]],
            step_name(step),
            duration(step["least_duration_s"]),
            step["least_requests"],
            ", ".join(step["gates"]),
        )
        for step in rollout["steps"]
    ]


def gate_rows(gates: Iterable[dict[str, Any]]) -> list[tuple[object, ...]]:
    """A row for each gate: name, verdict, harm seen, its bounds, margin, observations, sentence."""
    return [
        (
            gate["name"],
            gate["verdict"],
            amount(gate["estimate"]),
            _bounds(gate["lower"], gate["upper"]),
            amount(gate["margin"]),
            f"{gate['n_a']} / {gate['n_b']}" if gate["n_a"] or gate["n_b"] else "",
            gate["message"],
        )
        for gate in gates
    ]


def report_lines(comparison: dict[str, Any], most: int) -> Iterator[str]:
    """The comparison step by step, with `most` of the most different requests of each."""
    steps = comparison["rollout"]["steps"]
    for part in comparison["steps"]:
        yield f"Step {part['step'] + 1}: {step_name(steps[part['step']])}"
        yield from (f"  {line}" for line in _lines(part["reading"]))
        if part["most_different"] and most:
            yield "  most different answers (champion, candidate):"
        for each in part["most_different"][:most]:
            gap = "" if each["difference"] is None else f"  ({amount(each['difference'])} apart)"
            yield f"    {each['request_id']}: {each['champion']}  {each['candidate']}{gap}"


def _bounds(lower: float | None, upper: float | None) -> str:
    return "" if lower is None and upper is None else f"{amount(lower) or '-∞'} .. {amount(upper) or '∞'}"


def _lines(summary: Any, name: str = "") -> Iterator[str]:
    """Any nesting of objects and numbers, a line for each object that holds numbers."""
    if not isinstance(summary, dict):
        return
    flat = {key: value for key, value in summary.items() if not isinstance(value, dict | list)}
    if flat:
        told = ", ".join(f"{key.replace('_', ' ')} {_told(value)}" for key, value in flat.items())
        yield f"{name}: {told}" if name else told
    for key, value in summary.items():
        inner = f"{name} {key}".strip()
        for each in value if isinstance(value, list) else [value]:
            yield from _lines(each, inner)


def _told(value: object) -> str:
    if isinstance(value, float):
        return amount(value)
    return "-" if value is None else str(value)
