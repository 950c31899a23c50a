"""Means of any values at any time, and the p-values that belong to them."""

import math

import numpy as np
import pytest

from pierhead.statistics.sequential import means, msprt
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.means import Moments
from pierhead.statistics.sequential.normal_mixture import two_sided_bound, two_sided_rho


def test_moments_are_those_of_the_values() -> None:
    values = np.random.default_rng(1).exponential(size=50)
    moments = Moments.of(values)
    assert moments.n == 50
    assert moments.mean == pytest.approx(values.mean())
    assert moments.variance == pytest.approx(values.var(ddof=1))


def test_moments_of_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Moments.of([1.0, math.nan])


def test_few_values_say_nothing_about_a_mean() -> None:
    few = Moments.of(np.arange(29.0))
    enough = Moments.of(np.arange(30.0))
    assert means.asymptotic_interval(few, 0.05) == Interval.everything()
    assert means.difference(few, enough, 0.05) == Interval.everything()
    assert math.isfinite(means.difference(enough, enough, 0.05).width)


def test_the_interval_is_the_normal_mixture_of_the_estimated_variance() -> None:
    moments = Moments(n=400, mean=3.0, m2=4.0 * 399)
    radius = 2.0 * two_sided_bound(400, 0.05, two_sided_rho(1000, 0.05)) / 400
    assert means.asymptotic_interval(moments, 0.05) == Interval(3.0 - radius, 3.0 + radius)


def test_equal_values_leave_one_mean() -> None:
    same = Moments.of([0.25] * 40)
    assert means.asymptotic_interval(same, 0.05) == Interval(0.25, 0.25)
    assert means.difference(same, same, 0.05) == Interval(0.0, 0.0)
    assert msprt.difference_p(same, same) == 1.0
    assert msprt.difference_p(same, same, margin=0.1) == 0.0


def test_two_equal_arms_are_worth_as_many_values_as_one_of_them() -> None:
    one, other = Moments(n=500, mean=1.0, m2=499.0), Moments(n=500, mean=1.5, m2=499.0)
    alone = means.asymptotic_interval(one, 0.05)
    assert means.difference(one, other, 0.05).width == pytest.approx(math.sqrt(2.0) * alone.width)


def test_a_skewed_mean_is_missed_no_more_often_than_the_level_over_fifty_looks() -> None:
    values = np.random.default_rng(3).exponential(size=(1000, 5000))
    looks = np.arange(100, 5001, 100)
    sums, squares = np.cumsum(values, axis=1)[:, looks - 1], np.cumsum(values**2, axis=1)[:, looks - 1]
    average = sums / looks
    spread = squares - looks * average**2

    def misses(path: int, look: int) -> bool:
        moments = Moments(int(looks[look]), float(average[path, look]), float(spread[path, look]))
        return not means.asymptotic_interval(moments, 0.05).contains(1.0)

    missed = [any(misses(path, look) for look in range(50)) for path in range(1000)]
    assert np.mean(missed) <= 0.05


def test_a_difference_of_means_is_missed_no_more_often_than_the_level_while_the_ramp_grows() -> None:
    rng = np.random.default_rng(5)
    sizes = [(4000, 40)] * 10 + [(3000, 150)] * 10 + [(1000, 1000)] * 10
    champion, candidate = [Moments()] * 500, [Moments()] * 500
    missed = np.zeros(500, dtype=bool)
    for size_a, size_b in sizes:
        for path in range(500):
            champion[path] = champion[path].merge(_batch(rng, size_a, 1.0, 1.0))
            candidate[path] = candidate[path].merge(_batch(rng, size_b, 1.2, 3.0))
            missed[path] |= not means.difference(champion[path], candidate[path], 0.1).contains(0.2)
    assert 0 < missed.mean() <= 0.1


def _batch(rng: np.random.Generator, n: int, mean: float, sd: float) -> Moments:
    # Mean and squares of a normal sample are independent and of known law: no need to draw the values.
    return Moments(n, mean + sd * rng.standard_normal() / math.sqrt(n), sd**2 * rng.chisquare(n - 1))


def test_a_p_value_is_below_the_level_just_when_the_interval_excludes_the_margin() -> None:
    a, b = Moments(n=900, mean=1.0, m2=900.0), Moments(n=300, mean=1.3, m2=500.0)
    found = means.difference(a, b, 0.02)
    assert msprt.difference_p(a, b, margin=found.lower) == pytest.approx(0.02, rel=1e-9)
    assert msprt.difference_p(a, b, margin=found.upper) == pytest.approx(0.02, rel=1e-9)


def test_the_mixture_test_is_that_of_johari_and_others() -> None:
    estimate, variance, tau2 = 0.3, 0.01, 0.04
    ratio = math.sqrt(variance / (variance + tau2)) * math.exp(tau2 * estimate**2 / (2 * variance * (variance + tau2)))
    assert msprt.p_value(estimate, variance, tau2=tau2) == pytest.approx(1 / ratio)


def test_a_p_value_never_grows_with_another_look() -> None:
    assert msprt.p_value(0.0, 0.01, tau2=0.04, previous=0.2) == 0.2
    few = Moments.of([1.0, 2.0])
    assert msprt.difference_p(few, few, previous=0.3) == 0.3


def test_fifty_looks_of_the_mixture_test_stay_within_the_level() -> None:
    sums = np.random.default_rng(9).normal(0.0, 10.0, (1000, 50)).cumsum(axis=1)
    looks = np.arange(100, 5001, 100)
    lowest = [
        min(msprt.p_value(float(total / n), 1.0 / n, tau2=0.01) for total, n in zip(path, looks.tolist(), strict=True))
        for path in sums
    ]
    assert 0 < np.mean(np.array(lowest) < 0.05) <= 0.05


def test_a_test_without_a_variance_or_with_a_wrong_previous_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match="variance is 0"):
        msprt.p_value(1.0, 0.0, tau2=1.0)
    with pytest.raises(ValueError, match=r"previous p-value is 1\.5"):
        msprt.p_value(1.0, 1.0, tau2=1.0, previous=1.5)
