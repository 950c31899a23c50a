"""Adjusted p-values, and the Bayesian view that is for people alone."""

import math

import numpy as np
import pytest

from pierhead.statistics import bayes, multiplicity


def test_holm_adjusts_as_r_does() -> None:
    p_values = [0.01, 0.02, 0.03, 0.04, 0.05]
    assert multiplicity.holm(p_values) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


def test_benjamini_hochberg_adjusts_as_r_does() -> None:
    p_values = [0.005, 0.009, 0.05, 0.01, 0.5]
    assert multiplicity.benjamini_hochberg(p_values) == pytest.approx([1 / 60, 1 / 60, 0.0625, 1 / 60, 0.5])


def test_no_tests_have_no_p_values() -> None:
    assert multiplicity.holm([]) == []
    assert multiplicity.benjamini_hochberg([]) == []


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        multiplicity.holm([0.5, p])
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        multiplicity.benjamini_hochberg([0.5, p])


def test_the_chance_that_b_is_better_is_that_of_the_textbook() -> None:
    found = bayes.compare(940, 1000, 912, 1000)
    assert found.probability_b_better == pytest.approx(0.00843, abs=5e-6)
    assert found.expected_loss_a < 1e-4
    assert found.expected_loss_b == pytest.approx(0.028, abs=1e-3)


@pytest.mark.parametrize(("k_a", "n_a", "k_b", "n_b"), [(3, 10, 5, 9), (0, 50, 2, 60), (40, 40, 39, 40)])
def test_the_chance_is_that_of_the_exact_sum(k_a: int, n_a: int, k_b: int, n_b: int) -> None:
    # E. Miller, Formulas for Bayesian A/B testing: a finite sum for whole parameters.
    def log_beta(x: float, y: float) -> float:
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    a, b, c, d = k_a + 1, n_a - k_a + 1, k_b + 1, n_b - k_b + 1
    exact = sum(
        math.exp(log_beta(a + i, b + d) - math.log(d + i) - log_beta(1 + i, d) - log_beta(a, b)) for i in range(c)
    )
    assert bayes.compare(k_a, n_a, k_b, n_b).probability_b_better == pytest.approx(exact, rel=1e-8)


def test_of_two_shares_nobody_knows_each_choice_gives_away_a_sixth() -> None:
    found = bayes.compare(0, 0, 0, 0)
    assert found.probability_b_better == pytest.approx(0.5)
    assert found.expected_loss_a == pytest.approx(1 / 6)
    assert found.expected_loss_b == pytest.approx(1 / 6)


def test_the_expected_loss_is_the_mean_of_what_is_given_away() -> None:
    rng = np.random.default_rng(43)
    a, b = rng.beta(31, 71, 400_000), rng.beta(13, 39, 400_000)
    found = bayes.compare(30, 100, 12, 50)
    assert found.expected_loss_a == pytest.approx(np.maximum(b - a, 0).mean(), abs=3e-4)
    assert found.expected_loss_b == pytest.approx(np.maximum(a - b, 0).mean(), abs=3e-4)


def test_a_share_above_one_and_a_prior_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="5 of 4"):
        bayes.compare(5, 4, 1, 2)
    with pytest.raises(ValueError, match="prior is 0"):
        bayes.compare(1, 4, 1, 2, prior=(0.0, 1.0))
