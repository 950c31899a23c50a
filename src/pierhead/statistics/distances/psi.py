"""Population stability index.

PSI = sum over cells of (p - q) ln(p / q), p and q the shares of reference and current; natural logarithm. Cells are the
reference's deciles (numeric) or its categories. A share below EPSILON counts as EPSILON (no renormalising afterwards),
cells empty in both count 0. Symmetric and never negative. Source: Siddiqi, Credit Risk Scorecards (2006); it is the
Jeffreys divergence (Jeffreys 1946).
"""

import math

import numpy as np

from pierhead.statistics.binning import BINS, bin_counts, decile_edges
from pierhead.statistics.counts import Counts, Floats, Samples, absence, occupied, paired_counts, samples, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured

EPSILON = 1e-4
METHOD = MethodSpec(
    "psi",
    variant="sum of (p - q) ln(p / q)",
    bins="the cells given",
    base=math.e,
    epsilon=EPSILON,
    null="(1/n + 1/m) chi-squared with cells - 1 degrees; sparse cells: parametric bootstrap",
)


def of_counts(reference: Counts, current: Counts, method: MethodSpec = METHOD) -> Measured:
    """PSI of two counts over the same cells. None when one of them is empty."""
    first, second = occupied(*paired_counts(reference, current))
    n, m = int(first.sum()), int(second.sum())
    if reason := absence(n, m):
        return unmeasured(method, reason, n, m)
    return Measured(float(of_shares(shares(first), shares(second))), method, n, m)


def of_shares(p: Floats, q: Floats) -> Floats:
    """PSI along the last axis. A cell empty in both adds 0."""
    first, second = np.maximum(p, EPSILON), np.maximum(q, EPSILON)
    return np.asarray(((first - second) * np.log(first / second)).sum(axis=-1))


def of_samples(reference: Samples, current: Samples) -> Measured:
    """PSI of two samples on the reference's deciles. None when one has no values."""
    edges = decile_edges(samples(reference))
    spec = MethodSpec(METHOD.statistic, METHOD.variant, BINS, METHOD.base, EPSILON, METHOD.null).with_edges(edges)
    return of_counts(bin_counts(reference, edges), bin_counts(current, edges), spec)
