"""What a rollout proves of its version, by its plan: a plan that asks for nothing proves nothing.

A plan is measured by another one, that of the policy's rule for the endpoint, or `LEAST` where the rule has none. It is
as strict if every gate of that one is on in every step of the same kind, no laxer, and if for each of that one's steps
it has one of the same kind that lasts as long and sees as many requests. Many short steps are not a long one: every
step begins to count anew, and each has its part only of the level at which harm is found.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from operator import ge, le
from typing import Any

from pierhead.rollouts.domain.gate_terms import GateTerms, OnHarm
from pierhead.rollouts.domain.specs import ALL_POINTS, CANARY_POINTS, RolloutSpec, Step, usual_gates, usual_spec

_Kind = Callable[[Step], bool]
_HOUR = timedelta(hours=1)
_ALL = Step(ALL_POINTS, 0.0, timedelta(), 0, None, usual_gates(ALL_POINTS, 0.0))

_SHADOW = Step(0, 1.0, _HOUR, 1000, None, usual_gates(0, 1.0))

LEAST = RolloutSpec((_SHADOW, Step(CANARY_POINTS, 0.0, _HOUR, 1000, None, usual_gates(CANARY_POINTS, 0.0)), _ALL))
"""The least that counts as a canary where no policy says more: an hour and 1000 requests in shadow, where wrong answers
show, and as much with at most 5 %."""

LEAST_SHADOW = RolloutSpec((_SHADOW,))
"""The least that counts as a shadow where no policy says more: an hour and 1000 requests."""

_USUAL_STEPS = len(usual_spec().steps)


@dataclass(frozen=True, slots=True)
class Worth:
    """Why a rollout is no proof that its version stood a canary, or a shadow, and why the promotion gate hears nothing
    of it; "" where it does."""

    canary: str = ""
    shadow: str = ""
    report: str = ""


FULL_WORTH = Worth()


def is_proof_worthy(spec: RolloutSpec, required: RolloutSpec | None) -> bool:
    """Whether a version that passed `spec` stood a canary, where `required` is the plan that the rule names, if any."""
    return not canary_lacks(spec, required)


def canary_lacks(spec: RolloutSpec, required: RolloutSpec | None) -> tuple[str, ...]:
    """What is missing in `spec`, in words. A shadow is asked for where `required` has one, or is none or no canary."""
    measure = required if required is not None and any(map(_is_canary, required.steps)) else LEAST
    lacks = [*_lax_levels(spec, measure), *_short(spec, measure, "with at most 5 %", _is_canary)]
    lacks += _lax_gates(spec, measure, _is_split)
    if any(map(_is_shadow, measure.steps)):
        lacks += shadow_lacks(spec, measure)
    return tuple(dict.fromkeys(lacks))


def shadow_lacks(spec: RolloutSpec, required: RolloutSpec | None) -> tuple[str, ...]:
    """What a shadow of `spec` lacks to be evidence, in words."""
    measure = required if required is not None and any(map(_is_shadow, required.steps)) else LEAST_SHADOW
    lacks = [*_lax_levels(spec, measure), *_short(spec, measure, "in shadow", _is_shadow)]
    return (*lacks, *_lax_gates(spec, measure, _is_shadow))


def is_as_strict(terms: GateTerms, required: GateTerms) -> bool:
    """Whether a gate finds all the harm that another one of its kind finds."""
    pairs = ((each.name, getattr(terms, each.name), getattr(required, each.name)) for each in fields(required))
    return all(_ORDERS.get(name, _is_equal)(own, least) for name, own, least in pairs)


def _is_canary(step: Step) -> bool:
    return 0 < step.points <= CANARY_POINTS


def _is_split(step: Step) -> bool:
    return 0 < step.points < ALL_POINTS


def _is_shadow(step: Step) -> bool:
    return step.is_shadow


def _short(spec: RolloutSpec, required: RolloutSpec, where: str, is_kind: _Kind) -> Iterator[str]:
    own, least = (list(filter(is_kind, each.steps)) for each in (spec, required))
    for wanted in least:
        if not any(_is_as_long(step, wanted) for step in own):
            requests = max((step.least_requests for step in own), default=0)
            lasting = max((step.least_duration for step in own), default=timedelta())
            yield (
                f"no step {where} of {wanted.least_requests} requests and {wanted.least_duration} "
                f"(at most {requests} of {wanted.least_requests} requests, {lasting} of {wanted.least_duration})"
            )


def _is_as_long(step: Step, wanted: Step) -> bool:
    return step.least_requests >= wanted.least_requests and step.least_duration >= wanted.least_duration


def _lax_gates(spec: RolloutSpec, required: RolloutSpec, is_kind: _Kind) -> Iterator[str]:
    """Gates that some step of this kind has not, or laxer than every such step of `required` has them."""
    wanted: dict[type[GateTerms], list[GateTerms]] = {}
    for terms in _gates(filter(is_kind, required.steps)):
        wanted.setdefault(type(terms), []).append(terms)
    for kind, choices in wanted.items():
        for step in filter(is_kind, spec.steps):
            own = next((terms for terms in step.gates if type(terms) is kind), None)
            name = f"gate '{kind.name}' {'in shadow' if step.is_shadow else f'at {step.weight:g} %'}"
            if own is None:
                yield f"{name} is off"
            elif not any(is_as_strict(own, each) for each in choices):
                yield f"{name} is too lax"


def _gates(steps: Iterable[Step]) -> Iterator[GateTerms]:
    return (terms for step in steps for terms in step.gates)


def _lax_levels(spec: RolloutSpec, required: RolloutSpec) -> Iterator[str]:
    # Whoever may hardly ever raise an alarm finds little harm, and the steps share what may be.
    if spec.false_alarm < required.false_alarm:
        yield f"false_alarm is {spec.false_alarm:g}, less than {required.false_alarm:g}"
    most = max(len(required.steps), _USUAL_STEPS) * spec.false_alarm / required.false_alarm
    if len(spec.steps) > most:
        yield f"false_alarm is divided among {len(spec.steps)} steps, more than {most:g}"
    if spec.false_promotion > required.false_promotion:
        yield f"false_promotion is {spec.false_promotion:g}, more than {required.false_promotion:g}"
    if spec.quiet_after > required.quiet_after:
        yield f"quiet_after is {spec.quiet_after}, longer than {required.quiet_after}"


def _acts_as(on_harm: OnHarm, required: OnHarm) -> bool:
    return on_harm is required or on_harm is OnHarm.ROLL_BACK


def _is_equal(own: object, required: object) -> bool:
    return own == required


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "margin": le,
    "least_ms": le,
    "least_labels": le,
    "least_requests": le,
    "prove": ge,
    "require": ge,
    "on_harm": _acts_as,
}
"""How a field of a gate's terms compares with that of the required one; all others must be equal."""
