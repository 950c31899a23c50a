"""What is to be made of a set of measured statistics: which are drift, and how grave.

One check compares one statistic of one column. It warns or alarms when its value is above that threshold AND above the
bound under no drift, at an error level shared by all checks judged together (Holm), so neither a large sample's
irrelevant difference nor a small sample's chance is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pierhead.statistics.method import Measured
from pierhead.statistics.multiplicity import holm
from pierhead.statistics.null_bounds import Null, drifted

ALPHA = 0.001
"""Chance of any false report in one set of checks: one in a thousand windows."""


class Level(StrEnum):
    UNKNOWN = "unknown"
    OK = "ok"
    WARN = "warn"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Effects above these are worth a warning, an alarm. 0 <= warn <= alarm, else ValueError."""

    warn: float
    alarm: float

    def __post_init__(self) -> None:
        if not 0 <= self.warn <= self.alarm:
            raise ValueError(f"thresholds must be 0 <= warn <= alarm, not {self.warn} and {self.alarm}")


# PSI's are the trade's; those of its kin follow from it to second order (JSD = PSI / (8 ln 2), H^2 = PSI / 8,
# w^2 = PSI), so that the same change crosses them all. The rest are on the scale of a share or a standard deviation.
DEFAULT_THRESHOLDS: Mapping[str, Thresholds] = MappingProxyType(
    {
        "psi": Thresholds(0.1, 0.2),
        "jensen_shannon": Thresholds(0.134, 0.190),
        "hellinger": Thresholds(0.112, 0.158),
        "chi_squared_effect": Thresholds(0.316, 0.447),
        "ks": Thresholds(0.1, 0.2),
        "wasserstein_scaled": Thresholds(0.1, 0.3),
        "total_variation": Thresholds(0.1, 0.2),
        "l_infinity": Thresholds(0.1, 0.2),
        "new_category_share": Thresholds(0.01, 0.05),
        "null_share_change": Thresholds(0.05, 0.1),
    }
)


@dataclass(frozen=True, slots=True)
class Check:
    """One statistic of one column; `null` is None exactly when it has no value."""

    column: str
    measured: Measured
    thresholds: Thresholds
    null: Null | None

    def __post_init__(self) -> None:
        if (self.null is None) != (self.measured.value is None):
            raise ValueError(f"check of column {self.column!r}: a value needs its null distribution, and only a value")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one check.

    `effect_threshold` is the warning's; `null_bound` is what chance exceeds at the level that multiplicity leaves this
    check; `drifted` holds exactly when the value is above both. Without a value bound and `p_adjusted` are None.
    """

    check: Check
    level: Level
    effect_threshold: float
    null_bound: float | None
    p_adjusted: float | None
    drifted: bool

    @property
    def column(self) -> str:
        return self.check.column


def judge(checks: Sequence[Check], alpha: float = ALPHA) -> list[Verdict]:
    """Judge checks together, in their order; `alpha` is the chance of any false report among them."""
    p_values = [check.null.p_value(check.measured.value) for check in checks if _has_value(check)]  # type: ignore[union-attr,arg-type]
    tested = iter(zip(holm(p_values), _levels(p_values, alpha), strict=True))
    return [_verdict(check, *next(tested)) if _has_value(check) else _unknown(check) for check in checks]


def worst(verdicts: Sequence[Verdict]) -> dict[str, Verdict]:
    """The gravest verdict of each column; of equals the one furthest above its threshold."""
    by_column: dict[str, Verdict] = {}
    for verdict in verdicts:
        known = by_column.get(verdict.column)
        if known is None or _gravity(verdict) > _gravity(known):
            by_column[verdict.column] = verdict
    return by_column


def _levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level at which Holm's procedure tests each p-value: alpha / m for the smallest, and so on.

    Once one is kept, the procedure stops, and the rest are shown at the level where it stopped.
    """
    levels, left, stopped = [0.0] * len(p_values), len(p_values), False
    for position in sorted(range(len(p_values)), key=p_values.__getitem__):
        levels[position] = alpha / left
        stopped = stopped or p_values[position] > levels[position]
        left -= 0 if stopped else 1
    return levels


def _verdict(check: Check, p_adjusted: float, level: float) -> Verdict:
    assert check.null is not None
    bound, value = check.null.bound(level), check.measured.value
    grave = drifted(value, check.thresholds.alarm, bound)
    notable = drifted(value, check.thresholds.warn, bound)
    outcome = Level.ALARM if grave else Level.WARN if notable else Level.OK
    return Verdict(check, outcome, check.thresholds.warn, bound, p_adjusted, notable)


def _unknown(check: Check) -> Verdict:
    return Verdict(check, Level.UNKNOWN, check.thresholds.warn, None, None, drifted=False)


def _has_value(check: Check) -> bool:
    return check.measured.value is not None


def _gravity(verdict: Verdict) -> tuple[int, float]:
    value = verdict.check.measured.value
    return list(Level).index(verdict.level), 0.0 if value is None else value / max(verdict.effect_threshold, 1e-12)
