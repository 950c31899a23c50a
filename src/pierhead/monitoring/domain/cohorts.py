"""Predictions of the same time, and what is known of their labels."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from pierhead.statistics.sequential.means import Moments


class Loss(Enum):
    """How far a prediction is from its label. Values go over the wire."""

    ZERO_ONE = "zero_one"
    """1 if it is another one, 0 if it is the same."""
    SQUARED = "squared"
    ABSOLUTE = "absolute"


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """Who predicted, and why it was asked: `primary`, `candidate`, `shadow` or `direct`; "" in old records."""

    model_name: str
    model_version: str
    route: str


@dataclass(frozen=True, slots=True)
class ArmReading:
    """Counts of predictions. `loss` is of those whose label and prediction are numbers; ZERO_ONE is of all labelled."""

    predictions: int
    labelled: int
    correct: int
    loss: Moments


@dataclass(frozen=True, slots=True)
class PairCohort:
    """Labelled requests from `start` until before `end` that a shadow answered too; maturity as in `Cohort`.

    `gained` counts rows on which only the shadow was right, `lost` those on which only the one that it copies was.
    `difference` is the shadow's loss less the other's, row by row.
    """

    start: datetime
    end: datetime
    maturity: float
    is_mature: bool
    champion: Arm
    shadow: Arm
    pairs: int
    gained: int
    lost: int
    difference: Moments


@dataclass(frozen=True, slots=True)
class Cohort:
    """Predictions made from `start` until before `end`.

    `maturity` is the share of their labels that should have arrived by now, 0-1, were the youngest of them as slow as
    all labels of the period were; arms of the same cohort are equally mature and may be compared.
    """

    start: datetime
    end: datetime
    maturity: float
    is_mature: bool
    arms: Mapping[Arm, ArmReading]


@dataclass(frozen=True, slots=True)
class LabelDelays:
    """How long labels were under way: `quantiles` are seconds at the shares 0, 0.01 ... 1; empty if none has come.

    A period that is not over shows only labels that were fast: its delays are those of the fast ones.
    """

    quantiles: Sequence[float] = ()

    def at(self, share: float) -> timedelta | None:
        """The delay within which this share (0-1) of the labels came."""
        if not self.quantiles:
            return None
        return timedelta(seconds=self.quantiles[round(share * (len(self.quantiles) - 1))])

    def arrived(self, age: timedelta) -> float:
        """The share of labels that are there after `age`, 0 if nothing is known.

        >>> LabelDelays([0.0, 10.0, 20.0]).arrived(timedelta(seconds=15))
        0.5
        """
        if not self.quantiles:
            return 0.0
        reached = bisect_right(self.quantiles, age.total_seconds()) - 1
        return max(0.0, reached / (len(self.quantiles) - 1))


@dataclass(frozen=True, slots=True)
class LabelledCohorts:
    cohorts: Sequence[Cohort]
    delays: LabelDelays


@dataclass(frozen=True, slots=True)
class Cut:
    """The time from `since` until before `until`, cut into cohorts of `width` that are numbered from 0, as of `now`."""

    since: datetime
    until: datetime
    width: timedelta
    now: datetime

    def place(self, number: int, delays: LabelDelays) -> tuple[datetime, datetime, float, bool]:
        """Start and end of a cohort, and its maturity as in `Cohort`."""
        start = self.since + number * self.width
        end = min(start + self.width, self.until)
        return start, end, *mature(delays, end, self.now)


def mature(delays: LabelDelays, end: datetime, now: datetime, share: float = 0.9) -> tuple[float, bool]:
    """Maturity of a cohort that ended then, and whether its youngest row is older than the delay of `share` of labels.

    Nothing is mature while no label has come.
    """
    slow = delays.at(share)
    return delays.arrived(now - end), slow is not None and now - end >= slow
