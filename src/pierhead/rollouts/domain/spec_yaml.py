"""Specs of rollouts as YAML: reads one and says everything that is wrong with it at once, or writes it out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import yaml

from pierhead.kit.bounded_yaml import UnreadableYaml, parse_yaml
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.yaml_reader import Document, Reader, lines_of
from pierhead.rollouts.domain.gate_terms import GateTerms
from pierhead.rollouts.domain.gates_yaml import gate_yaml, read_gates
from pierhead.rollouts.domain.specs import (
    ALL_POINTS,
    LONGEST_SHADOW_TIMEOUT,
    USUAL_SHADOW_CONCURRENCY,
    USUAL_SHADOW_QUEUE,
    OnHold,
    OnMaxDuration,
    RolloutSpec,
    Step,
    kinds_for,
    spec_problems,
    usual_gates,
    usual_spec,
)

MOST_STEPS = 50

_KEYS = ("false_alarm", "false_promotion", "quiet_after", "on_hold", "on_max_duration", "gates", "steps")
_SHADOW_KEYS = ("shadow_timeout", "shadow_concurrency", "shadow_queue")
_STEP_KEYS = ("weight", "shadow_rate", *_SHADOW_KEYS, "least_duration", "least_requests", "max_duration", "gates")
_MOST_COPIES, _MOST_WAITING = 256, 10_000
_NEVER = "never"
_LEAST_DURATION = timedelta(hours=1)
_MAX_DURATION = timedelta(days=7)
_LEAST_REQUESTS = 1000
_LEAST_LEVEL, _MOST_LEVEL = 1e-6, 0.5
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))

Gates = Mapping[type[GateTerms], GateTerms | None]
"""Terms by kind; None for a gate that is switched off."""


class InvalidSpec(InvalidArgument):
    """A spec that cannot be read; `problems` are sentences with path and line, all of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the rollout's spec cannot be read:" + "".join(f"\n  - {problem}" for problem in problems))
        self.problems = tuple(problems)


def parse_spec(raw: bytes) -> RolloutSpec:
    """The spec in a document; what it leaves out is as usual, and so is everything in an empty one. Raises InvalidSpec.

    >>> [step.weight for step in parse_spec(b"steps: [{shadow_rate: 1}, {weight: 4.9}, {weight: 100}]").steps]
    [0.0, 4.9, 100.0]
    """
    try:
        value = parse_yaml(raw)
    except UnreadableYaml as error:
        raise InvalidSpec([str(error)]) from None
    lines, doubles = lines_of(raw)
    document = Document(lines, doubles)
    spec = read_spec(Reader(value, (), document))
    if document.problems:
        raise InvalidSpec(document.problems)
    return spec


def read_spec(reader: Reader) -> RolloutSpec:
    """The spec in a part of a document. What is wrong with it is refused there."""
    entries = reader.entries(_KEYS)
    common: Gates = entries.read("gates", read_gates, {})
    usual = usual_spec()
    spec = RolloutSpec(
        entries.read("steps", lambda each: _read_steps(each, common), _with_common(usual.steps, common)),
        entries.read("false_alarm", _read_level, usual.false_alarm),
        entries.read("false_promotion", _read_level, usual.false_promotion),
        entries.read("quiet_after", Reader.duration, usual.quiet_after),
        entries.read("on_hold", lambda each: each.choice(OnHold), usual.on_hold),
        entries.read("on_max_duration", lambda each: each.choice(OnMaxDuration), usual.on_max_duration),
    )
    for problem in spec_problems(spec):
        reader.refuse(problem)
    return spec


def _with_common(steps: tuple[Step, ...], common: Gates) -> tuple[Step, ...]:
    return tuple(replace(step, gates=_gates(step.points, step.shadow_rate, common)) for step in steps)


def _read_level(reader: Reader) -> float:
    level = reader.number()
    if not _LEAST_LEVEL <= level <= _MOST_LEVEL:
        reader.refuse(f"a probability from {_LEAST_LEVEL:g} to {_MOST_LEVEL:g} is needed, not {level:g}")
        return _MOST_LEVEL
    return level


def _read_steps(reader: Reader, common: Gates) -> tuple[Step, ...]:
    items = reader.items()
    if len(items) > MOST_STEPS:
        reader.refuse(f"there are {len(items)} steps; at most {MOST_STEPS} are read")
        return ()
    return tuple(_read_step(item, common) for item in items)


def _read_step(reader: Reader, common: Gates) -> Step:
    entries = reader.entries(_STEP_KEYS)
    if "weight" not in entries and "shadow_rate" not in entries:
        reader.refuse("a `weight` (percent) or a `shadow_rate` (0-1) is needed")
    points = entries.read("weight", _read_weight, 0)
    rate = entries.read("shadow_rate", _read_rate, 0.0)
    is_all = points == ALL_POINTS
    if is_all and rate:
        reader.refuse("with a weight of 100 nothing is left to copy; leave out `shadow_rate`")
    if is_all and not entries.readers.keys() & {"least_duration", "least_requests"}:
        least, requests, longest = timedelta(), 0, None
    else:
        least, requests, longest = _LEAST_DURATION, _LEAST_REQUESTS, _MAX_DURATION
    step = Step(
        points,
        rate,
        entries.read("least_duration", _read_least, least),
        entries.read("least_requests", lambda each: each.count(0 if is_all else 1, 999_999), requests),
        entries.read("max_duration", _read_longest, longest),
        _gates(points, rate, {**common, **entries.read("gates", lambda each: _read_own(each, points, rate), {})}),
        entries.read("shadow_timeout", _read_shadow_timeout, None),
        entries.read("shadow_concurrency", lambda each: each.count(1, _MOST_COPIES), USUAL_SHADOW_CONCURRENCY),
        entries.read("shadow_queue", lambda each: each.count(0, _MOST_WAITING), USUAL_SHADOW_QUEUE),
    )
    if not rate and entries.readers.keys() & set(_SHADOW_KEYS):
        reader.refuse(f"without a `shadow_rate` nothing is copied; leave out {', '.join(_SHADOW_KEYS)}")
    if step.max_duration is not None and step.max_duration <= step.least_duration:
        reader.refuse("`max_duration` must be longer than `least_duration`")
    return step


def _read_own(reader: Reader, points: int, rate: float) -> Gates:
    """The gates of one step: those that can say nothing about it are refused."""
    found = read_gates(reader)
    possible = kinds_for(points, rate)
    for kind, terms in found.items():
        if terms is not None and kind not in possible:
            known = ", ".join(each.name for each in possible)
            reader.refuse(f"'{kind.name}' has nothing to compare in this step; there are {known}")
    return found


def _gates(points: int, rate: float, chosen: Gates) -> tuple[GateTerms, ...]:
    given = [terms for terms in chosen.values() if terms is not None]
    off = {kind for kind, terms in chosen.items() if terms is None}
    return tuple(terms for terms in usual_gates(points, rate, given) if type(terms) not in off)


def _read_weight(reader: Reader) -> int:
    points = reader.number() * 100
    if abs(points - round(points)) > 1e-6 or not 1 <= round(points) <= ALL_POINTS:
        reader.refuse(f"a percentage from 0.01 to 100 with two decimals is needed, not {reader.value!r}")
        return 1
    return round(points)


def _read_rate(reader: Reader) -> float:
    rate = reader.number()
    if not 0 < rate <= 1:
        reader.refuse(f"a share above 0 and at most 1 is needed, not {reader.value!r}")
        return 1.0
    return rate


def _read_least(reader: Reader) -> timedelta:
    return timedelta() if str(reader.value) in ("0", "0s") else reader.duration()


def _read_shadow_timeout(reader: Reader) -> timedelta:
    timeout = reader.duration()
    if timeout > LONGEST_SHADOW_TIMEOUT:
        reader.refuse(f"a copy is given up after {duration_text(LONGEST_SHADOW_TIMEOUT)} at the latest")
    return timeout


def _read_longest(reader: Reader) -> timedelta | None:
    return None if reader.value == _NEVER else reader.duration()


def spec_yaml(spec: RolloutSpec) -> str:
    """The spec with nothing left out; `parse_spec` gives the same again. Durations must be whole seconds."""
    document = {
        "false_alarm": spec.false_alarm,
        "false_promotion": spec.false_promotion,
        "quiet_after": duration_text(spec.quiet_after),
        "on_hold": spec.on_hold.value,
        "on_max_duration": spec.on_max_duration.value,
        "steps": [_step_yaml(step) for step in spec.steps],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _step_yaml(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if step.points:
        found["weight"] = step.points // 100 if step.points % 100 == 0 else step.points / 100
    if step.shadow_rate:
        found["shadow_rate"] = step.shadow_rate
        if step.shadow_timeout is not None:
            found["shadow_timeout"] = duration_text(step.shadow_timeout)
        found["shadow_concurrency"] = step.shadow_concurrency
        found["shadow_queue"] = step.shadow_queue
    found["least_duration"] = duration_text(step.least_duration)
    found["least_requests"] = step.least_requests
    found["max_duration"] = _NEVER if step.max_duration is None else duration_text(step.max_duration)
    by_kind = {type(terms): terms for terms in step.gates}
    possible = kinds_for(step.points, step.shadow_rate)
    found["gates"] = {kind.name: gate_yaml(by_kind[kind]) if kind in by_kind else "off" for kind in possible}
    return found


def duration_text(duration: timedelta) -> str:
    """A duration as specs write it.

    >>> duration_text(timedelta(hours=36)), duration_text(timedelta(minutes=90)), duration_text(timedelta())
    ('36h', '90m', '0s')
    """
    seconds = int(duration.total_seconds())
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds and seconds % size == 0), ("s", 1))
    return f"{seconds // size}{unit}"
