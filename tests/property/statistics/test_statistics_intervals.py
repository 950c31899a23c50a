"""What every interval keeps to, whatever was counted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.statistics.sequential import distributions, means, paired, proportions, quantiles
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.means import Moments

LEVELS = st.sampled_from([0.3, 0.05, 0.001])
VALUES = st.lists(st.floats(-1e6, 1e6), max_size=60)


@st.composite
def shares(draw: st.DrawFn, *, most: int = 10_000_000) -> tuple[int, int]:
    trials = draw(st.integers(1, most))
    few = draw(st.integers(0, min(trials, 20)))
    successes = draw(st.sampled_from([few, trials - few, draw(st.integers(0, trials))]))
    return successes, trials


def inside(inner: Interval, outer: Interval) -> bool:
    slack = 1e-6 * outer.width
    return outer.lower - slack <= inner.lower and inner.upper <= outer.upper + slack


@given(shares(), LEVELS)
def test_an_interval_holds_the_observed_share_and_lies_between_0_and_1(share: tuple[int, int], alpha: float) -> None:
    found = proportions.interval(*share, alpha)
    assert 0.0 <= found.lower <= share[0] / share[1] <= found.upper <= 1.0


@given(shares(), LEVELS)
def test_failures_have_the_mirrored_interval(share: tuple[int, int], alpha: float) -> None:
    found = proportions.interval(*share, alpha)
    mirrored = proportions.interval(share[1] - share[0], share[1], alpha)
    assert mirrored.lower == pytest.approx(1.0 - found.upper, abs=1e-9)
    assert mirrored.upper == pytest.approx(1.0 - found.lower, abs=1e-9)


@given(shares(most=1_000_000), LEVELS, st.integers(2, 50))
def test_more_trials_at_the_same_share_narrow_the_interval(share: tuple[int, int], alpha: float, times: int) -> None:
    few = proportions.interval(*share, alpha)
    many = proportions.interval(share[0] * times, share[1] * times, alpha)
    assert many.width <= few.width * (1.0 + 1e-6)


@given(shares())
def test_a_stricter_level_widens_the_interval(share: tuple[int, int]) -> None:
    assert inside(proportions.interval(*share, 0.05), proportions.interval(*share, 0.001))


@given(shares(), shares(), LEVELS)
def test_a_difference_holds_the_observed_one_and_turns_with_its_arms(
    first: tuple[int, int], second: tuple[int, int], alpha: float
) -> None:
    found = proportions.difference(*first, *second, alpha)
    turned = proportions.difference(*second, *first, alpha)
    assert -1.0 <= found.lower <= second[0] / second[1] - first[0] / first[1] <= found.upper <= 1.0
    assert turned.lower == pytest.approx(-found.upper, abs=1e-6 * found.width)
    assert turned.upper == pytest.approx(-found.lower, abs=1e-6 * found.width)


@given(shares(), shares(), LEVELS, st.floats(-0.9, 0.9))
def test_a_margin_is_inside_of_the_difference_just_when_its_p_value_is_not_below_the_level(
    first: tuple[int, int], second: tuple[int, int], alpha: float, margin: float
) -> None:
    found = proportions.difference(*first, *second, alpha)
    p = proportions.difference_p(*first, *second, margin=margin)
    if p >= alpha * 1.001:
        assert found.contains(margin)
    if p <= alpha * 0.999:
        assert not found.contains(margin)


@given(shares(most=100_000), LEVELS, st.data())
def test_gains_and_losses_turn_the_difference_of_accuracy(
    share: tuple[int, int], alpha: float, data: st.DataObject
) -> None:
    gained, pairs = share
    lost = data.draw(st.integers(0, pairs - gained))
    found = paired.accuracy_difference(gained, lost, pairs, alpha)
    turned = paired.accuracy_difference(lost, gained, pairs, alpha)
    assert -1.0 <= found.lower <= (gained - lost) / pairs <= found.upper <= 1.0
    assert turned.lower == pytest.approx(-found.upper, abs=1e-6)


@given(VALUES, VALUES)
def test_merged_moments_are_those_of_the_whole(left: list[float], right: list[float]) -> None:
    whole = Moments.of(left + right)
    merged = Moments.of(left).merge(Moments.of(right))
    one_by_one = Moments()
    for value in left + right:
        one_by_one = one_by_one.add(value)
    for found in (merged, one_by_one):
        assert found.n == whole.n
        assert found.mean == pytest.approx(whole.mean, abs=1e-6)
        assert found.m2 == pytest.approx(whole.m2, rel=1e-6, abs=1e-3)


@given(st.integers(30, 10**8), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), LEVELS, st.integers(2, 100))
def test_a_mean_is_in_the_middle_of_its_interval_and_more_values_narrow_it(
    n: int, mean: float, variance: float, alpha: float, times: int
) -> None:
    few = means.asymptotic_interval(Moments(n, mean, variance * (n - 1)), alpha)
    many = means.asymptotic_interval(Moments(n * times, mean, variance * (n * times - 1)), alpha)
    assert few.lower < mean < few.upper
    assert few.upper - mean == pytest.approx(mean - few.lower, abs=1e-9 * (abs(mean) + few.width))
    assert many.width < few.width


@given(st.lists(st.integers(0, 3000), min_size=3, max_size=30), st.sampled_from([0.05, 0.5, 0.95]), LEVELS)
def test_a_quantile_interval_covers_the_bin_of_the_observed_quantile(counts: list[int], q: float, alpha: float) -> None:
    edges = np.arange(len(counts) + 1.0)
    row = np.array(counts)
    found = quantiles.quantile_interval(row, edges, q, alpha)
    total = sum(counts)
    place = int(np.searchsorted(row.cumsum(), q * total)) if total else 0
    assert found.lower <= edges[place]
    assert edges[place + 1] <= found.upper
    assert inside(found, quantiles.quantile_interval(row, edges, q, alpha / 10))


@given(st.data(), st.integers(2, 30), LEVELS)
def test_a_distance_is_the_same_from_both_sides_and_holds_the_observed_one(
    data: st.DataObject, bins: int, alpha: float
) -> None:
    histogram = st.lists(st.integers(0, 10_000), min_size=bins, max_size=bins).filter(any)
    a, b = np.array(data.draw(histogram)), np.array(data.draw(histogram))
    found = distributions.ks_interval(a, b, alpha)
    observed = np.abs(a.cumsum() / a.sum() - b.cumsum() / b.sum()).max()
    assert found == distributions.ks_interval(b, a, alpha)
    assert 0.0 <= found.lower <= observed <= found.upper <= 1.0


@settings(max_examples=30)
@given(st.integers(1, 100_000), st.floats(0.001, 0.999), LEVELS)
def test_limits_of_a_count_are_the_counts_whose_interval_holds_the_chance(n: int, chance: float, alpha: float) -> None:
    fewest, most = quantiles.count_limits(n, chance, alpha, 1000)
    for count in {0, n, math.floor(fewest), math.ceil(fewest), math.floor(most), math.ceil(most)}:
        # Where a limit falls on a whole count, rounding decides.
        if 0 <= count <= n and min(abs(count - fewest), abs(count - most)) > 1e-4:
            assert proportions.interval(count, n, alpha).contains(chance) == (fewest < count < most)
