"""Worse answers, by labels that came later."""

from collections.abc import Iterable, Sequence

from pierhead.rollouts.domain.gate_terms import AccuracyTerms, Metric
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import Harm, conclude, harm_of
from pierhead.rollouts.domain.gates.results import Facts, GateResult, LabelCohort, LabelledArm, Verdict
from pierhead.statistics.sequential import means, paired, proportions
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.means import Moments


def look_at_accuracy(facts: Facts, terms: AccuracyTerms, budget: Budget) -> GateResult:
    """Over mature cohorts in which both arms have labels, and no others: early labels are not like late ones, and the
    candidate's would be earlier. Paired losses, where there are enough of them, go before a comparison of the arms."""
    cohorts = [each for each in facts.labels if each.is_mature and each.champion.labelled and each.candidate.labelled]
    champion = _sum(each.champion for each in cohorts)
    candidate = _sum(each.candidate for each in cohorts)
    if min(champion.labelled, candidate.labelled) < terms.least_labels:
        return _unlabelled(terms, champion, candidate)
    if terms.metric is Metric.LOSS:
        harm, words = _loss(cohorts, champion, candidate, budget, terms), "the mean loss, candidate by champion less 1,"
    else:
        harm, words = _accuracy(champion, candidate, budget, terms), "the accuracy, champion less candidate,"
    return conclude(terms.name, harm, terms.margin, budget, prove=terms.prove, words=words)


def _unlabelled(terms: AccuracyTerms, champion: LabelledArm, candidate: LabelledArm) -> GateResult:
    have = f"the champion has {champion.labelled} matured labels and the candidate {candidate.labelled}"
    sizes = (champion.labelled, candidate.labelled)
    if terms.require or terms.prove:
        words = f"{have}; {terms.least_labels} of each are required"
        return GateResult(terms.name, Verdict.UNDECIDED, words, margin=terms.margin, n_a=sizes[0], n_b=sizes[1])
    words = f"{have}, too few to compare, and none are required"
    return GateResult(terms.name, Verdict.PASSED, words, margin=terms.margin, n_a=sizes[0], n_b=sizes[1])


def _accuracy(a: LabelledArm, b: LabelledArm, budget: Budget, terms: AccuracyTerms) -> Harm:
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
    is_paired = differences.n >= min(a.labelled, b.labelled) // 2
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


def _sum(arms: Iterable[LabelledArm]) -> LabelledArm:
    labelled, correct, losses = 0, 0, Moments()
    for arm in arms:
        labelled, correct, losses = labelled + arm.labelled, correct + arm.correct, losses.merge(arm.losses)
    return LabelledArm(labelled, correct, losses)
