"""What an A/B test says: the sample ratio first, then each metric with always-valid intervals, Holm over all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from pierhead.rollouts.domain.abtest_readings import MOST_VALUES, ABReading, ArmCounts
from pierhead.rollouts.domain.abtests import ABTestSpec, Metric
from pierhead.statistics import bayes, multiplicity
from pierhead.statistics.sequential import means, msprt, proportions, ratio
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.means import Moments

MISMATCH_P = 0.001
"""A sample ratio less likely than this is none that chance has made."""

UNREADABLE = "cannot be read"

Outcomes = Callable[[Metric], Sequence[Moments] | str]
"""Of a metric that is made of labels the moments of each arm, in order, on equal and matured cohorts; or why they
cannot be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison of an arm with the control. `difference` is the arm's value less the control's; `lower` and
    `upper` hold for all comparisons of the test together; `p` is adjusted by Holm. None where there is too little.

    `says` is `higher`, `lower`, `undecided`, or `cannot be read`, and then `note` why. `slice` is None for all units,
    else column and value.
    """

    metric: Metric
    arm: str
    slice: tuple[str, str] | None
    control_value: float | None
    arm_value: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    p: float
    n_control: int
    n_arm: int
    says: str = "undecided"
    note: str = ""


@dataclass(frozen=True, slots=True)
class ABReport:
    """`sample_ratio_p` below 0.001 means that units are lost or led astray: then nothing is said of any metric."""

    sample_ratio_p: float
    findings: tuple[Finding, ...]
    bayes: tuple[dict[str, Any], ...]

    @property
    def is_mismatched(self) -> bool:
        return self.sample_ratio_p < MISMATCH_P


def report_of(spec: ABTestSpec, reading: ABReading, outcomes: Outcomes) -> ABReport:
    """Everything that can be said at this look; one may look at any time, as often as one likes."""
    counts = [arm.units for arm in reading.arms]
    weights = [float(arm.points) for arm in spec.arms]
    p = ratio.sequential_srm_p(counts, weights) if sum(counts) else 1.0
    comparisons = _comparisons(spec)
    raw = list(_findings(spec, reading, outcomes, spec.alpha / comparisons))
    # Slices that nobody was seen in yet are comparisons too: how many turn up depends on the traffic.
    adjusted = multiplicity.holm([finding.p for finding in raw] + [1.0] * (comparisons - len(raw)))[: len(raw)]
    is_mismatched = p < MISMATCH_P
    findings = tuple(
        replace(finding, p=each, says=finding.says if is_mismatched else _says(finding, each, spec.alpha))
        for finding, each in zip(raw, adjusted, strict=True)
    )
    return ABReport(p, findings, tuple(_beliefs(spec, reading)))


def _comparisons(spec: ABTestSpec) -> int:
    """How many there may be at most, fixed before anybody looks: each measured metric in all and in every slice."""
    labelled = sum(metric.needs_labels for metric in spec.metrics)
    slices = len(spec.slices) * (MOST_VALUES + 1)
    return ((len(spec.metrics) - labelled) * (1 + slices) + labelled) * (len(spec.arms) - 1)


def _findings(spec: ABTestSpec, reading: ABReading, outcomes: Outcomes, alpha: float) -> Iterator[Finding]:
    """`alpha` is the level of each."""
    groups: list[tuple[tuple[str, str] | None, list[ArmCounts]]] = [(None, reading.arms)]
    groups += [
        ((column, value), arms)
        for column, values in sorted(reading.slices.items())
        for value, arms in sorted(values.items())
    ]
    measured = [metric for metric in spec.metrics if not metric.needs_labels]
    labelled = [(metric, outcomes(metric)) for metric in spec.metrics if metric.needs_labels]
    for place, arm in enumerate(spec.arms[1:], 1):
        for metric in measured:
            for name, arms in groups:
                compare = _rates if metric is Metric.ERROR_RATE else _moments
                yield compare(metric, arm.name, name, arms[0], arms[place], alpha)
        for metric, moments in labelled:
            if isinstance(moments, str):
                yield replace(_nothing(metric, arm.name, None, 0, 0), says=UNREADABLE, note=moments)
            else:
                yield _difference(metric, arm.name, None, moments[0], moments[place], alpha)


def _rates(
    metric: Metric, arm: str, name: tuple[str, str] | None, control: ArmCounts, other: ArmCounts, alpha: float
) -> Finding:
    k1, n1, k2, n2 = control.failures, control.judged, other.failures, other.judged
    if not (n1 and n2):
        return _nothing(metric, arm, name, n1, n2)
    bounds = proportions.difference(k1, n1, k2, n2, alpha)
    p = proportions.difference_p(k1, n1, k2, n2)
    return _finding(metric, arm, name, (k1 / n1, k2 / n2), bounds, p, (n1, n2))


def _moments(
    metric: Metric, arm: str, name: tuple[str, str] | None, control: ArmCounts, other: ArmCounts, alpha: float
) -> Finding:
    is_score = metric is Metric.SCORE
    one, two = (control.score, other.score) if is_score else (control.latency_ms, other.latency_ms)
    return _difference(metric, arm, name, one, two, alpha)


def _difference(
    metric: Metric, arm: str, name: tuple[str, str] | None, one: Moments, two: Moments, alpha: float
) -> Finding:
    if not (one.n and two.n):
        return _nothing(metric, arm, name, one.n, two.n)
    bounds = means.difference(one, two, alpha)
    return _finding(metric, arm, name, (one.mean, two.mean), bounds, msprt.difference_p(one, two), (one.n, two.n))


def _finding(
    metric: Metric,
    arm: str,
    name: tuple[str, str] | None,
    values: tuple[float, float],
    bounds: Interval,
    p: float,
    n: tuple[int, int],
) -> Finding:
    lower = bounds.lower if isfinite(bounds.lower) else None
    upper = bounds.upper if isfinite(bounds.upper) else None
    return Finding(metric, arm, name, values[0], values[1], values[1] - values[0], lower, upper, p, n[0], n[1])


def _nothing(metric: Metric, arm: str, name: tuple[str, str] | None, n_control: int, n_arm: int) -> Finding:
    return Finding(metric, arm, name, None, None, None, None, None, 1.0, n_control, n_arm)


def _says(finding: Finding, p: float, alpha: float) -> str:
    if finding.difference is None or p > alpha:
        return finding.says
    return "higher" if finding.difference > 0 else "lower"


def _beliefs(spec: ABTestSpec, reading: ABReading) -> Iterator[dict[str, Any]]:
    """For people to look at, never to decide by: it is not valid under repeated looks."""
    if Metric.ERROR_RATE not in spec.metrics:
        return
    control = reading.arms[0]
    for place, arm in enumerate(spec.arms[1:], 1):
        other = reading.arms[place]
        # Successes, so that better means fewer failures.
        found = bayes.compare(
            control.judged - control.failures, control.judged, other.judged - other.failures, other.judged
        )
        yield {
            "metric": Metric.ERROR_RATE.value,
            "arm": arm.name,
            "probability_better_than_control": found.probability_b_better,
            "expected_loss": found.expected_loss_b,
        }
