"""The terms of gates: margins, and whether a gate must be proved or only not be broken.

A gate asks how much worse the candidate is than the champion and compares that harm with a margin. It is *harmful* as
soon as the lower bound of the harm is above the margin. With `prove` it is passed when the upper bound is at or below
the margin, else when the step has seen its least requests and the gate is not harmful.

No gate must be proved by default. To prove an error rate within half a point takes thousands of answers in every
step, a p99 tens of thousands: an endpoint of a few requests a minute would never end a rollout. What the usual steps
rest on instead is that harm well beyond a margin shows within the least requests of the early steps, while few
callers see it. Who has the traffic sets `prove: true`, and gets a bound on false promotions too.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class OnHarm(Enum):
    """What a harmful gate does to the rollout."""

    ROLL_BACK = "roll_back"
    HOLD = "hold"


class Metric(Enum):
    """What labels tell of an answer: whether it was right, or how far off it was."""

    ACCURACY = "accuracy"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class SampleRatioTerms:
    """The candidate gets the share of traffic that it should. Else requests are lost or led astray, and no other
    comparison means anything: it is not known to be the candidate's fault, so that a person looks at it."""

    name: ClassVar[str] = "sample_ratio"
    on_harm: OnHarm = OnHarm.HOLD


@dataclass(frozen=True, slots=True)
class ErrorTerms:
    """Share of answers that are 5xx or timed out, candidate less champion, 0-1."""

    name: ClassVar[str] = "errors"
    margin: float = 0.002
    prove: bool = False
    on_harm: OnHarm = OnHarm.ROLL_BACK


@dataclass(frozen=True, slots=True)
class LatencyTerms:
    """A high quantile of the latency, candidate by champion less 1, and for harm the median too; differences up to
    `least_ms` never matter."""

    name: ClassVar[str] = "latency"
    margin: float = 0.25
    quantile: float = 0.99
    least_ms: float = 5.0
    prove: bool = False
    on_harm: OnHarm = OnHarm.ROLL_BACK


@dataclass(frozen=True, slots=True)
class ScoreTerms:
    """Distance (Kolmogorov-Smirnov; for categories total variation) of the arms' answers in the same period, 0-1."""

    name: ClassVar[str] = "scores"
    margin: float = 0.15
    prove: bool = False
    on_harm: OnHarm = OnHarm.ROLL_BACK


@dataclass(frozen=True, slots=True)
class DisagreementTerms:
    """Share of shadowed requests with another answer, 0-1. Numbers differ if more than `tolerance` apart; None for a
    tenth of the range that the champion's first scores span."""

    name: ClassVar[str] = "disagreement"
    margin: float = 0.1
    tolerance: float | None = None
    prove: bool = False
    on_harm: OnHarm = OnHarm.ROLL_BACK


@dataclass(frozen=True, slots=True)
class AccuracyTerms:
    """By labels of equal, matured cohorts: champion less candidate for accuracy (share 0-1), candidate by champion
    less 1 for loss. Without labels it is passed, unless `require`."""

    name: ClassVar[str] = "accuracy"
    margin: float = 0.02
    metric: Metric = Metric.ACCURACY
    least_labels: int = 100
    require: bool = False
    prove: bool = False
    on_harm: OnHarm = OnHarm.ROLL_BACK


@dataclass(frozen=True, slots=True)
class WorstSliceTerms:
    """The worst slice (a categorical feature's value): share of disagreement in shadow; else the larger of the
    difference of error shares and the distance of answers, 0-1. Slices below `least_requests` are not looked at."""

    name: ClassVar[str] = "worst_slice"
    margin: float = 0.3
    least_requests: int = 20
    on_harm: OnHarm = OnHarm.ROLL_BACK


@dataclass(frozen=True, slots=True)
class AlertTerms:
    """No alert is open: one about the candidate is harmful, any other is waited for."""

    name: ClassVar[str] = "alerts"
    on_harm: OnHarm = OnHarm.ROLL_BACK


GateTerms = (
    SampleRatioTerms
    | ErrorTerms
    | LatencyTerms
    | ScoreTerms
    | DisagreementTerms
    | AccuracyTerms
    | WorstSliceTerms
    | AlertTerms
)

GATE_KINDS: tuple[type[GateTerms], ...] = (
    SampleRatioTerms,
    ErrorTerms,
    LatencyTerms,
    ScoreTerms,
    DisagreementTerms,
    AccuracyTerms,
    WorstSliceTerms,
    AlertTerms,
)
"""In the order of looking."""
