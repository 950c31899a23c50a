"""The benchmark's arithmetic."""

import math

from benchmarks.data_plane import Result, tables
from benchmarks.readings import Reading, middle, quantile, ratios


def reading(rate: float, failures: int = 0) -> Reading:
    return Reading(8, seconds=2.0, requests=int(rate * 2), failures=failures, p50_ms=1, p99_ms=2)


def test_quantiles_are_values_that_occurred() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)) == (50, 99, 100)
    assert quantile([7.0], 0.5) == 7
    assert math.isnan(quantile([], 0.5))


def test_ratios_compare_the_runs_of_one_round() -> None:
    ours, theirs = (reading(100), reading(50), reading(300)), (reading(10), reading(10), reading(10))
    assert ratios(ours, theirs) == [10, 5, 30]
    assert middle(ours).rate == 100


def test_a_server_that_answers_nothing_has_no_ratio() -> None:
    assert math.isnan(ratios([reading(100)], [reading(0)])[0])


def test_a_table_has_the_middle_ratio_the_failures_and_the_memory() -> None:
    ours = Result("fraud", 1, 8, "pierhead A", (reading(100), reading(200, failures=2), reading(300)), 90.4)
    theirs = Result("fraud", 1, 8, "mlflow", (reading(10), reading(10), reading(10)), 400)
    [lines] = tables([ours, theirs], markdown=True)
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == ["fraud", "1", "8", "pierhead A", "200", "20.0", "10.0-30.0", "1.00", "2.00", "2", "90"]
