"""Shares at any time: exact for any sample size, however often they are looked at."""

import math
from functools import cache

import numpy as np
import pytest

from pierhead.statistics.sequential import proportions
from pierhead.statistics.sequential.arms import Bernoulli, Poisson
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.normal_mixture import tuned_rho


@pytest.mark.parametrize("chance", [0.003, 0.2, 0.5, 0.97])
def test_the_evidence_against_the_true_chance_is_a_fair_game(chance: float) -> None:
    n = 40
    expected = sum(
        math.comb(n, k) * chance**k * (1 - chance) ** (n - k) * math.exp(Bernoulli(k, n, 7.0).evidence(chance))
        for k in range(n + 1)
    )
    assert expected == pytest.approx(1.0, rel=1e-9)


def test_poisson_evidence_of_two_cells_of_one_multinomial_is_no_better_than_a_fair_game() -> None:
    n, up, down = 12, 0.1, 0.25

    def weighed(k: int, j: int) -> float:
        ways = math.comb(n, k) * math.comb(n - k, j) * up**k * down**j * (1 - up - down) ** (n - k - j)
        return ways * math.exp(Poisson(k, n, 3.0).evidence(up) + Poisson(j, n, 3.0).evidence(down))

    assert 0.5 < sum(weighed(k, j) for k in range(n + 1) for j in range(n + 1 - k)) <= 1.0


def test_the_ends_of_an_interval_are_where_the_evidence_reaches_the_level() -> None:
    found = proportions.interval(37, 2500, 0.01)
    arm = Bernoulli(37, 2500, tuned_rho(1000))
    assert arm.evidence(found.lower) == pytest.approx(math.log(100), abs=1e-5)
    assert arm.evidence(found.upper) == pytest.approx(math.log(100), abs=1e-5)


def test_without_trials_anything_is_possible() -> None:
    assert proportions.interval(0, 0, 0.05) == Interval(0.0, 1.0)
    assert proportions.difference(0, 0, 0, 0, 0.05) == Interval(-1.0, 1.0)
    assert proportions.difference_p(0, 0, 3, 9) == 1.0


def test_an_empty_arm_leaves_what_the_other_says() -> None:
    known = proportions.interval(10, 1000, 0.05)
    assert proportions.difference(10, 1000, 0, 0, 0.05) == Interval(-known.upper, 1.0 - known.lower)


def test_no_error_in_a_thousand_requests_bounds_the_error_rate_near_four_per_thousand() -> None:
    # Three per thousand would be the bound of one planned look.
    found = proportions.interval(0, 1000, 0.05)
    assert found.lower == 0.0
    assert 0.003 < found.upper < 0.0042


def test_sums_of_scores_between_0_and_1_are_shares_too() -> None:
    found = proportions.interval(123.4, 400, 0.05)
    assert found.contains(123.4 / 400)
    assert proportions.interval(0.3, 400, 0.05).lower == 0.0


def test_the_evidence_from_sums_of_scores_is_no_better_than_a_fair_game() -> None:
    n, none, half, one = 12, 0.5, 0.2, 0.3

    def weighed(halves: int, ones: int) -> float:
        ways = math.comb(n, halves) * math.comb(n - halves, ones)
        chance = ways * none ** (n - halves - ones) * half**halves * one**ones
        return chance * math.exp(Bernoulli(ones + halves / 2, n, 3.0).evidence(one + half / 2))

    assert 0.5 < sum(weighed(i, j) for i in range(n + 1) for j in range(n + 1 - i)) <= 1.0


def test_a_share_is_missed_no_more_often_than_the_level_over_fifty_looks() -> None:
    chance, alpha = 0.03, 0.1
    draws = np.random.default_rng(7).binomial(100, chance, (1000, 50)).cumsum(axis=1)

    @cache
    def misses(successes: int, trials: int) -> bool:
        return not proportions.interval(successes, trials, alpha).contains(chance)

    missed = [any(misses(int(k), 100 * (look + 1)) for look, k in enumerate(path)) for path in draws]
    assert 0 < np.mean(missed) <= alpha


def test_a_difference_is_missed_no_more_often_than_the_level_while_the_ramp_grows() -> None:
    # 1 %, then 5 %, then half: the arms' sizes have nothing to do with each other.
    alpha, sizes = 0.2, [(990, 10)] * 5 + [(950, 50)] * 5 + [(500, 500)] * 5
    rng = np.random.default_rng(11)
    n1, n2 = np.cumsum(sizes, axis=0).T
    k1 = np.cumsum([rng.binomial(size, 0.02, 200) for size, _ in sizes], axis=0)
    k2 = np.cumsum([rng.binomial(size, 0.05, 200) for _, size in sizes], axis=0)

    def misses(look: int, path: int) -> bool:
        a, b = int(k1[look, path]), int(k2[look, path])
        return proportions.difference_p(a, int(n1[look]), b, int(n2[look]), margin=0.03) < alpha

    missed = [any(misses(look, path) for look in range(len(sizes))) for path in range(200)]
    assert np.mean(missed) <= alpha


def test_a_difference_is_closer_than_two_intervals_apart() -> None:
    first, second = (proportions.interval(k, 2000, 0.025) for k in (100, 120))
    found = proportions.difference(100, 2000, 120, 2000, 0.05)
    assert found.width < 0.8 * (second.upper - first.lower - (second.lower - first.upper))


def test_a_difference_is_seconds_minus_firsts() -> None:
    found = proportions.difference(10, 1000, 60, 1000, 0.05)
    assert 0.0 < found.lower < 0.05 < found.upper


def test_the_p_value_is_the_level_at_which_an_end_of_the_interval_lies() -> None:
    found = proportions.difference(10, 1000, 31, 700, 0.01)
    for margin in (found.lower, found.upper):
        assert proportions.difference_p(10, 1000, 31, 700, margin=margin) == pytest.approx(0.01, rel=1e-4)
    assert proportions.difference_p(10, 1000, 10, 1000) == 1.0


@pytest.mark.parametrize(
    ("k1", "n1", "k2", "n2"),
    [(0, 1, 4705, 4707), (2, 888992, 54, 67), (57858, 57862, 0, 1), (0, 426319, 0, 24), (1, 8708, 3846, 7748)],
)
def test_lopsided_arms_have_a_difference_too(k1: int, n1: int, k2: int, n2: int) -> None:
    found = proportions.difference(k1, n1, k2, n2, 0.05)
    assert -1.0 <= found.lower <= k2 / n2 - k1 / n1 <= found.upper <= 1.0
    for margin in (found.lower, found.upper):
        if abs(margin) < 0.999:
            assert proportions.difference_p(k1, n1, k2, n2, margin=margin) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize(
    ("successes", "trials", "alpha"), [(-1, 10, 0.05), (11, 10, 0.05), (math.nan, 10, 0.05), (1, 10, 0.0), (1, 10, 1.5)]
)
def test_what_is_no_share_is_refused(successes: float, trials: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        proportions.interval(successes, trials, alpha)


def test_a_difference_needs_whole_counts_and_a_margin_between_minus_1_and_1() -> None:
    with pytest.raises(ValueError, match=r"1\.5 must be a whole number"):
        proportions.difference(1.5, 10, 2, 10, 0.05)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="margin is 1"):
        proportions.difference_p(1, 10, 2, 10, margin=1.0)
