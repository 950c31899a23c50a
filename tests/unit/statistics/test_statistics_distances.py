"""Every distance against an independent implementation, on random and on real columns."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

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

CATEGORICAL = [psi, jensen_shannon, hellinger, total_variation, l_infinity, chi_squared]
EXACT = {"rel": 1e-9, "abs": 1e-9}


def column_pairs():
    generator = np.random.default_rng(3)
    wine, cancer = load_wine(return_X_y=True)[0], load_breast_cancer(return_X_y=True)[0]
    diabetes = load_diabetes(return_X_y=True)[0]
    return {
        "normal": (generator.normal(size=700), generator.normal(0.3, 1.4, size=311)),
        "counts with ties": (generator.poisson(3, 500).astype(float), generator.poisson(4, 900).astype(float)),
        "wine alcohol": (wine[:90, 0], wine[90:, 0]),
        "cancer concavity": (cancer[:300, 6], cancer[300:, 6]),
        "diabetes sex": (diabetes[:200, 1], diabetes[200:, 1]),
    }


PAIRS = column_pairs()
pairs = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)


def histograms(pair):
    edges = decile_edges(pair[0])
    return bin_counts(pair[0], edges), bin_counts(pair[1], edges)


@pairs
def test_ks_is_scipys(pair):
    measured, expected = ks.of_samples(*pair), stats.ks_2samp(*pair, method="asymp")
    assert measured.value == pytest.approx(expected.statistic, **EXACT)
    assert measured.p_value == pytest.approx(expected.pvalue, **EXACT)


@pairs
def test_ks_of_counts_is_the_largest_gap_at_a_border(pair):
    edges, (first, second) = decile_edges(pair[0]), histograms(pair)
    gaps = [abs(np.mean(pair[0] <= edge) - np.mean(pair[1] <= edge)) for edge in edges]
    assert ks.of_counts(first, second).value == pytest.approx(max(gaps), **EXACT)


@pairs
def test_wasserstein_is_scipys(pair):
    expected = stats.wasserstein_distance(*pair)
    assert wasserstein.of_samples(*pair).value == pytest.approx(expected, **EXACT)
    scaled = wasserstein.scaled_of_samples(*pair).value
    assert scaled == pytest.approx(expected / np.std(pair[0], ddof=1), **EXACT)


@pairs
def test_psi_is_the_sum_over_reference_deciles(pair):
    edges, total = [-math.inf, *decile_edges(pair[0]), math.inf], 0.0
    for lower, upper in itertools.pairwise(edges):
        p, q = (max(1e-4, sum(lower < x <= upper for x in side) / len(side)) for side in pair)
        total += (p - q) * math.log(p / q)
    assert psi.of_samples(*pair).value == pytest.approx(total, **EXACT)


@pairs
def test_jensen_shannon_is_scipys_in_base_2(pair):
    first, second = histograms(pair)
    assert jensen_shannon.of_counts(first, second).value == pytest.approx(jensenshannon(first, second, 2), **EXACT)


@pairs
def test_chi_squared_is_scipys_without_yates(pair):
    table = np.vstack(histograms(pair))
    table = table[:, table.sum(axis=0) > 0]
    expected = stats.chi2_contingency(table, correction=False)
    measured = chi_squared.of_counts(*table)
    assert measured.value == pytest.approx(expected.statistic, **EXACT)
    assert measured.p_value == pytest.approx(expected.pvalue, **EXACT)


@pairs
def test_the_plain_distances_are_their_sums(pair):
    first, second = histograms(pair)
    p, q = (first / first.sum()).tolist(), (second / second.sum()).tolist()
    gaps = [abs(a - b) for a, b in zip(p, q, strict=True)]
    roots = sum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(p, q, strict=True))
    assert total_variation.of_counts(first, second).value == pytest.approx(sum(gaps) / 2, **EXACT)
    assert l_infinity.of_counts(first, second).value == pytest.approx(max(gaps), **EXACT)
    assert hellinger.of_counts(first, second).value == pytest.approx(math.sqrt(roots / 2), **EXACT)


def test_wasserstein_of_counts_is_the_distance_of_evenly_filled_cells():
    edges, first, second = [0.0, 1.0, 3.0, 4.0], [4, 2, 4], [1, 8, 1]

    def points(counts):
        ends = itertools.pairwise(edges)
        return [
            np.linspace(a, b, 4001)[:-1] + (b - a) / 8000
            for (a, b), n in zip(ends, counts, strict=True)
            for _ in range(n)
        ]

    expected = stats.wasserstein_distance(np.concatenate(points(first)), np.concatenate(points(second)))
    measured = wasserstein.of_counts(first, second, edges)
    assert measured.value == pytest.approx(expected, abs=1e-4)


@pairs
def test_wasserstein_of_counts_is_within_its_bound_of_the_samples(pair):
    edges = np.linspace(min(map(min, pair)) - 1e-9, max(map(max, pair)), 15)
    counts = [np.histogram(side, edges)[0] for side in pair]
    measured = wasserstein.of_counts(*counts, edges)
    assert abs(measured.value - wasserstein.of_samples(*pair).value) <= measured.error_bound


def test_mappings_are_matched_by_category():
    first, second = {"a": 3, "b": 7}, {"b": 2, "c": 2}
    for statistic in CATEGORICAL:
        assert statistic.of_counts(first, second).value == statistic.of_counts([3, 7, 0], [0, 2, 2]).value


@pytest.mark.parametrize("statistic", CATEGORICAL, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_side_without_values_has_no_distance_but_a_reason(statistic):
    for counts, reason in (
        (([0, 0], [1, 2]), "the reference has no values"),
        (({"a": 1}, {}), "the current data has no"),
    ):
        measured = statistic.of_counts(*counts)
        assert measured.value is None
        assert measured.reason.startswith(reason)


@pytest.mark.parametrize(
    "measure", [ks.of_samples, psi.of_samples, wasserstein.of_samples, wasserstein.scaled_of_samples]
)
def test_a_column_of_nulls_has_no_distance_but_a_reason(measure):
    nulls = [math.nan] * 3
    assert measure(nulls, [1.0, 2.0]).reason == "the reference has no values"
    assert measure([1.0, 2.0], nulls).reason == "the current data has no values"
    assert measure([], []).value is None


def test_a_constant_reference_has_no_scaled_distance_except_to_itself():
    assert wasserstein.scaled_of_samples([5, 5, 5], [5, 6]).reason == "the reference is constant"
    assert wasserstein.scaled_of_samples([5, 5, 5], [5, 5]).value == 0
    # Their mean rounds to another number, so a naive standard deviation is not 0.
    assert wasserstein.scaled_of_samples([0.1] * 3, [0.2]).reason == "the reference is constant"


@pytest.mark.parametrize("moved", [4.9, 5.1])
def test_a_move_away_from_a_constant_is_seen_to_either_side(moved):
    assert psi.of_samples([5.0] * 50, [moved] * 50).value > 1


def test_infinite_values_are_values_but_have_no_wasserstein_distance():
    sides = [-math.inf, 0.0, 1.0], [0.0, 1.0, math.inf]
    assert ks.of_samples(*sides).value == pytest.approx(1 / 3)
    assert psi.of_samples(*sides).value > 0
    assert "infinite" in wasserstein.of_samples(*sides).reason


def test_all_in_one_cell_is_no_difference():
    assert chi_squared.of_counts([5], [9]).value == 0
    assert chi_squared.of_counts([5], [9]).p_value == 1
    assert psi.of_counts([5, 0], [9, 0]).value == 0


def test_counts_that_cannot_be_compared_are_refused():
    for first, second in (([1, 2], [1, 2, 3]), ([1, -1], [1, 1]), ({"a": 1}, [1])):
        with pytest.raises(ValueError, match="counts"):
            psi.of_counts(first, second)


def test_the_method_is_kept_beside_the_value():
    spec = psi.of_samples([1, 2, 3, 4], [2, 3]).method.as_json()
    assert spec["statistic"] == "psi"
    assert spec["epsilon"] == 1e-4
    assert spec["base"] == math.e
    # The least value holds two deciles, so it has a bin of its own.
    assert spec["inner_edges"][1:] == [1.0, 2.0, 3.0, 4.0] or spec["inner_edges"][0] < 1.0
    assert jensen_shannon.of_counts([1], [1]).method.as_json()["base"] == 2


def test_chi_squared_effect_does_not_grow_with_the_sample():
    small, large = chi_squared.effect([30, 70], [40, 60]), chi_squared.effect([3000, 7000], [4000, 6000])
    assert small.value == pytest.approx(large.value, **EXACT)
    assert large.p_value < small.p_value
