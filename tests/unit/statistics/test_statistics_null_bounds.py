"""How often chance exceeds each bound."""

import math

import numpy as np
import pytest
from scipy import stats

from pierhead.statistics.distances import hellinger, jensen_shannon, psi, wasserstein
from pierhead.statistics.null_bounds import (
    Spread,
    drifted,
    null_of_counts,
    spread_of_samples,
    wasserstein_null,
    wasserstein_scaled_null,
)
from pierhead.statistics.share_bounds import NewCategories, NullShare
from pierhead.statistics.smirnov import Smirnov

COUNTED = ["psi", "jensen_shannon", "hellinger", "chi_squared_effect", "total_variation", "l_infinity"]


def draws(statistic, n, m, p, times=20_000, seed=5):
    generator = np.random.default_rng(seed)
    first, second = generator.multinomial(n, p, times) / n, generator.multinomial(m, p, times) / m
    match statistic:
        case "psi":
            return psi.of_shares(first, second)
        case "jensen_shannon":
            return jensen_shannon.of_shares(first, second)
        case "hellinger":
            return hellinger.of_shares(first, second)
        case "chi_squared_effect":
            pooled = (n * first + m * second) / (n + m)
            return np.sqrt(np.divide((first - second) ** 2, pooled, out=np.zeros_like(first), where=pooled > 0).sum(1))
        case "total_variation":
            return np.abs(first - second).sum(1) / 2
        case "l_infinity":
            return np.abs(first - second).max(1)


@pytest.mark.parametrize("sizes", [(285, 284), (10_000, 300), (10_000, 300_000)], ids=str)
@pytest.mark.parametrize("statistic", COUNTED)
def test_chance_exceeds_the_bound_no_more_often_than_it_may(statistic, sizes):
    p = np.full(10, 0.1)
    values = draws(statistic, *sizes, p)
    null = null_of_counts(statistic, p * sizes[0], p * sizes[1])
    for alpha in (0.05, 0.001):
        rate = np.mean(values > null.bound(alpha))
        assert rate <= alpha + 4 * math.sqrt(alpha / values.size)
    if statistic in COUNTED[:4]:
        assert np.mean(values > null.bound(0.05)) > 0.035, "a bound that is never reached sees nothing"


@pytest.mark.parametrize("statistic", ["psi", "jensen_shannon", "hellinger"])
def test_sparse_cells_are_bounded_by_simulation(statistic):
    p = np.array([0.4, 0.3, 0.15, 0.1, 0.03, 0.015, 0.005])
    values = draws(statistic, 5000, 200, p)
    null = null_of_counts(statistic, p * 5000, p * 200)
    assert "bootstrap" in null.formula
    assert np.mean(values > null.bound(0.05)) == pytest.approx(0.05, abs=0.012)
    assert np.mean(values > null.bound(0.001)) < 0.003


def test_the_psi_bound_is_the_published_one():
    """0.119, 0.034 and 0.0037 in theory, 0.124, 0.034 and 0.0036 simulated, at 95 percent."""
    tenth = np.full(10, 0.1)
    bounds = [
        null_of_counts("psi", tenth * n, tenth * m).bound(0.05) for n, m in ((285, 284), (1000, 1000), (50_000, 5000))
    ]
    assert bounds == pytest.approx([0.124, 0.034, 0.0037], rel=0.03)


def test_chance_exceeds_the_smirnov_bound_as_often_as_it_may():
    generator = np.random.default_rng(2)
    points = np.arange(1, 1000) / 1000
    distances = []
    for _ in range(3000):
        first, second = np.sort(generator.random(400)), np.sort(generator.random(200))
        gaps = np.searchsorted(first, points) / 400 - np.searchsorted(second, points) / 200
        distances.append(np.abs(gaps).max())
    assert np.mean(np.array(distances) > Smirnov(400, 200).bound(0.05)) == pytest.approx(0.045, abs=0.015)


def test_large_samples_take_the_limit_to_the_safe_side():
    """From an effective size of 1,000 on scipy's finite distribution costs too much."""
    for distance in (0.02, 0.027, 0.04):
        limit = stats.kstwobign.sf(distance * math.sqrt(2500))
        assert Smirnov(5000, 5000).p_value(distance) == pytest.approx(limit, rel=1e-9)
        assert stats.kstwo.sf(distance, 2500) < limit < 1.05 * stats.kstwo.sf(distance, 2500)


@pytest.mark.parametrize("column", ["normal", "exponential", "lognormal"])
def test_chance_stays_below_the_wasserstein_bound(column):
    generator = np.random.default_rng(4)
    draw = getattr(generator, column)
    spread = spread_of_samples(draw(size=20_000))
    bound = wasserstein_scaled_null(300, 2000, spread).bound(0.05)
    values = np.array([wasserstein.scaled_of_samples(draw(size=300), draw(size=2000)).value for _ in range(400)])
    assert np.mean(values > bound) < 0.05
    assert bound < 1.6 * np.quantile(values, 0.95)


def nulls():
    counts = np.array([300, 200, 90, 60, 50]), np.array([250, 190, 120, 40, 60])
    named = {statistic: null_of_counts(statistic, *counts) for statistic in [*COUNTED, "chi_squared", "ks"]}
    rare = [5, 3, 2], [400, 300, 20]
    return {
        **named,
        "psi, sparse": null_of_counts("psi", *rare),
        "wasserstein": wasserstein_null(300, 900, Spread(2.0, 1.5)),
        "ks, large": Smirnov(900_000, 30_000),
        "null share": NullShare(1000, 300, 40),
        "new categories": NewCategories.of(500, 300, [400, 300, 60, 3, 1, 1]),
    }


NULLS = nulls()


@pytest.mark.parametrize("null", NULLS.values(), ids=NULLS)
def test_bound_and_p_value_say_the_same(null):
    bounds = [null.bound(alpha) for alpha in (0.1, 0.01, 1e-4, 1e-8)]
    assert bounds == sorted(bounds)
    assert null.p_value(0.0) == 1
    for alpha, bound in zip((0.01, 1e-4, 1e-8), bounds[1:], strict=True):
        assert null.p_value(bound * 1.01) < alpha < null.p_value(bound * 0.99)


def test_equal_columns_in_one_cell_never_drift():
    null = null_of_counts("psi", [10], [20])
    assert null.bound(0.01) == 0
    assert not drifted(0.0, 0.0, null.bound(0.01))


def test_a_constant_reference_leaves_nothing_to_chance():
    null = wasserstein_null(10, 10, spread_of_samples([3.0, 3.0, 3.0]))
    assert null.bound(0.01) == 0
    assert null.p_value(0.1) == 0
    assert spread_of_samples([3.0]) is None


def test_an_effect_must_exceed_threshold_and_chance():
    assert drifted(0.3, effect_threshold=0.1, bound=0.2)
    assert not drifted(0.3, effect_threshold=0.1, bound=0.4)
    assert not drifted(0.3, effect_threshold=0.5, bound=0.2)
    assert not drifted(None, effect_threshold=0.0, bound=0.0)


def test_simulated_bounds_are_the_same_each_time():
    first = null_of_counts("psi", [5, 3, 2], [400, 300, 21])
    assert first.bound(0.001) == null_of_counts("psi", [5, 3, 2], [400, 300, 21]).bound(0.001)


def test_new_singletons_are_no_news_where_every_value_is_one():
    """Identifiers: all current values are new, as the reference's were when it was drawn."""
    assert NewCategories.of(300, 300, [1] * 600).p_value(1.0) > 0.001
    assert NewCategories.of(300, 300, [500, 100]).p_value(1 / 3) < 1e-20


def test_chance_stays_below_the_new_category_bound():
    generator = np.random.default_rng(8)
    p = 1 / np.arange(1, 120) ** 1.3
    p /= p.sum()
    outside = 0
    for _ in range(300):
        first, second = generator.multinomial(400, p), generator.multinomial(200, p)
        share = second[first == 0].sum() / 200
        null = NewCategories.of(400, 200, [int(k) for k in first + second if k])
        outside += null.p_value(share) < 0.05
    assert outside <= 15


def test_chance_stays_below_the_null_share_bound():
    generator = np.random.default_rng(9)
    n, m = 5000, 400
    nulls = generator.binomial(n, 0.02, 4000), generator.binomial(m, 0.02, 4000)
    changes = np.abs(nulls[0] / n - nulls[1] / m)
    beyond = [change > NullShare(n, m, int(a + b)).bound(0.01) for change, a, b in zip(changes, *nulls, strict=True)]
    assert np.mean(beyond) <= 0.015


def test_what_has_no_null_distribution_is_refused():
    with pytest.raises(ValueError, match="both sides"):
        null_of_counts("psi", [0, 0], [1, 2])
    with pytest.raises(ValueError, match="'median'"):
        null_of_counts("median", [1, 1], [1, 2])
