"""Laws that hold for any two histograms and any two samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pierhead.statistics.binning import bin_counts, decile_edges
from pierhead.statistics.distances import (
    chi_squared,
    hellinger,
    jensen_shannon,
    ks,
    l_infinity,
    psi,
    total_variation,
    wasserstein,
)

SYMMETRIC = [psi, jensen_shannon, hellinger, total_variation, l_infinity, chi_squared, ks]
AT_MOST_ONE = [jensen_shannon, hellinger, total_variation, l_infinity, ks]


@st.composite
def two_histograms(draw):
    cells = draw(st.integers(1, 12))
    counts = st.lists(st.integers(0, 10_000), min_size=cells, max_size=cells).filter(any)
    return draw(counts), draw(counts)


samples = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6) | st.just(math.nan) | st.integers(0, 3))


@given(two_histograms())
@settings(max_examples=60)
def test_distances_of_counts_are_symmetric_and_never_negative(counts):
    first, second = counts
    for statistic in SYMMETRIC:
        there, back = statistic.of_counts(first, second), statistic.of_counts(second, first)
        assert there.value >= 0
        assert there.value == pytest.approx(back.value, rel=1e-9, abs=1e-9)
        assert statistic.of_counts(first, [3 * count for count in first]).value == pytest.approx(0, abs=1e-7)
    for statistic in AT_MOST_ONE:
        assert statistic.of_counts(first, second).value <= 1 + 1e-12


@given(two_histograms())
@settings(max_examples=60)
def test_distances_keep_their_known_order(counts):
    largest, total, root = (d.of_counts(*counts).value for d in (l_infinity, total_variation, hellinger))
    shannon = jensen_shannon.of_counts(*counts).value
    assert largest <= total + 1e-12
    assert ks.of_counts(*counts).value <= total + 1e-12
    assert root**2 <= total + 1e-12 <= math.sqrt(2) * root + 1e-9
    assert shannon**2 <= total + 1e-12


@given(samples, samples, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_distances_of_samples_do_not_depend_on_the_order_of_rows(first, second, random):
    shuffled = first.tolist()
    random.shuffle(shuffled)
    for measure in (ks.of_samples, wasserstein.of_samples, wasserstein.scaled_of_samples, psi.of_samples):
        assert measure(shuffled, second[::-1]) == measure(first, second)
        to_itself = measure(first, shuffled)
        assert to_itself.value == 0 or to_itself.reason
        assert all(value is None or math.isfinite(value) for value in (to_itself.value, measure(first, second).value))


@given(samples)
@settings(max_examples=60)
def test_every_value_has_one_bin(values):
    edges = decile_edges(values)
    counts = bin_counts(values, edges)
    assert counts.sum() == np.count_nonzero(~np.isnan(values))
    assert np.all(np.diff(edges) > 0)
    for edge in edges:
        assert counts[: np.searchsorted(edges, edge) + 1].sum() == np.count_nonzero(values <= edge)
