"""From measured statistics to a judgement."""

import numpy as np
import pytest

from pierhead.statistics.checks import categorical_checks, missing_categories, numeric_checks
from pierhead.statistics.distances import psi
from pierhead.statistics.method import Measured
from pierhead.statistics.null_bounds import ScaledChiSquared, null_of_counts
from pierhead.statistics.references import categorical_reference, numeric_reference
from pierhead.statistics.verdicts import Check, Level, Thresholds, judge, worst

LIMITS = Thresholds(0.1, 0.2)


def check(column, value, p_value=0.0, limits=LIMITS):
    """A check whose null has this value at this p-value."""
    base = ScaledChiSquared(1.0, 9, "test")
    scale = value / base.bound(p_value) if p_value else 1e-6
    return Check(column, Measured(value, psi.METHOD, 1000, 1000), limits, ScaledChiSquared(scale, 9, "test"))


def levels(checks, alpha=0.05):
    return [verdict.level for verdict in judge(checks, alpha)]


def test_the_level_follows_the_effect_when_chance_is_excluded():
    assert levels([check("a", 0.05), check("b", 0.15), check("c", 0.25)]) == [Level.OK, Level.WARN, Level.ALARM]


def test_a_large_effect_that_chance_explains_is_no_alarm():
    assert levels([check("a", 0.9, p_value=0.2)]) == [Level.OK]


def test_more_columns_ask_for_more_evidence():
    lone = check("a", 0.3, p_value=0.01)
    assert levels([lone]) == [Level.ALARM]
    assert levels([lone, *(check(f"c{i}", 0.3, p_value=0.5) for i in range(9))])[0] == Level.OK


def test_bound_and_adjusted_p_agree_on_every_column():
    generator = np.random.default_rng(1)
    for _ in range(20):
        p_values = generator.beta(0.2, 2, 12)
        for verdict in judge([check(str(i), 0.5, p) for i, p in enumerate(p_values)], 0.05):
            assert verdict.drifted == (verdict.p_adjusted <= 0.05) == (verdict.null_bound < 0.5)


def test_a_check_without_a_value_is_unknown_and_costs_the_others_nothing():
    empty = Check("gone", psi.of_counts([1, 1], [0, 0]), LIMITS, None)
    lone = check("a", 0.3, p_value=0.03)
    verdicts = judge([empty, lone])
    assert [verdict.level for verdict in verdicts] == [Level.UNKNOWN, Level.OK]
    assert levels([empty, lone]) == [Level.UNKNOWN, Level.ALARM]
    assert verdicts[0].null_bound is None


def test_the_gravest_check_speaks_for_its_column():
    verdicts = judge([check("a", 0.15), check("a", 0.25), check("b", 0.3), check("b", 0.6)])
    assert {column: verdict.check.measured.value for column, verdict in worst(verdicts).items()} == {
        "a": 0.25,
        "b": 0.6,
    }


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ValueError, match="warn <= alarm"):
        Thresholds(0.2, 0.1)
    with pytest.raises(ValueError, match="null distribution"):
        Check("a", Measured(0.1, psi.METHOD, 1, 1), LIMITS, None)


@pytest.fixture(scope="module")
def income():
    return numeric_reference(np.random.default_rng(0).lognormal(size=5000), nulls=50)


@pytest.mark.parametrize(
    "statistic", ["psi", "jensen_shannon", "hellinger", "ks", "wasserstein_scaled", "total_variation"]
)
def test_every_numeric_statistic_sees_a_shift_and_not_its_own_reference(income, statistic):
    generator = np.random.default_rng(7)
    same, moved = income.current(), income.current()
    same.add(generator.lognormal(size=2000), nulls=20)
    moved.add(generator.lognormal(0.8, size=2000), nulls=20)
    judged = [judge(numeric_checks("income", income, side, statistic=statistic)) for side in (same, moved)]
    assert [verdicts[0].level for verdicts in judged] == [Level.OK, Level.ALARM]
    assert [verdicts[1].level for verdicts in judged] == [Level.OK, Level.OK]


def test_more_nulls_are_told_apart_from_a_moved_distribution(income):
    current = income.current()
    current.add(np.random.default_rng(3).lognormal(size=900), nulls=100)
    distribution, nulls = judge(numeric_checks("income", income, current))
    assert (distribution.level, nulls.level) == (Level.OK, Level.WARN)
    assert nulls.check.measured.value == pytest.approx(0.1 - 50 / 5050)


def test_new_and_missing_categories_are_named():
    colours = categorical_reference(["red"] * 600 + ["blue"] * 300 + ["green"] * 100)
    current = colours.current()
    current.add(["red"] * 600 + ["blue"] * 330 + ["pink"] * 70)
    verdicts = judge(categorical_checks("colour", colours, current))
    assert [verdict.check.measured.method.statistic for verdict in verdicts] == [
        "psi",
        "new_category_share",
        "null_share_change",
    ]
    assert verdicts[1].level == Level.ALARM
    assert verdicts[1].check.measured.value == 0.07
    assert current.beyond() == {"pink": 70}
    assert missing_categories(colours, current) == ["green"]


def test_new_categories_cannot_be_told_when_the_reference_keeps_not_all():
    names = categorical_reference([f"n{i}" for i in range(300) for _ in range(1 + i % 3)])
    current = names.current()
    current.add([f"n{i}" for i in range(300)])
    assert "more categories" in categorical_checks("name", names, current)[1].measured.reason


def test_no_rows_are_no_verdict(income):
    assert {verdict.level for verdict in judge(numeric_checks("income", income, income.current()))} == {Level.UNKNOWN}
    empty = categorical_reference([])
    current = empty.current()
    current.add(["a"])
    assert {verdict.level for verdict in judge(categorical_checks("c", empty, current))} == {Level.UNKNOWN}


def test_a_column_counted_otherwise_than_its_reference_is_refused(income):
    other = numeric_reference([1.0, 2.0, 3.0]).current()
    with pytest.raises(ValueError, match="other bins"):
        numeric_checks("income", income, other)
    with pytest.raises(ValueError, match="other categories"):
        categorical_checks("c", categorical_reference("ab"), categorical_reference("xy").current())
    with pytest.raises(ValueError, match="'chi'"):
        numeric_checks("income", income, income.current(), statistic="chi")


def test_the_stored_method_names_the_null_that_was_used(income):
    current = income.current()
    current.add(np.random.default_rng(3).lognormal(size=2000))
    first = numeric_checks("income", income, current)[0]
    assert first.measured.method.null == null_of_counts("psi", income.counts, current.counts).formula
    assert first.measured.method.as_json()["inner_edges"] == list(income.inner_edges)
