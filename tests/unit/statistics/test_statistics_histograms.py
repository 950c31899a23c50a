"""Quantiles and distances of distributions at any time, from counts in bins."""

import math

import numpy as np
import pytest

from pierhead.statistics.sequential import distributions, quantiles
from pierhead.statistics.sequential.interval import Interval

EDGES = np.concatenate([[0.0], np.geomspace(0.01, 20.0, 60), [math.inf]])


def histogram(values: np.ndarray) -> np.ndarray:
    return np.histogram(values, EDGES)[0]


def test_a_quantile_lies_between_edges_of_bins() -> None:
    counts = np.array([100, 200, 400, 200, 100])
    found = quantiles.quantile_interval(counts, np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), 0.5, 0.05)
    assert found == Interval(2.0, 3.0)


def test_a_quantile_of_few_values_may_be_anywhere() -> None:
    counts = np.array([1, 3, 1])
    edges = np.array([0.0, 1.0, 2.0, math.inf])
    assert quantiles.quantile_interval(counts, edges, 0.99, 0.05) == Interval(0.0, math.inf)
    assert quantiles.quantile_interval(np.zeros(3, dtype=np.int64), edges, 0.5, 0.05) == Interval(0.0, math.inf)


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_a_latency_quantile_is_missed_no_more_often_than_the_level_over_twenty_looks(q: float) -> None:
    rng = np.random.default_rng(13)
    truth, missed = -math.log(1.0 - q), 0
    for _ in range(200):
        looks = np.cumsum([histogram(rng.exponential(size=200)) for _ in range(20)], axis=0)
        missed += any(not quantiles.quantile_interval(counts, EDGES, q, 0.1).contains(truth) for counts in looks)
    assert missed / 200 <= 0.1


def test_count_limits_leave_the_true_count_outside_no_more_often_than_the_level() -> None:
    below = np.random.default_rng(17).binomial(100, 0.99, (1000, 50)).cumsum(axis=1)
    limits = np.array([quantiles.count_limits(n, 0.99, 0.1, 1000) for n in range(100, 5001, 100)])
    outside = (below <= limits[:, 0]) | (below >= limits[:, 1])
    assert 0 < outside.any(axis=1).mean() <= 0.1


def test_a_slower_arm_has_a_higher_quantile_by_difference_and_by_ratio() -> None:
    rng = np.random.default_rng(19)
    fast, slow = histogram(rng.exponential(size=20_000)), histogram(2.0 * rng.exponential(size=4_000))
    truth = -math.log(0.05)
    apart = quantiles.difference(fast, slow, EDGES, 0.95, 0.05)
    times = quantiles.ratio(fast, slow, EDGES, 0.95, 0.05)
    assert 0.0 < apart.lower <= truth <= apart.upper
    assert 1.0 < times.lower <= 2.0 <= times.upper < 4.0


def test_a_ratio_over_a_quantile_that_may_be_0_has_no_upper_end() -> None:
    edges = np.array([0.0, 1.0, 2.0])
    found = quantiles.ratio(np.array([900, 100]), np.array([100, 900]), edges, 0.5, 0.05)
    assert found == Interval(1.0, math.inf)


def test_the_same_distribution_is_found_apart_no_more_often_than_the_level_over_twenty_looks() -> None:
    rng = np.random.default_rng(23)
    weights = np.full(20, 0.05)
    a = rng.multinomial(900, weights, (500, 20)).cumsum(axis=1)
    b = rng.multinomial(100, weights, (500, 20)).cumsum(axis=1)
    lowest = [
        max(distributions.ks_interval(a[path, look], b[path, look], 0.1).lower for look in range(20))
        for path in range(500)
    ]
    assert np.mean(np.array(lowest) > 0.0) <= 0.1


def test_a_shifted_distribution_is_found_apart_by_about_its_distance() -> None:
    a, b = np.array([500, 300, 200]) * 20, np.array([200, 300, 500]) * 20
    found = distributions.ks_interval(a, b, 0.05)
    assert 0.25 < found.lower < 0.3 < found.upper < 0.35


def test_edges_alone_are_bounded_closer_than_the_whole_line() -> None:
    # Howard and Ramdas 2022, theorem 2, once for each arm at half the level.
    n, alpha, inner = 1000, 0.05, 19
    line = 2 * 0.85 * math.sqrt((math.log(math.log(math.e * n)) + 0.8 * math.log(1612 / (alpha / 2))) / n)
    assert distributions.share_radius(n, n, alpha / inner, 1000) < 0.55 * line


def test_an_empty_arm_may_be_at_any_distance() -> None:
    assert distributions.ks_interval(np.array([1, 2]), np.array([0, 0]), 0.05) == Interval(0.0, 1.0)


WRONG = {
    "one bin": (np.array([5]), np.array([5])),
    "other bins": (np.array([5, 1]), np.array([5, 1, 1])),
    "shares": (np.array([0.5, 0.5]), np.array([5, 1])),
    "below 0": (np.array([5, -1]), np.array([5, 1])),
    "two rows": (np.array([[5, 1]]), np.array([5, 1])),
}


@pytest.mark.parametrize(("a", "b"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_pair_of_histograms_is_refused(a: np.ndarray, b: np.ndarray) -> None:
    with pytest.raises(ValueError, match="histogram"):
        distributions.ks_interval(a, b, 0.05)


def test_a_quantile_outside_of_0_and_1_and_edges_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"q is 1\.0"):
        quantiles.quantile_interval(np.array([1, 2]), np.array([0.0, 1.0, 2.0]), 1.0, 0.05)
    with pytest.raises(ValueError, match="2 bins, must have 3"):
        quantiles.quantile_interval(np.array([1, 2]), np.array([0.0, 1.0, 2.0, 3.0]), 0.5, 0.05)
    with pytest.raises(ValueError, match="not below 0"):
        quantiles.ratio(np.array([1, 2]), np.array([1, 2]), np.array([-1.0, 1.0, 2.0]), 0.5, 0.05)
