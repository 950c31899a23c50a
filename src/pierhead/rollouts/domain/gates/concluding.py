"""How a gate's verdict follows from the bounds of the harm and its margin."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.results import GateResult, Verdict
from pierhead.statistics.sequential.interval import Interval


@dataclass(frozen=True, slots=True)
class Harm:
    """How much worse the candidate looks, with bounds, over so many observations of champion and candidate."""

    estimate: float
    lower: float
    upper: float
    n_a: int
    n_b: int


def harm_of(
    estimate: float,
    interval_at: Callable[[float], Interval],
    budget: Budget,
    sizes: tuple[int, int],
    *,
    prove: bool = False,
) -> Harm:
    """The harm with bounds at the level of alarms; the upper bound at that of proofs where it decides."""
    interval = interval_at(budget.harm)
    upper = interval_at(budget.proof).upper if prove and budget.proof != budget.harm else interval.upper
    return Harm(estimate, interval.lower, upper, *sizes)


def conclude(name: str, harm: Harm, margin: float, budget: Budget, *, prove: bool, words: str) -> GateResult:
    """Harmful if the lower bound is above the margin, passed as `gate_terms` says. `words` name the harm."""
    if harm.lower > margin:
        verdict, why = Verdict.HARMFUL, f"at least {_short(harm.lower)}, more than the margin of {_short(margin)}"
    elif prove and harm.upper <= margin:
        verdict, why = Verdict.PASSED, f"at most {_short(harm.upper)}, within the margin of {_short(margin)}"
    elif prove:
        verdict, why = Verdict.UNDECIDED, f"{_bounds(harm)}, not yet known to be within {_short(margin)}"
    elif budget.is_enough:
        verdict, why = Verdict.PASSED, f"{_bounds(harm)}, not known to be beyond the margin of {_short(margin)}"
    else:
        verdict, why = Verdict.UNDECIDED, f"{_bounds(harm)}, and too few requests yet"
    return GateResult(
        name,
        verdict,
        f"{words} is {_short(harm.estimate)}: {why}",
        _finite(harm.estimate),
        _finite(harm.lower),
        _finite(harm.upper),
        margin,
        harm.n_a,
        harm.n_b,
    )


def without_numbers(name: str, budget: Budget, *, prove: bool, why: str) -> GateResult:
    """The verdict where there is nothing to compare: what must be proved is not."""
    is_passed = budget.is_enough and not prove
    return GateResult(name, Verdict.PASSED if is_passed else Verdict.UNDECIDED, why)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _bounds(harm: Harm) -> str:
    return f"from {_short(harm.lower)} to {_short(harm.upper)}"


def _short(number: float) -> str:
    return f"{number:.3g}"
