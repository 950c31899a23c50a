"""The boundaries of Howard, Ramdas, McAuliffe and Sekhon give the figures that their authors' own library tests."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from pierhead.statistics.sequential import beta_binomial, gamma_exponential, normal_mixture, poly_stitching


def test_the_two_sided_normal_mixture_has_its_published_constants() -> None:
    rho = normal_mixture.two_sided_rho(100, 0.05)
    assert rho == pytest.approx(12.60056, abs=1e-5)
    assert normal_mixture.log_mixture(10, 100, rho) == pytest.approx(-0.6510052, abs=1e-6)
    assert normal_mixture.two_sided_bound(100, 0.05, rho) == pytest.approx(30.35209, abs=1e-5)


def test_the_one_sided_normal_mixture_is_tuned_for_twice_the_level() -> None:
    rho = normal_mixture.one_sided_rho(100, 0.05)
    assert rho == normal_mixture.two_sided_rho(100, 0.1)
    assert normal_mixture.one_sided_bound(100, 0.05, rho) == pytest.approx(27.66071, abs=1e-5)


def test_the_gamma_exponential_mixture_has_its_published_bound() -> None:
    assert gamma_exponential.bound(100, 0.05, v_opt=100, c=2) == pytest.approx(33.02017, abs=1e-5)


def test_the_beta_binomial_mixture_has_its_published_bound() -> None:
    assert beta_binomial.bound(100, 0.05, v_opt=100, g=0.2, h=0.8) == pytest.approx(31.4308, abs=5e-5)


def test_the_polynomially_stitched_boundary_has_its_published_bound() -> None:
    bound = poly_stitching.bound(100, 0.05, v_min=10, c=3, s=1.4, eta=2)
    assert bound == pytest.approx(64.48755, abs=1e-5)


def test_a_gamma_exponential_mixture_with_hardly_a_tail_is_the_one_sided_normal_mixture() -> None:
    normal = normal_mixture.one_sided_bound(100, 0.05, normal_mixture.one_sided_rho(100, 0.05))
    assert gamma_exponential.bound(100, 0.05, v_opt=100, c=0.01) == pytest.approx(normal, rel=2e-3)


def test_a_one_sided_beta_binomial_mixture_is_closer_than_the_two_sided() -> None:
    one, two = (beta_binomial.bound(100, 0.05, v_opt=100, g=0.5, h=0.5, one_sided=side) for side in (True, False))
    assert one < two


def test_a_sum_that_cannot_reach_the_boundary_is_bounded_by_its_largest_value() -> None:
    assert beta_binomial.bound(1, 1e-6, v_opt=100, g=0.5, h=0.5) == 2.0


def test_a_normal_mixture_is_tightest_near_the_time_it_is_tuned_for() -> None:
    def bound_of(best_at: float) -> float:
        return normal_mixture.two_sided_bound(1000, 0.05, normal_mixture.two_sided_rho(best_at, 0.05))

    assert bound_of(1000) < min(bound_of(100), bound_of(10_000))
    assert bound_of(1000) == pytest.approx(min(bound_of(best_at) for best_at in range(500, 2000, 50)), rel=1e-3)


def test_fifty_looks_cross_the_boundary_within_the_level_and_a_fixed_z_far_more_often() -> None:
    steps = np.random.default_rng(40).standard_normal((1000, 50, 100)).sum(axis=2)
    sums = np.abs(np.cumsum(steps, axis=1))
    times = np.arange(100, 5001, 100)
    rho = normal_mixture.two_sided_rho(1000, 0.05)
    bounds = np.array([normal_mixture.two_sided_bound(time, 0.05, rho) for time in times])

    assert (sums > bounds).any(axis=1).mean() <= 0.05
    assert (sums > 1.96 * np.sqrt(times)).any(axis=1).mean() == pytest.approx(0.32, abs=0.03)


REFUSED: dict[str, Callable[[], float]] = {
    "level 0": lambda: normal_mixture.two_sided_bound(100, 0.0, 10),
    "level 1": lambda: poly_stitching.bound(100, 1.0, v_min=10),
    "level no number": lambda: normal_mixture.two_sided_rho(100, math.nan),
    "time 0": lambda: normal_mixture.two_sided_rho(0, 0.05),
    "best at 0": lambda: normal_mixture.tuned_rho(0),
    "rho 0": lambda: normal_mixture.two_sided_bound(100, 0.05, 0),
    "one-sided level above a half": lambda: normal_mixture.one_sided_rho(100, 0.6),
    "no tail": lambda: gamma_exponential.bound(100, 0.05, v_opt=100, c=0),
    "no range": lambda: beta_binomial.bound(100, 0.05, v_opt=100, g=0, h=1),
    "power 1": lambda: poly_stitching.bound(100, 0.05, v_min=10, s=1.0),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_numbers_without_a_meaning_are_refused(call: Callable[[], float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        call()
