"""However a column is cut into batches and shards, its exact parts are the same."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.statistics.counts import OTHER
from pierhead.statistics.sketches.categorical import CategoricalSketch
from pierhead.statistics.sketches.numeric import NumericSketch

numbers = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(0.0), max_size=60)
words = st.lists(st.sampled_from([*"abcxyz", None]), max_size=60)
cuts = st.lists(st.integers(0, 60), max_size=4).map(sorted)


def parts(values, where):
    return [values[a:b] for a, b in zip([0, *where], [*where, len(values)], strict=True)]


@given(numbers, cuts)
@settings(max_examples=60)
def test_numeric_shards_make_the_whole(values, where):
    whole, merged = NumericSketch([-1.0, 0.0, 10.0]), NumericSketch([-1.0, 0.0, 10.0])
    whole.add(values)
    for part in parts(values, where):
        shard = NumericSketch([-1.0, 0.0, 10.0])
        shard.add(part)
        merged.merge(NumericSketch.from_bytes(shard.to_bytes()))
    for name in ("n", "nans", "zeros", "rows", "minimum", "maximum"):
        assert getattr(merged, name) == getattr(whole, name)
    assert merged.counts.tolist() == whole.counts.tolist()
    assert merged.moments.mean == pytest.approx(whole.moments.mean, rel=1e-9, abs=1e-6)
    assert merged.moments.m2 == pytest.approx(whole.moments.m2, rel=1e-6, abs=1e-3)
    ranks = np.array([0.0, 0.3, 1.0])
    assert merged.quantiles(ranks).tolist() == whole.quantiles(ranks).tolist()


@given(words, cuts)
@settings(max_examples=60)
def test_categorical_shards_make_the_whole(values, where):
    whole, merged = CategoricalSketch("abc"), CategoricalSketch("abc")
    whole.add(reversed(values))
    for part in parts(values, where):
        shard = CategoricalSketch("abc")
        shard.add(part)
        merged.merge(CategoricalSketch.from_bytes(shard.to_bytes()))
    assert merged.cells() == whole.cells()
    assert merged.frequent() == whole.frequent()
    assert (merged.nulls, merged.rows) == (whole.nulls, len(values))
    assert sum(merged.beyond().values()) == merged.cells().get(OTHER, 0)
