"""Compiled tree models beside the library itself, on rows that are hard for trees."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pierhead.compile.domain.program import Column, Program
from pierhead.compile.domain.trees import MEMBER, trees_of
from pierhead.compile.emit.evaluate import declined, evaluate
from pierhead.compile.emit.network import emit
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predict

Array = NDArray[np.float64]


class Compiled:
    """A model's program, its evaluator and its network."""

    def __init__(self, program: Program) -> None:
        self.program = program
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        raw = emit(program).SerializeToString()
        self.session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])

    def declined(self, x: Array) -> NDArray[np.bool_]:
        """Rows left to the original; evaluator and network must agree."""
        evaluated = declined(self.program, x)
        if self.program.declines is not None:
            emitted = self.session.run(["declined"], {"x": x})[0][:, 0] != 0
            np.testing.assert_array_equal(emitted, evaluated)
        return evaluated

    def answers(self, x: Array) -> tuple[Array, Array]:
        """Of the evaluator and of the network, `[rows, width]`; single rows as in the batch."""
        emitted = self.session.run(["answer"], {"x": x})[0]
        singles = np.vstack(
            [self.session.run(["answer"], {"x": x[place : place + 1]})[0] for place in range(min(len(x), 20))]
        )
        np.testing.assert_allclose(singles, emitted[: len(singles)], rtol=1e-12, atol=1e-300)
        return evaluate(self.program, x), emitted

    def labels(self, x: Array) -> tuple[list[Any], list[Any]]:
        names = self.program.answer.labels
        return tuple([names[int(place)] for place in answer[:, 0]] for answer in self.answers(x))


def tensor(width: int, kind: str = "double") -> list[Column]:
    return [Column(None, kind)] * width


def frame(names: list[str], kind: str = "double") -> list[Column]:
    return [Column(name, kind) for name in names]


def compiled(model: Any, columns: list[Column], want: str = "predict") -> Compiled:
    graph = Graph(columns, is_tensor=columns[0].name is None)
    return Compiled(graph.program(predict(graph, model, graph.input(), want)))


def bounds_of(program: Program) -> dict[int, Array]:
    """By column, the bounds of the trees. Behind scalers they are not the input's, and no worse than other numbers."""
    found: dict[int, list[Array]] = {}
    for node in program.nodes:
        if node.op == "trees":
            trees = trees_of(node.output, program.constants)
            for column in np.unique(trees.feature[trees.feature < len(program.columns)]):
                chosen = (trees.feature == column) & (trees.mode != MEMBER)
                found.setdefault(int(column), []).append(trees.threshold[chosen])
    return {column: np.unique(np.concatenate(parts)) for column, parts in found.items()}


def neighbours(bounds: Array) -> Array:
    """The bounds and what lies next to them, in double and in single precision."""
    with np.errstate(over="ignore"):
        single = bounds.astype(np.float32)
        singles = [single, np.nextafter(single, np.float32(np.inf)), np.nextafter(single, np.float32(-np.inf))]
    doubles = [bounds, np.nextafter(bounds, np.inf), np.nextafter(bounds, -np.inf)]
    return np.concatenate([*doubles, *(item.astype(np.float64) for item in singles)])


SPECIAL = [0.0, -0.0, 1e-36, -1e-36, 1e-35, 2e-35, -0.5, 0.5, 2.0**24 + 1, 2.0**53, 3.3e38, -3.3e38, 1e-300]
IMPOSSIBLE = [np.nan, np.inf, -np.inf, 3.5e38, -1e308]


def hard_rows(program: Program, rows: Array, seed: int = 0, most: int = 3000) -> Array:
    """`rows`, and copies of them with one number at or beside a bound, special numbers, NaN and infinities in them."""
    rng = np.random.default_rng(seed)
    places = [(column, value) for column, bounds in bounds_of(program).items() for value in neighbours(bounds)]
    chosen = rng.permutation(len(places))[:most]
    probes = [places[place] for place in chosen]
    probes += [(column, value) for column in range(rows.shape[1]) for value in [*SPECIAL, *IMPOSSIBLE]]
    changed = rows[rng.integers(len(rows), size=len(probes))].copy()
    for row, (column, value) in zip(changed, probes, strict=True):
        row[column] = value
    return np.vstack([rows, changed, np.full((1, rows.shape[1]), np.nan), np.zeros((1, rows.shape[1]))])


def assert_equal_answers(
    model: Compiled,
    original: Callable[[Array], Any],
    x: Array,
    *,
    relative: float,
    scale: float | None = None,
) -> None:
    """Answers agree up to `relative` (of the number, or of `scale`); the original raises for declined rows."""
    away = model.declined(x)
    assert_raises_for_each(original, x[away][:: max(1, away.sum() // 25)])
    kept = x[~away]
    assert len(kept), "every row was declined"
    wanted = np.asarray(original(kept), dtype=np.float64).reshape(len(kept), -1)
    for answer in model.answers(kept):
        np.testing.assert_allclose(answer, wanted, rtol=relative, atol=relative * (scale or 0.0) + 1e-300)


def assert_equal_labels(
    model: Compiled, original: Callable[[Array], Any], x: Array, scores: Callable[[Array], Any] | None = None
) -> None:
    """Labels are equal save where the original's two best scores are the same up to rounding."""
    kept = x[~model.declined(x)]
    wanted = np.asarray(original(kept)).tolist()
    excused = np.zeros(len(kept), dtype=bool)
    if scores is not None:
        ordered = np.sort(np.asarray(scores(kept), dtype=np.float64).reshape(len(kept), -1), axis=1)
        excused = np.abs(ordered[:, 0]) < 1e-12 if ordered.shape[1] == 1 else ordered[:, -1] - ordered[:, -2] < 1e-12
    for labels in model.labels(kept):
        differing = [place for place, (a, b) in enumerate(zip(labels, wanted, strict=True)) if a != b]
        assert not [place for place in differing if not excused[place]]
        assert len(differing) <= max(3, len(kept) // 50)


def assert_raises_for_each(original: Callable[[Array], Any], rows: Array) -> None:
    for row in rows:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                original(row[np.newaxis])
            except Exception:
                continue
        raise AssertionError(f"{row} was declined, and the original answers")


def tables(seed: int, rows: int = 600, missing: float = 0.0) -> Array:
    """`[rows, 8]`: two normal, money, epoch milliseconds, 9-digit ids, one decimal, counts, a flag."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.normal(size=rows),
        rng.normal(size=rows) * 1e-3,
        np.round(rng.lognormal(4, 1.5, size=rows), 2),
        rng.integers(1_600_000_000_000, 1_800_000_000_000, size=rows),
        rng.integers(100_000_000, 999_999_999, size=rows),
        np.round(rng.normal(20, 8, size=rows), 1),
        rng.poisson(3, size=rows),
        rng.integers(2, size=rows),
    ]
    x = np.column_stack([column.astype(np.float64) for column in columns])
    if missing:
        x[rng.random(x.shape) < missing] = np.nan
    return x


def target(x: Array, seed: int) -> Array:
    """Numbers that depend on every column of `tables`."""
    rng = np.random.default_rng(seed)
    filled = np.where(np.isnan(x), 0.0, x)
    ranks = np.argsort(np.argsort(filled, axis=0), axis=0) / len(x)
    weights = rng.normal(size=x.shape[1])
    return ranks @ weights + np.sin(5 * ranks[:, 2] * ranks[:, 3]) + rng.normal(size=len(x)) * 0.1


def classes(x: Array, seed: int, count: int) -> NDArray[np.int64]:
    values = target(x, seed)
    return np.digitize(values, np.quantile(values, np.arange(1, count) / count)).astype(np.int64)
