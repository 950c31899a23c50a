"""Sample-ratio mismatch, at one look and at any."""

import math

import numpy as np
import pytest

from pierhead.statistics.sequential import ratio


def test_the_textbook_case_is_found() -> None:
    # Kohavi, Tang, Xu: Trustworthy online controlled experiments, 2020, ch. 21.
    counts = [821_588, 815_482]
    assert ratio.chi_square(counts, [50, 50]) == pytest.approx(22.774, abs=5e-4)
    assert ratio.srm_p(counts, [50, 50]) == pytest.approx(1.82e-6, abs=5e-9)
    assert ratio.sequential_srm_p(counts, [50, 50]) < 0.001


def test_counts_in_proportion_are_no_mismatch() -> None:
    assert ratio.srm_p([990, 10], [99, 1]) == 1.0
    assert ratio.sequential_srm_p([990, 10], [99, 1]) == 1.0
    assert ratio.sequential_srm_p([0, 0], [1, 1]) == 1.0


def test_the_sequential_evidence_is_a_fair_game() -> None:
    n, shares = 9, (0.5, 0.3, 0.2)

    def weighed(i: int, j: int) -> float:
        counts = (i, j, n - i - j)
        ways = math.factorial(n) / math.prod(math.factorial(count) for count in counts)
        chance = ways * math.prod(share**count for share, count in zip(shares, counts, strict=True))
        return chance * math.exp(ratio.log_e_value(counts, shares, best_at=20))

    assert sum(weighed(i, j) for i in range(n + 1) for j in range(n + 1 - i)) == pytest.approx(1.0, rel=1e-9)


def test_fifty_looks_raise_the_sequential_alarm_within_its_level_and_that_of_one_look_more_often() -> None:
    counts = np.random.default_rng(37).multinomial(200, [0.95, 0.05], (1000, 50)).cumsum(axis=1).tolist()
    sequential = [min(ratio.sequential_srm_p(look, [95, 5]) for look in path) < 0.05 for path in counts]
    fixed = [min(ratio.srm_p(look, [95, 5]) for look in path) < 0.05 for path in counts]
    assert np.mean(sequential) <= 0.05
    assert np.mean(fixed) > 0.2


def test_evidence_of_steps_with_other_weights_adds_up() -> None:
    steps = [([9_800, 200], [99, 1]), ([9_300, 700], [95, 5])]
    alone = [ratio.sequential_srm_p(counts, weights) for counts, weights in steps]
    together = ratio.p_of(sum(ratio.log_e_value(counts, weights) for counts, weights in steps))
    assert together == pytest.approx(math.prod(alone))
    assert together < min(alone)


@pytest.mark.parametrize(
    ("counts", "weights", "message"),
    [
        ([1, 2], [1, 1, 1], "2 counts and 3 weights"),
        ([1], [1], "at least two"),
        ([1, -2], [1, 1], "not be below 0"),
        ([1, 2], [1, 0], "above 0"),
        ([1, 2], [1, math.nan], "above 0"),
    ],
)
def test_counts_and_weights_that_do_not_fit_are_refused(counts: list[int], weights: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ratio.srm_p(counts, weights)
    with pytest.raises(ValueError, match=message):
        ratio.log_e_value(counts, weights)
