"""Rows of the profile table from samples."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from pierhead.monitoring.domain.monitors import TABLE_ROW
from pierhead.monitoring.services.profiling.samples import CategoricalSample, NumericSample, Sample
from pierhead.monitoring.services.spark_types import spark_name
from pierhead.statistics.counts import Floats

Row = dict[str, Any]
MOST_FREQUENT = 50
"""Items that a row names."""


def column_row(column: str, type: pa.DataType, sample: Sample, edges: Floats) -> Row:
    """The columns of a profile row that come from the sample alone."""
    row: Row = {
        "column_name": column,
        "count": sample.rows,
        "data_type": spark_name(type),
        "num_nulls": sample.nulls,
        "percent_null": _percent(sample.nulls, sample.rows),
        "n": sample.n,
    }
    if isinstance(sample, NumericSample):
        row |= _numeric(sample, edges)
    elif isinstance(sample, CategoricalSample):
        row |= _categorical(sample)
    return row


def table_row(rows: int, by_column: Mapping[str, Sample]) -> Row:
    """The row about the table as a whole."""
    filled = sorted(name for name, sample in by_column.items() if sample.rows > sample.nulls)
    return {"column_name": TABLE_ROW, "count": rows, "non_null_columns": filled, "n": rows}


def mean_of(sample: NumericSample) -> float | None:
    """Of the finite values."""
    if sample.values is None:
        moments = sample.as_sketch().moments
        return _finite(moments.mean) if moments.n else None
    finite = sample.values[np.isfinite(sample.values)]
    return _finite(float(finite.mean())) if finite.size else None


def deviation_of(sample: NumericSample) -> float | None:
    """Of the finite values, n - 1."""
    if sample.values is None:
        return sample.as_sketch().standard_deviation
    finite = sample.values[np.isfinite(sample.values)]
    return _finite(float(finite.std(ddof=1))) if finite.size > 1 else None


def distinct_of(sample: Sample) -> int | None:
    """None where too many values were read to know."""
    if isinstance(sample, CategoricalSample):
        return sample.distinct
    if isinstance(sample, NumericSample) and sample.values is not None:
        return int(np.count_nonzero(sample.values[1:] != sample.values[:-1])) + 1 if sample.n else 0
    return None


def _numeric(sample: NumericSample, edges: Floats) -> Row:
    quantiles, distinct = sample.quantiles(), distinct_of(sample)
    return {
        "avg": mean_of(sample),
        "quantiles": quantiles or None,
        "min": quantiles[0] if quantiles else None,
        "max": quantiles[-1] if quantiles else None,
        "stddev": deviation_of(sample),
        "num_zeros": sample.zeros,
        "num_nan": sample.nans,
        "median": quantiles[50] if quantiles else None,
        "distinct_count": distinct,
        "percent_nan": _percent(sample.nans, sample.rows),
        "percent_zeros": _percent(sample.zeros, sample.rows),
        "percent_distinct": None if distinct is None else _percent(distinct, sample.rows),
        "histogram": _histogram(sample, edges),
    }


def _histogram(sample: NumericSample, edges: Floats) -> Row | None:
    if edges.size == 0:
        return None
    return {"edges": edges.tolist(), "counts": [int(count) for count in sample.counts(edges)]}


def _categorical(sample: CategoricalSample) -> Row:
    items = [{"item": item, "count": count} for item, count in sample.frequent(MOST_FREQUENT).items()]
    return {
        "min_length": sample.min_length,
        "max_length": sample.max_length,
        "avg_length": sample.length / sample.n if sample.n else None,
        "frequent_items": items or None,
        "distinct_count": sample.distinct,
        "percent_distinct": _percent(sample.distinct, sample.rows),
    }


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
