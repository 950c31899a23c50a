"""Adjusted p-values keep their order and bound one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierhead.statistics import bayes, multiplicity
from pierhead.statistics.sequential import ratio

P_VALUES = st.lists(st.floats(0.0, 1.0), max_size=20)


@given(P_VALUES)
def test_holm_is_never_below_benjamini_hochberg_nor_that_below_the_p_value(p_values: list[float]) -> None:
    by_holm, by_share = multiplicity.holm(p_values), multiplicity.benjamini_hochberg(p_values)
    for p, holm, share in zip(p_values, by_holm, by_share, strict=True):
        assert p * (1 - 1e-12) <= share <= holm * (1 + 1e-12)
        assert holm <= 1.0


@given(P_VALUES)
def test_a_smaller_p_value_stays_the_smaller(p_values: list[float]) -> None:
    for adjusted in (multiplicity.holm(p_values), multiplicity.benjamini_hochberg(p_values)):
        in_order = [after for _, after in sorted(zip(p_values, adjusted, strict=True))]
        assert in_order == sorted(in_order)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.floats(0.01, 100.0)), min_size=2, max_size=6))
def test_a_sample_ratio_does_not_depend_on_the_order_of_routes_or_the_unit_of_weights(
    routes: list[tuple[int, float]],
) -> None:
    counts, weights = [count for count, _ in routes], [weight for _, weight in routes]
    turned = ratio.log_e_value(counts[::-1], [7.0 * weight for weight in weights[::-1]])
    assert turned == pytest.approx(ratio.log_e_value(counts, weights), rel=1e-6, abs=1e-6)
    assert 0.0 <= ratio.sequential_srm_p(counts, weights) <= 1.0


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_one_arm_is_better_just_when_the_other_is_not(k_a: int, f_a: int, k_b: int, f_b: int) -> None:
    found = bayes.compare(k_a, k_a + f_a, k_b, k_b + f_b)
    turned = bayes.compare(k_b, k_b + f_b, k_a, k_a + f_a)
    assert found.probability_b_better + turned.probability_b_better == pytest.approx(1.0, abs=1e-6)
    assert found.expected_loss_a == pytest.approx(turned.expected_loss_b, abs=1e-7)
    assert found.expected_loss_a >= 0.0
