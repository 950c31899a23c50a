"""How often a whole rollout may err, split over its steps and gates.

Every gate compares an anytime-valid interval with its margin: at level 1 - a the interval holds the true harm at *all*
looks with probability 1 - a. A candidate within its margins is found harmful only if some interval fails, and one
beyond the margin of a gate that must be proved passes it only if that interval fails. So by Boole's inequality it is
enough that the levels of all intervals of a rollout add up to `false_alarm`, and those that prove to
`false_promotion`: both are divided by the number of steps in which gates compare anything, and within a step by the
number of those gates. Several comparisons within a gate (slices, kinds of errors) divide the gate's part once more. The
two sides are errors of different kinds, so that each has a budget of its own; how often one looks does not matter.

The intervals need calls that are drawn independently. If units are sticky and few of them make most of the calls, the
units are what is drawn, and the levels are too optimistic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pierhead.rollouts.domain.gate_terms import AlertTerms, GateTerms
from pierhead.rollouts.domain.specs import ALL_POINTS, RolloutSpec, Step

_LEAST_BEST_AT = 100


@dataclass(frozen=True, slots=True)
class Budget:
    """Levels for one gate in one step: `harm` to find it harmful, `proof` to find it passed.

    Intervals are narrowest at `best_at` observations of champion and candidate, fixed before the first look.
    `is_enough` says whether the step has seen its least requests.
    """

    harm: float
    proof: float
    best_at: tuple[int, int]
    is_enough: bool

    def split(self, ways: int) -> "Budget":
        """The budget of one of several comparisons within the gate."""
        return Budget(self.harm / ways, self.proof / ways, self.best_at, self.is_enough)


def budget_of(spec: RolloutSpec, step: Step, requests: int) -> Budget:
    """The part of each gate in a step that has seen so many requests."""
    steps = sum(comparing_gates(each.gates) > 0 for each in spec.steps)
    parts = max(steps * comparing_gates(step.gates), 1)
    candidate = max(step.least_requests, _LEAST_BEST_AT)
    champion = candidate if step.is_shadow else candidate * (ALL_POINTS - step.points) // step.points
    best_at = (max(champion, 1), candidate)
    return Budget(spec.false_alarm / parts, spec.false_promotion / parts, best_at, requests >= step.least_requests)


def comparing_gates(gates: Sequence[GateTerms]) -> int:
    """How many of them may err."""
    return sum(not isinstance(terms, AlertTerms) for terms in gates)
