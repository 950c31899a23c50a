"""Alarms where they belong and none elsewhere, on real columns, at small and large sizes.

Each of 200 resamplings draws a reference of 10,000 rows and a window of n rows with replacement from the real table, as
counts over the reference bins, and judges all its columns together.
"""

from itertools import islice

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from pierhead.statistics.binning import bin_counts, decile_edges
from pierhead.statistics.checks import categorical_checks
from pierhead.statistics.distances import chi_squared, hellinger, jensen_shannon, ks, l_infinity, psi, total_variation
from pierhead.statistics.null_bounds import null_of_counts
from pierhead.statistics.references import categorical_reference
from pierhead.statistics.verdicts import DEFAULT_THRESHOLDS, Check, Level, judge

RESAMPLINGS, REFERENCE = 200, 10_000
SIZES = [300, 3_000, 300_000]
CANCER = load_breast_cancer(return_X_y=True)[0]
STATISTICS = {
    "psi": psi.of_counts,
    "jensen_shannon": jensen_shannon.of_counts,
    "hellinger": hellinger.of_counts,
    "total_variation": total_variation.of_counts,
    "l_infinity": l_infinity.of_counts,
    "chi_squared_effect": chi_squared.effect,
    "ks": ks.of_counts,
}


def windows(table, moved, n, statistic="psi"):
    """The verdicts of each resampling: reference rows from `table`, current rows from `moved`."""
    generator = np.random.default_rng(n)
    columns = []
    for real, new in zip(table.T, moved.T, strict=True):
        edges = decile_edges(real)
        shares = [bin_counts(side, edges) / len(side) for side in (real, new)]
        drawn = [generator.multinomial(size, p, RESAMPLINGS) for size, p in zip((REFERENCE, n), shares, strict=True)]
        columns.append(list(zip(*drawn, strict=True)))
    for resampling in zip(*columns, strict=True):
        yield judge([compare(str(i), statistic, *counts) for i, counts in enumerate(resampling)])


def compare(column, statistic, reference, current):
    measured = STATISTICS[statistic](reference, current)
    return Check(column, measured, DEFAULT_THRESHOLDS[statistic], null_of_counts(statistic, reference, current))


def shifted(table, column, deviations):
    """The documented shift: one column moved by so many of its standard deviations."""
    moved = table.copy()
    moved[:, column] += deviations * table[:, column].std()
    return moved


@pytest.mark.parametrize("n", SIZES)
def test_stable_data_raises_nothing(n):
    reported = [v for verdicts in windows(CANCER[:, :15], CANCER[:, :15], n) for v in verdicts if v.level != Level.OK]
    assert reported == []


@pytest.mark.parametrize("n", SIZES)
def test_a_shift_of_three_quarters_of_a_deviation_always_alarms_and_alone(n):
    for verdicts in windows(CANCER[:, :8], shifted(CANCER[:, :8], 0, 0.75), n):
        assert [verdict.level for verdict in verdicts] == [Level.ALARM] + [Level.OK] * 7


@pytest.mark.parametrize("statistic", [name for name in STATISTICS if name != "psi"])
def test_every_statistic_keeps_quiet_and_speaks_up(statistic):
    two = CANCER[:, :2]
    for verdicts in windows(two, shifted(two, 0, 2.0), 3_000, statistic):
        assert [verdict.level for verdict in verdicts] == [Level.ALARM, Level.OK]


def test_a_large_window_does_not_alarm_at_what_is_certain_but_irrelevant():
    table = CANCER[:, :1]
    for (verdict,) in windows(table, shifted(table, 0, 0.1), 300_000):
        assert verdict.p_adjusted < 1e-9
        assert verdict.level == Level.OK


def test_a_small_window_does_not_alarm_where_a_fixed_threshold_would():
    judged = [verdicts[0] for verdicts in islice(windows(CANCER[:, :1], CANCER[:, :1], 100), 60)]
    crossed = sum(verdict.check.measured.value > verdict.effect_threshold for verdict in judged)
    assert crossed > 12, "at 100 rows chance alone carries PSI past 0.1"
    assert all(verdict.level == Level.OK for verdict in judged)


@pytest.mark.parametrize("n", SIZES)
def test_categories_alarm_when_the_mix_changes_and_not_before(n):
    generator = np.random.default_rng(n)
    names = np.array(["berlin", "paris", "rome", "oslo", "bern"])
    mix, changed = np.array([0.5, 0.3, 0.15, 0.04, 0.01]), np.array([0.2, 0.3, 0.35, 0.05, 0.1])
    city = categorical_reference(np.repeat(names, (mix * REFERENCE).astype(int)).tolist())
    for _ in range(40):
        levels = []
        for p in (mix, changed):
            current = city.current()
            drawn = dict(zip(names.tolist(), generator.multinomial(n, p).tolist(), strict=True))
            current.add_counts({name: times for name, times in drawn.items() if times})
            levels.append([verdict.level for verdict in judge(categorical_checks("city", city, current))])
        assert levels == [[Level.OK] * 3, [Level.ALARM, Level.OK, Level.OK]]
