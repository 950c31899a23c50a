"""Worse answers, by labels that came later."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pierhead.rollouts.domain.gate_terms import AccuracyTerms, Metric
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import Harm, conclude, harm_of, without_numbers
from pierhead.rollouts.domain.gates.results import Facts, GateResult, LabelCohort, LabelledArm, Verdict
from pierhead.statistics.sequential import means, paired, proportions
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.means import Moments

_NEARLY_ONE = 1 - 1e-9


def look_at_accuracy(facts: Facts, terms: AccuracyTerms, budget: Budget) -> GateResult:
    """Over mature cohorts in which both arms have labels, and no others: early labels are not like late ones, and the
    candidate's would be earlier. Pairs, where there are enough of them, go before a comparison of the arms."""
    cohorts = [each for each in facts.labels if each.is_mature and each.champion.labelled and each.candidate.labelled]
    champion = _sum(each.champion for each in cohorts)
    candidate = _sum(each.candidate for each in cohorts)
    if min(champion.labelled, candidate.labelled) < terms.least_labels:
        return _unlabelled(terms, champion, candidate)
    if terms.metric is Metric.ACCURACY and (why := _why_no_accuracy(champion, candidate)):
        return _incomparable(terms, champion, candidate, budget, why)
    if terms.metric is Metric.LOSS:
        harm, words = _loss(cohorts, champion, candidate, budget, terms), "the mean loss, candidate by champion less 1,"
    else:
        harm = _accuracy(cohorts, champion, candidate, budget, terms)
        words = "the accuracy, champion less candidate,"
    return conclude(terms.name, harm, terms.margin, budget, prove=terms.prove, words=words)


def _unlabelled(terms: AccuracyTerms, champion: LabelledArm, candidate: LabelledArm) -> GateResult:
    have = f"the champion has {champion.labelled} matured labels and the candidate {candidate.labelled}"
    sizes = (champion.labelled, candidate.labelled)
    if terms.require or terms.prove:
        words = f"{have}; {terms.least_labels} of each are required"
        return GateResult(terms.name, Verdict.UNDECIDED, words, margin=terms.margin, n_a=sizes[0], n_b=sizes[1])
    words = f"{have}, too few to compare, and none are required"
    return GateResult(terms.name, Verdict.PASSED, words, margin=terms.margin, n_a=sizes[0], n_b=sizes[1])


def _why_no_accuracy(champion: LabelledArm, candidate: LabelledArm) -> str:
    """Why the share of right answers says nothing of these models; empty if it does."""
    if not champion.correct and not candidate.correct:
        return "no answer of either is exactly its label"
    if _are_no_classes(champion) or _are_no_classes(candidate):
        return "answers are numbers and no classes: some are wrong by less than 1"
    return ""


def _are_no_classes(arm: LabelledArm) -> bool:
    """Whole numbers that are classes miss their label by 1 at least, if they miss it."""
    missed = arm.losses.n - arm.correct
    return arm.losses.mean * arm.losses.n < missed * _NEARLY_ONE


def _incomparable(
    terms: AccuracyTerms, champion: LabelledArm, candidate: LabelledArm, budget: Budget, why: str
) -> GateResult:
    result = without_numbers(
        terms.name,
        budget,
        prove=terms.prove or terms.require,
        why=f"{why}, so that accuracy cannot be compared; use `metric: loss`",
    )
    return replace(result, margin=terms.margin, n_a=champion.labelled, n_b=candidate.labelled)


def _accuracy(
    cohorts: Sequence[LabelCohort], a: LabelledArm, b: LabelledArm, budget: Budget, terms: AccuracyTerms
) -> Harm:
    pairs, gained, lost = (sum(counts) for counts in zip(*((c.pairs, c.gained, c.lost) for c in cohorts), strict=True))
    if _are_enough(pairs, a, b):

        def paired_at(alpha: float) -> Interval:
            gain = paired.accuracy_difference(gained, lost, pairs, alpha, best_at=budget.best_at[1])
            return Interval(-gain.upper, -gain.lower)

        return harm_of((lost - gained) / pairs, paired_at, budget, (pairs, pairs), prove=terms.prove)

    def interval_at(alpha: float) -> Interval:
        # Second less first: the candidate comes first, so that a loss of accuracy is positive.
        candidate, champion = (b.correct, b.labelled), (a.correct, a.labelled)
        return proportions.difference(*candidate, *champion, alpha, best_at=budget.best_at[::-1])

    estimate = a.correct / a.labelled - b.correct / b.labelled
    return harm_of(estimate, interval_at, budget, (a.labelled, b.labelled), prove=terms.prove)


def _loss(cohorts: Sequence[LabelCohort], a: LabelledArm, b: LabelledArm, budget: Budget, terms: AccuracyTerms) -> Harm:
    differences = Moments()
    for cohort in cohorts:
        differences = differences.merge(cohort.differences)
    is_paired = _are_enough(differences.n, a, b)
    scale = a.losses.mean or 1.0

    def interval_at(alpha: float) -> Interval:
        best_at = budget.best_at[1]
        if is_paired:
            found = paired.mean_difference(differences, alpha, best_at=best_at)
        else:
            found = means.difference(a.losses, b.losses, alpha, best_at=best_at)
        return Interval(found.lower / scale, found.upper / scale)

    estimate = differences.mean if is_paired else b.losses.mean - a.losses.mean
    return harm_of(estimate / scale, interval_at, budget, (a.labelled, b.labelled), prove=terms.prove)


def _are_enough(pairs: int, a: LabelledArm, b: LabelledArm) -> bool:
    return pairs > 0 and pairs >= min(a.labelled, b.labelled) // 2


def _sum(arms: Iterable[LabelledArm]) -> LabelledArm:
    labelled, correct, losses = 0, 0, Moments()
    for arm in arms:
        labelled, correct, losses = labelled + arm.labelled, correct + arm.correct, losses.merge(arm.losses)
    return LabelledArm(labelled, correct, losses)
