"""Sketches: exact where they say so, within their bound elsewhere, the same after merging and storing."""

import math

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from pierhead.statistics.binning import bin_counts
from pierhead.statistics.distances import ks, psi, wasserstein
from pierhead.statistics.null_bounds import spread_of_samples
from pierhead.statistics.references import (
    CategoricalReference,
    NumericReference,
    categorical_reference,
    categorical_reference_of_chunks,
    from_json,
    numeric_reference,
    numeric_reference_of_chunks,
    numeric_reference_of_sketch,
)
from pierhead.statistics.sketches import comparison
from pierhead.statistics.sketches.categorical import CategoricalSketch
from pierhead.statistics.sketches.numeric import NumericSketch


def sketched(values, edges=()):
    sketch = NumericSketch(edges)
    sketch.add(values)
    return sketch


def large_pairs():
    generator = np.random.default_rng(12)
    cancer, diabetes = load_breast_cancer(return_X_y=True)[0], load_diabetes(return_X_y=True)[0]
    return {
        "normal": (generator.normal(size=60_000), generator.normal(0.1, 1.1, size=30_000)),
        "skewed": (generator.lognormal(size=50_000), generator.lognormal(0.2, size=50_000)),
        "ties": (generator.poisson(4, 40_000).astype(float), generator.poisson(5, 20_000).astype(float)),
        "cancer radius": (generator.choice(cancer[:, 0], 50_000), generator.choice(cancer[:300, 0], 9_000)),
        "diabetes bmi": (diabetes[:200, 2], diabetes[200:, 2]),
    }


PAIRS = large_pairs()
pairs = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)


def usually(trial):
    """The sketch draws random bits and its bound holds at 99 percent: most of five trials must keep it."""
    return sum(trial() for _ in range(5)) >= 3


@pairs
def test_ks_and_wasserstein_of_sketches_are_within_their_bound(pair):
    def holds(of_sketches, expected):
        measured = of_sketches(*map(sketched, pair))
        return abs(measured.value - expected) <= measured.error_bound + 1e-12

    for of_sketches, exact in ((comparison.ks, ks.of_samples), (comparison.wasserstein, wasserstein.of_samples)):
        expected = exact(*pair).value
        assert usually(lambda of=of_sketches, value=expected: holds(of, value))
    assert comparison.ks(*map(sketched, pair)).error_bound < 0.0075


@pairs
def test_psi_of_a_sketch_is_exact(pair):
    reference = numeric_reference(pair[0])
    current = reference.current()
    for chunk in np.array_split(pair[1], 7):
        current.add(chunk)
    assert psi.of_counts(reference.counts, current.counts).value == pytest.approx(psi.of_samples(*pair).value, rel=1e-9)


@pairs
def test_quantiles_are_within_the_rank_error(pair):
    ordered = np.sort(pair[0])
    ranks = np.array([0.01, 0.25, 0.5, 0.75, 0.99])

    def holds():
        sketch = sketched(pair[0])
        values, slack = sketch.quantiles(ranks), sketch.rank_error + 1 / ordered.size
        below, up_to = (np.searchsorted(ordered, values, side=side) / ordered.size for side in ("left", "right"))
        return np.all((below - slack <= ranks) & (ranks <= up_to + slack))

    assert usually(holds)
    assert sketched(pair[0]).quantiles([0.0, 1.0]).tolist() == [ordered[0], ordered[-1]]


@pairs
def test_moments_are_those_of_the_values(pair):
    sketch = sketched(pair[0])
    assert sketch.moments.mean == pytest.approx(pair[0].mean(), rel=1e-9, abs=1e-12)
    assert sketch.standard_deviation == pytest.approx(pair[0].std(ddof=1), rel=1e-9)


@pairs
def test_the_spread_of_a_sketch_is_not_too_small(pair):
    exact = spread_of_samples(pair[0]).integral
    assert 0.97 * exact < comparison.spread(sketched(pair[0])).integral < 2 * exact


def test_merged_shards_are_the_whole():
    values, edges = PAIRS["normal"][0], [-1.0, 0.0, 1.0]
    points = np.linspace(-2, 2, 21)
    exact = np.array([np.mean(values <= point) for point in points])

    def merged():
        total = NumericSketch(edges)
        for shard in np.array_split(values, 9):
            total.merge(sketched(shard, edges))
        return total

    whole, total = sketched(values, edges), merged()
    assert total.counts.tolist() == whole.counts.tolist()
    assert (total.n, total.minimum, total.maximum) == (whole.n, whole.minimum, whole.maximum)
    assert total.moments.mean == pytest.approx(whole.moments.mean, rel=1e-9)
    assert usually(lambda: np.abs(merged().ranks_at(points) - exact).max() <= whole.rank_error)


def test_rows_without_a_value_are_counted_apart():
    sketch = NumericSketch([0.0])
    sketch.add(np.array([0.0, 1.0, math.nan, -math.inf]), nulls=3)
    assert (sketch.n, sketch.nulls, sketch.nans, sketch.zeros, sketch.rows) == (3, 3, 1, 1, 7)
    assert sketch.counts.tolist() == [2, 1]
    assert sketch.moments.n == 2
    assert sketch.minimum == -math.inf


def test_a_read_only_or_integer_array_is_taken():
    values = np.arange(10, dtype=np.int32)
    values.flags.writeable = False
    assert sketched(values).n == 10


def test_numbers_too_large_to_square_leave_no_deviation():
    sketch = sketched([1e300, -1e300])
    assert sketch.standard_deviation is None
    assert NumericSketch.from_bytes(sketch.to_bytes()).standard_deviation is None
    assert sketched([0.1] * 3).standard_deviation == 0


def test_a_numeric_sketch_survives_storage_and_goes_on():
    sketch = sketched(PAIRS["skewed"][0], [0.5, 1.0])
    again = NumericSketch.from_bytes(sketch.to_bytes())
    assert again.to_bytes() == sketch.to_bytes()
    assert len(sketch.to_bytes()) < 24_000
    again.add([1.0, 2.0])
    assert again.n == sketch.n + 2


def test_bytes_of_something_else_are_refused():
    packed = sketched([1.0]).to_bytes()
    for wrong in (b"", b"\x01", packed[:-1], CategoricalSketch("a").to_bytes()):
        with pytest.raises(ValueError, match="numeric sketch"):
            NumericSketch.from_bytes(wrong)
    with pytest.raises(ValueError, match="different bins"):
        sketched([1.0], [0.0]).merge(sketched([1.0], [2.0]))
    with pytest.raises(ValueError, match="different categories"):
        CategoricalSketch("a").merge(CategoricalSketch("b"))


def test_categories_are_counted_exactly_and_others_named():
    sketch = CategoricalSketch(["a", "b"])
    sketch.add(["a", "b", "b", "z", None, float("nan"), 3])
    assert sketch.cells() == {"a": 1, "b": 2, "__other__": 2}
    assert sketch.beyond() == {"3": 1, "z": 1}
    assert (sketch.nulls, sketch.rows, sketch.is_exact) == (2, 7, True)
    assert sketch.distinct == pytest.approx(4, abs=1e-3)


def test_merged_categories_are_the_whole():
    generator = np.random.default_rng(4)
    values = [f"v{i}" for i in generator.zipf(1.3, 20_000) if i < 5000]
    whole, merged = CategoricalSketch(["v1", "v2"]), CategoricalSketch(["v1", "v2"])
    whole.add(values)
    for start in range(5):
        shard = CategoricalSketch(["v1", "v2"])
        shard.add(values[start::5])
        merged.merge(CategoricalSketch.from_bytes(shard.to_bytes()))
    assert merged.cells() == whole.cells()
    exact = len(set(values))
    assert merged.distinct == pytest.approx(exact, rel=0.05)
    assert whole.distinct == pytest.approx(exact, rel=0.05)
    top = values.count("v3")
    assert abs(merged.frequent()["v3"] - top) <= 3.5 / 1024 * len(values)


def test_a_numeric_reference_survives_storage():
    reference = numeric_reference([1.0, 2.0, 2.0, math.nan, 5.0], nulls=2)
    again = from_json(reference.as_json())
    assert again == reference
    assert isinstance(again, NumericReference)
    assert again.edges[0] == -math.inf
    assert sum(again.counts) == 4
    assert (again.sketch().nulls, again.sketch().nans) == (2, 1)
    with pytest.raises(ValueError, match="no kind of reference"):
        from_json({"kind": "image"})


def test_a_reference_read_in_chunks_counts_exactly_on_nearly_the_deciles():
    values = PAIRS["skewed"][0]
    chunks = [(chunk, 1) for chunk in np.array_split(values, 8)]
    reference = numeric_reference_of_chunks(lambda: chunks)
    assert list(reference.counts) == bin_counts(values, reference.inner_edges).tolist()
    assert np.array(reference.counts) / values.size == pytest.approx(np.full(10, 0.1), abs=0.02)
    assert reference.sketch().nulls == 8
    assert numeric_reference_of_sketch(reference.sketch()) == reference


@pytest.mark.parametrize(
    ("values", "edges", "counts"),
    [
        ([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [-np.finfo(float).tiny, 0, np.nextafter(1, 0), 1], [0, 5, 0, 5, 0]),
        ([7.0] * 4, [np.nextafter(7, 0), 7], [0, 4, 0]),
        ([], [], [0]),
        ([math.nan, math.nan], [], [0]),
    ],
    ids=["two values", "one value", "empty", "all NaN"],
)
def test_a_value_with_much_of_the_mass_has_a_bin_of_its_own(values, edges, counts):
    reference = numeric_reference(np.array(values, dtype=float))
    assert list(reference.inner_edges) == edges
    assert list(reference.counts) == counts


def test_a_categorical_reference_keeps_the_200_most_frequent_exactly():
    values = [f"c{i}" for i in range(300) for _ in range(300 - i)]
    reference = categorical_reference(values)
    counts = reference.counts
    assert len(counts) == 201
    assert counts["c0"] == 300
    assert counts["__other__"] == sum(range(1, 101))
    assert not reference.is_complete
    again = from_json(reference.as_json())
    assert isinstance(again, CategoricalReference)
    assert again.counts == counts
    assert categorical_reference(reversed(values)).counts == counts


def test_a_categorical_reference_read_in_chunks_is_the_same():
    values = [f"c{i % 17}" for i in range(1000)]
    in_chunks = categorical_reference_of_chunks(lambda: [(values[:300], 1), (values[300:], 0)])
    assert in_chunks.counts == categorical_reference(values).counts
    assert in_chunks.is_complete
    assert in_chunks.sketch().nulls == 1
