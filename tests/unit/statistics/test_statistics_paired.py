"""Two models on the same requests need far fewer of them."""

import numpy as np
import pytest

from pierhead.statistics.sequential import paired, proportions
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.means import Moments


def test_disagreement_is_a_share_of_the_pairs() -> None:
    assert paired.disagreement(12, 800, 0.05) == proportions.interval(12, 800, 0.05)


def test_models_that_always_agree_differ_by_little() -> None:
    found = paired.accuracy_difference(0, 0, 1000, 0.05)
    assert found.lower == -found.upper
    assert found.upper < 0.006


def test_without_pairs_any_difference_of_accuracy_is_possible() -> None:
    assert paired.accuracy_difference(0, 0, 0, 0.05) == Interval(-1.0, 1.0)


def test_pairs_show_a_loss_that_two_arms_of_the_same_size_do_not() -> None:
    # Champion right on 900 of 1000, candidate on 870: 35 pairs lost, 5 gained.
    together = paired.accuracy_difference(5, 35, 1000, 0.05)
    apart = proportions.difference(900, 1000, 870, 1000, 0.05)
    assert together.upper < 0.0 < apart.upper
    assert together.contains(-0.03)


def test_a_difference_of_accuracy_is_missed_no_more_often_than_the_level_over_twenty_looks() -> None:
    cells = np.random.default_rng(29).multinomial(100, [0.04, 0.07, 0.89], (150, 20)).cumsum(axis=1)

    def misses(path: int, look: int) -> bool:
        gained, lost, _ = cells[path, look].tolist()
        return not paired.accuracy_difference(gained, lost, 100 * (look + 1), 0.2).contains(-0.03)

    missed = [any(misses(path, look) for look in range(20)) for path in range(150)]
    assert np.mean(missed) <= 0.2


def test_the_mean_difference_of_scores_uses_that_pairs_move_together() -> None:
    rng = np.random.default_rng(31)
    champion = rng.normal(0.0, 1.0, 2000)
    candidate = champion + rng.normal(0.02, 0.1, 2000)
    found = paired.mean_difference(Moments.of(candidate - champion), 0.05)
    assert 0.0 < found.lower < 0.02 < found.upper


@pytest.mark.parametrize(("gained", "lost", "pairs"), [(6, 5, 10), (-1, 5, 10), (1.5, 0, 10)])
def test_what_are_no_counts_of_pairs_is_refused(gained: int, lost: int, pairs: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        paired.accuracy_difference(gained, lost, pairs, 0.05)
