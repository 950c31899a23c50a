"""What is judged of two samples of a column, and how."""

import json

import numpy as np
import pyarrow as pa
import pytest

from pierhead.monitoring.services.profiling.drift_rows import compare, judged
from pierhead.monitoring.services.profiling.profile_rows import column_row
from pierhead.monitoring.services.profiling.samples import (
    MOST_VALUES,
    CategoricalSample,
    Gathering,
    NumericSample,
    Sample,
)
from pierhead.statistics.binning import bin_counts, decile_edges
from pierhead.statistics.distances import ks, psi

NONE = np.empty(0)


def numeric(values: np.ndarray, *, nulls: int = 0, edges: np.ndarray = NONE) -> NumericSample:
    gathering = Gathering(edges)
    for part in np.array_split(values, 3):
        gathering.add(part)
    return gathering.sample(len(values) + nulls)


def texts(**counts: int) -> CategoricalSample:
    return CategoricalSample(sum(counts.values()), sum(counts.values()), len(counts), dict(counts), 1, 3, 5)


def verdict(reference: Sample, current: Sample, edges: np.ndarray = NONE) -> dict[str, object]:
    type = pa.float64() if isinstance(reference, NumericSample) else pa.string()
    rows = (column_row("x", type, reference, edges), column_row("x", type, current, edges))
    (row,) = judged([compare("x", reference, current, rows, edges)])
    return row


def normal(n: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, n)


def test_few_values_are_never_drift_however_different() -> None:
    row = verdict(numeric(normal(5000)), numeric(normal(20, 3.0)))
    assert (row["drifted"], row["level"]) == (False, "unknown")
    assert row["population_stability_index"] is not None


def test_a_shift_is_drift_and_the_row_says_by_which_measure() -> None:
    row = verdict(numeric(normal(3000)), numeric(normal(1000, 1.0, seed=1)))
    spec = json.loads(str(row["method_spec"]))
    assert (row["drifted"], row["level"], spec["statistic"]) == (True, "alarm", "psi")
    assert spec["value"] == row["population_stability_index"]
    assert len(spec["inner_edges"]) == 9
    assert spec["others"]["ks_test"]["source"] == "exact"


def test_nulls_alone_can_be_drift() -> None:
    row = verdict(numeric(normal(1000)), numeric(normal(800, seed=1), nulls=300))
    spec = json.loads(str(row["method_spec"]))
    assert (row["drifted"], spec["statistic"]) == (True, "null_share_change")


def test_a_category_that_was_never_seen_is_drift() -> None:
    row = verdict(texts(a=500, b=500), texts(a=480, b=470, new=50))
    assert row["drifted"] is True
    assert row["new_category_share"] == pytest.approx(0.05)


def test_counts_of_more_values_than_are_kept_stay_exact() -> None:
    reference, current = normal(MOST_VALUES + 5000), normal(MOST_VALUES + 9000, 0.3, seed=1)
    edges = decile_edges(reference)
    old, new = numeric(reference, edges=edges), numeric(current, edges=edges)
    row = verdict(old, new, edges)

    assert old.values is None
    assert new.counts(edges).tolist() == bin_counts(current, edges).tolist()
    exact = psi.of_counts(bin_counts(reference, edges), bin_counts(current, edges)).value
    assert row["population_stability_index"] == pytest.approx(exact, abs=1e-12)
    bound = json.loads(str(row["method_spec"]))["others"]["ks_test"]["error_bound"]
    test = row["ks_test"]
    assert isinstance(test, dict)
    assert test["statistic"] == pytest.approx(ks.of_samples(reference, current).value, abs=bound)


def test_nan_is_neither_null_nor_value() -> None:
    sample = numeric(np.array([1.0, np.nan, 3.0]), nulls=2)
    row = column_row("x", pa.float64(), sample, NONE)
    assert (row["count"], row["num_nulls"], row["num_nan"], row["n"], row["avg"]) == (5, 2, 1, 2, 2.0)


def test_an_empty_column_has_a_row_without_values() -> None:
    row = column_row("x", pa.float64(), numeric(NONE, nulls=3), NONE)
    assert (row["num_nulls"], row["avg"], row["quantiles"], row["min"]) == (3, None, None, None)
