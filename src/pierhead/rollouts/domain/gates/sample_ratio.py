"""Whether both arms get the shares of traffic that they should."""

from pierhead.rollouts.domain.gate_terms import SampleRatioTerms
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import without_numbers
from pierhead.rollouts.domain.gates.results import GateResult, Verdict
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.specs import ALL_POINTS
from pierhead.statistics.sequential import ratio

MOST_DIVERTED = 0.1
"""Share of the candidate's requests that the champion may answer because no worker of the candidate's was there."""

_LEAST_REQUESTS = 20


def look_at_sample_ratio(reading: Reading, terms: SampleRatioTerms, budget: Budget) -> GateResult:
    """Counted where requests are assigned, so that a candidate that is often away is no mismatch; but it is not passed
    either while it was away for more than a tenth of its requests."""
    counts = [reading.assignments.champion, reading.assignments.candidate]
    total = sum(counts)
    if not total:
        return without_numbers(terms.name, budget, prove=True, why="no request has been assigned yet")
    share = reading.terms.points / ALL_POINTS
    p = ratio.sequential_srm_p(counts, [1 - share, share])
    seen = counts[1] / total
    verdict, words = _verdict(reading, budget, p)
    message = f"the candidate's share of {total} assignments is {seen:.4g}, planned {share:g} (p {p:.3g}): {words}"
    return GateResult(terms.name, verdict, message, seen - share, None, None, None, *counts)


def _verdict(reading: Reading, budget: Budget, p: float) -> tuple[Verdict, str]:
    if p < budget.harm:
        return Verdict.HARMFUL, "requests are lost or led astray, and nothing else can be compared"
    meant = reading.assignments.diverted + reading.candidate.requests
    away = reading.assignments.diverted / meant if meant else 0.0
    if meant >= _LEAST_REQUESTS and away > MOST_DIVERTED:
        return Verdict.UNDECIDED, f"no worker of the candidate was there for {away:.0%} of its requests"
    return (Verdict.PASSED, "as it should be") if budget.is_enough else (Verdict.UNDECIDED, "too few requests yet")
