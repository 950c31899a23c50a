"""What a rollout does: its steps, how long each lasts, and the gates that its traffic must pass."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from itertools import pairwise

from pierhead.rollouts.domain.gate_terms import (
    GATE_KINDS,
    AccuracyTerms,
    AlertTerms,
    DisagreementTerms,
    ErrorTerms,
    GateTerms,
    LatencyTerms,
    SampleRatioTerms,
    ScoreTerms,
    WorstSliceTerms,
)
from pierhead.serving.domain.shares import ALL_POINTS as ALL_POINTS
from pierhead.serving.domain.shares import CANARY_POINTS as CANARY_POINTS

LONGEST_SHADOW_TIMEOUT = timedelta(seconds=300)
USUAL_SHADOW_CONCURRENCY, USUAL_SHADOW_QUEUE = 4, 64


class OnHold(Enum):
    """What happens to the candidate's traffic while a rollout waits for a person."""

    KEEP = "keep"
    WITHDRAW = "withdraw"


class OnMaxDuration(Enum):
    """How a step ends that is neither passed nor harmful when its time is over."""

    HOLD = "hold"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class Step:
    """`points` of the traffic go to the candidate, and copies of `shadow_rate` (0-1) of what the champion answers.

    A step is passed at the earliest after `least_duration` and `least_requests` answers of the candidate (in a step
    without points: pairs of a request and its shadow), when all gates are passed. `max_duration` is None where a step
    may take for ever.

    A copy is given up after `shadow_timeout`, None for the endpoint's own time-out; in each gateway at most
    `shadow_concurrency` copies are under way and `shadow_queue` wait.
    """

    points: int
    shadow_rate: float
    least_duration: timedelta
    least_requests: int
    max_duration: timedelta | None
    gates: tuple[GateTerms, ...]
    shadow_timeout: timedelta | None = None
    shadow_concurrency: int = USUAL_SHADOW_CONCURRENCY
    shadow_queue: int = USUAL_SHADOW_QUEUE

    @property
    def is_shadow(self) -> bool:
        """Whether nobody is answered by the candidate."""
        return self.points == 0

    @property
    def weight(self) -> float:
        """Percent of the traffic.

        >>> Step(490, 0.0, timedelta(), 0, None, ()).weight
        4.9
        """
        return self.points / 100

    @property
    def is_promotion(self) -> bool:
        """Whether there is nothing to watch in it: all the traffic, and no time or request to wait for."""
        return self.points == ALL_POINTS and not self.least_requests and not self.least_duration


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """Steps in their order, and how often a whole rollout may err.

    `false_alarm` bounds the probability that a candidate within all margins is ever found harmful, `false_promotion`
    that one beyond the margin of a gate with `prove` passes that gate; both over all steps and looks. No step is
    passed while the candidate's last answer is older than `quiet_after`.
    """

    steps: tuple[Step, ...]
    false_alarm: float = 0.05
    false_promotion: float = 0.05
    quiet_after: timedelta = timedelta(minutes=15)
    on_hold: OnHold = OnHold.KEEP
    on_max_duration: OnMaxDuration = OnMaxDuration.HOLD

    @property
    def is_open_ended(self) -> bool:
        """Whether no step gives the candidate traffic: a comparison that a person ends."""
        return all(step.is_shadow for step in self.steps)


def spec_problems(spec: RolloutSpec) -> list[str]:
    """Everything that makes no sense about the steps as a whole."""
    live = [step.points for step in spec.steps if not step.is_shadow]
    problems = []
    if not spec.steps:
        problems.append("there are no steps")
    if any(later <= earlier for earlier, later in pairwise(live)):
        problems.append("weights must rise from step to step")
    if not _shadows_come_first(spec.steps):
        problems.append("steps without a weight come before those with one")
    if live and live[0] > CANARY_POINTS:
        problems.append(
            f"the first step with traffic has a weight of {live[0] / 100:g}, and none before it is a canary: "
            f"start with at most {CANARY_POINTS / 100:g}"
        )
    if live and live[-1] != ALL_POINTS:
        problems.append("the last step must have a weight of 100; leave out all weights for a shadow alone")
    return problems


def _shadows_come_first(steps: tuple[Step, ...]) -> bool:
    kinds = [step.is_shadow for step in steps]
    return kinds == sorted(kinds, reverse=True)


def usual_gates(points: int, shadow_rate: float, common: Iterable[GateTerms] = ()) -> tuple[GateTerms, ...]:
    """Every gate that can say something about a step, in the order of looking; terms in `common` replace the usual.

    Where the candidate has all the traffic there is nothing to compare it with: alerts alone remain.
    """
    chosen = {type(terms): terms for terms in (*(kind() for kind in GATE_KINDS), *common)}
    return tuple(terms for kind, terms in chosen.items() if kind in kinds_for(points, shadow_rate))


def kinds_for(points: int, shadow_rate: float) -> tuple[type[GateTerms], ...]:
    """The kinds of gates that can say something about a step, in the order of looking."""
    if points == ALL_POINTS:
        return (AlertTerms,)
    kinds: list[type[GateTerms]] = [SampleRatioTerms] if points else []
    kinds += [ErrorTerms, LatencyTerms, ScoreTerms]
    if shadow_rate:
        kinds.append(DisagreementTerms)
    return (*kinds, AccuracyTerms, WorstSliceTerms, AlertTerms)


def usual_spec(common: Iterable[GateTerms] = ()) -> RolloutSpec:
    """Shadow, 1 %, 4.9 %, 10 %, 25 %, 50 %, 100 %."""
    common = tuple(common)

    def step(points: int, least: timedelta, requests: int) -> Step:
        return Step(points, 0.0, least, requests, timedelta(days=7), usual_gates(points, 0.0, common))

    hour = timedelta(hours=1)
    shadow = Step(0, 1.0, hour, 1000, timedelta(days=7), usual_gates(0, 1.0, common))
    last = replace(step(ALL_POINTS, timedelta(), 0), max_duration=None)
    return RolloutSpec(
        (
            shadow,
            step(100, hour, 200),
            step(490, timedelta(hours=24), 1000),
            step(1000, hour, 1000),
            step(2500, hour, 1000),
            step(5000, hour, 1000),
            last,
        )
    )
