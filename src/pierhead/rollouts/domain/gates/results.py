"""What gates are told and what they answer."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pierhead.statistics.sequential.means import Moments


class Verdict(Enum):
    PASSED = "passed"
    HARMFUL = "harmful"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate says at one look.

    `estimate` is the harm seen, `lower` and `upper` its anytime-valid bounds (None where there is none), `margin` what
    is allowed, all in the gate's own unit; `n_a` and `n_b` are observations of champion and candidate.
    """

    name: str
    verdict: Verdict
    message: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    margin: float | None = None
    n_a: int = 0
    n_b: int = 0


@dataclass(frozen=True, slots=True)
class LabelledArm:
    """Of the answers of one arm in one cohort: how many have a label by now, how many of those were right, and the
    loss of each (for a regression the absolute error)."""

    labelled: int
    correct: int
    losses: Moments = field(default_factory=Moments)


@dataclass(frozen=True, slots=True)
class LabelCohort:
    """Answers given in [start, end). It is mature when hardly another label will come, by the delay known so far.

    `differences` are the candidate's loss less the champion's on the same requests, where both answered (shadow); of
    those `pairs` with a label the candidate alone was right on `gained`, and the champion alone on `lost`.
    """

    start: datetime
    end: datetime
    is_mature: bool
    champion: LabelledArm
    candidate: LabelledArm
    differences: Moments = field(default_factory=Moments)
    pairs: int = 0
    gained: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """`is_about_candidate` if it speaks of the candidate and not of the endpoint as a whole."""

    name: str
    message: str
    is_about_candidate: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What no observation tells: labels by cohort of the current step (none while nobody sends labels), open alerts."""

    labels: tuple[LabelCohort, ...] = ()
    alerts: tuple[OpenAlert, ...] = ()
