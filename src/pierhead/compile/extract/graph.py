"""Builds a program, node by node."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pierhead.compile.domain.program import MISSING, Answer, Column, Node, Program
from pierhead.compile.extract.bins import counting_trees
from pierhead.compile.extract.blocks import Block, Feature, Outcome, Value, Vocabulary
from pierhead.compile.extract.checks import Body, Checks, fewest

Operand = Value | ArrayLike

_DTYPES = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32", "boolean": "bool"}

# The types of MLflow's columns that a program can take.
KINDS = frozenset({*_DTYPES, "string"})


class Graph:
    """The program under construction. What the ops mean is said in `compile/emit`; shapes are checked there too."""

    def __init__(self, columns: Sequence[Column], *, is_tensor: bool = False) -> None:
        """`columns` are the signature's; their vocabularies are filled while the model is extracted."""
        self._columns = tuple(columns)
        self._is_tensor = is_tensor
        self._vocabularies = [Vocabulary() if column.kind == "string" else None for column in columns]
        self._nodes: list[Node] = []
        self._constants: dict[str, NDArray[Any]] = {}
        self._names_of_constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._tables: list[tuple[str, Callable[[], NDArray[np.float64]]]] = []
        self._widths = {"x": len(self._columns)}
        self._selected: dict[str, tuple[Value, Sequence[int]]] = {}
        self._checks = Checks()
        self._flags: list[Value] = []

    # --- the input ---

    def x(self) -> Value:
        return Value("x", len(self._columns))

    def input(self) -> Block:
        """The whole input, as the library would see it: a DataFrame, or an array if the signature is a tensor."""
        features = tuple(
            Feature(_DTYPES.get(column.kind, "string"), None if self._is_tensor else column.name, vocabulary)
            for column, vocabulary in zip(self._columns, self._vocabularies, strict=True)
        )
        return Block(self.x(), features, is_frame=not self._is_tensor)

    # --- nodes ---

    def op(self, op: str, *inputs: Operand, width: int, **attributes: Any) -> Value:
        """Append `op`; inputs that are no values become constants. Returns its output of `width` columns."""
        names = tuple(item.name if isinstance(item, Value) else self.constant(item) for item in inputs)
        return self._append(op, names, width, attributes)

    def _append(self, op: str, names: tuple[str, ...], width: int, attributes: Mapping[str, Any]) -> Value:
        output = f"v{len(self._nodes)}"
        self._nodes.append(Node(op, names, output, attributes))
        self._widths[output] = width
        return Value(output, width)

    def constant(self, array: ArrayLike, name: str | None = None) -> str:
        """The name of a constant array; equal arrays are stored once unless they are named.

        Floats are stored as float64, anything else as it is.
        """
        stored = np.ascontiguousarray(array)
        if stored.ndim == 0 or np.ndim(array) == 0:
            stored = stored.reshape(1)
        if stored.dtype.kind == "f":
            stored = stored.astype(np.float64)
        if name is None:
            key = (stored.dtype.str, stored.shape, stored.tobytes())
            name = self._names_of_constants.setdefault(key, f"c{len(self._names_of_constants)}")
        self._constants[name] = stored
        return name

    def unary(self, op: str, value: Value) -> Value:
        """Any op of one input in `emit/elementwise.py`: `abs`, `log1p`, `is_nan`, `not`, `round32`, `sigmoid`, ..."""
        return self.op(op, value, width=value.width)

    def binary(self, op: str, a: Operand, b: Operand) -> Value:
        """Any op of two inputs in `emit/elementwise.py`; a width of 1 and constants spread over the columns."""
        width = max(item.width if isinstance(item, Value) else int(np.size(item)) for item in (a, b))
        return self.op(op, *(_as_row(item) for item in (a, b)), width=width)

    def add(self, a: Operand, b: Operand) -> Value:
        return self.binary("add", a, b)

    def sub(self, a: Operand, b: Operand) -> Value:
        return self.binary("sub", a, b)

    def mul(self, a: Operand, b: Operand) -> Value:
        return self.binary("mul", a, b)

    def div(self, a: Operand, b: Operand) -> Value:
        return self.binary("div", a, b)

    def where(self, condition: Value, a: Operand, b: Operand) -> Value:
        """`a` where the condition is not 0, else `b`; widths of 1 and constants spread over the columns."""
        sizes = [item.width if isinstance(item, Value) else int(np.size(item)) for item in (a, b)]
        return self.op("where", condition, _as_row(a), _as_row(b), width=max(condition.width, *sizes))

    def linear(self, value: Value, weights: ArrayLike, bias: ArrayLike | None = None) -> Value:
        """`value @ weights + bias`; weights `[value.width, outputs]`, bias `[outputs]`."""
        matrix = np.asarray(weights, dtype=np.float64)
        operands: list[Operand] = [value, matrix]
        if bias is not None:
            operands.append(np.broadcast_to(np.asarray(bias, dtype=np.float64), (matrix.shape[1],)))
        return self.op("linear", *operands, width=matrix.shape[1])

    def columns(self, value: Value, places: Sequence[int]) -> Value:
        """These columns of `value`, in this order; a place may come more than once."""
        if list(places) == list(range(value.width)):
            return value
        source, origin = self._selected.get(value.name, (value, range(value.width)))
        chosen = [origin[place] for place in places]
        made = self.op("columns", source, np.array(chosen, dtype=np.int64), width=len(chosen))
        # Columns of these columns are columns of the same source.
        self._selected[made.name] = (source, chosen)
        return made

    def concat(self, values: Sequence[Value]) -> Value:
        """Side by side."""
        kept = [value for value in values if value.width]
        return kept[0] if len(kept) == 1 else self.op("concat", *kept, width=sum(value.width for value in kept))

    def filled(self, value: float, like: Value, width: int = 1) -> Value:
        """`[rows, width]` of one number; `like` is any value, it gives the number of rows."""
        return self.op("filled", like, width=width, columns=width, value=float(value))

    def row(self, op: str, value: Value) -> Value:
        """`row_sum row_max row_min argmax argmin`: one column. The first of equals wins."""
        return self.op(op, value, width=1)

    def softmax(self, value: Value) -> Value:
        return self.op("softmax", value, width=value.width)

    def count_at_most(self, value: Value, edges: ArrayLike) -> Value:
        """For every column, how many of its edges are <= the value: `[width, most]`, NaN where there are fewer."""
        trees = counting_trees(np.asarray(edges, dtype=np.float64))
        made = self.op("trees", value, width=value.width, targets=value.width)
        for name, array in trees.named(made.name).items():
            self.constant(array, name)
        return made

    def interpolated(self, value: Value, curves: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Value:
        """`numpy.interp` of every column along its own curve: points (x rising, y)."""
        most = max(len(x) for x, _ in curves)
        edges = np.full((len(curves), most), np.nan)
        for row, (x, _) in zip(edges, curves, strict=True):
            row[: len(x)] = x
        piece = self.count_at_most(value, edges)
        starts, heights, slopes = zip(*(_pieces(x, y) for x, y in curves), strict=True)
        along = self.sub(value, self.take(piece, starts))
        return self.add(self.mul(self.take(piece, slopes), along), self.take(piece, heights))

    def take(self, places: Value, tables: Sequence[ArrayLike]) -> Value:
        """For every column, the entry of its own table at that place (0-based whole numbers within the table)."""
        table, starts = _joined([np.asarray(table, dtype=np.float64) for table in tables])
        shifted = self.add(places, starts) if np.any(starts) else places
        return self.op("take", shifted, table, width=places.width)

    def lookup(self, block: Block, tables: Sequence[Mapping[int, float]], unknown: Sequence[float]) -> Value:
        """For every text column of `block`, the number its code stands for in its own table.

        `unknown` is for every other string and for null. The vocabularies may still grow afterwards.
        """
        vocabularies = [feature.vocabulary for feature in block.features]
        starts = f"t{len(self._tables)}"
        table = f"t{len(self._tables) + 1}"

        def rows() -> list[NDArray[np.float64]]:
            joined = []
            for vocabulary, known, other in zip(vocabularies, tables, unknown, strict=True):
                assert vocabulary is not None
                by_code = [known.get(code, other) for code in range(len(vocabulary.words))]
                joined.append(np.array([other, other, *by_code], dtype=np.float64))
            return joined

        # Code -2 (missing) is entry 0 of a table, -1 (unknown) entry 1.
        self._tables.append((starts, lambda: _as_row_array(_joined(rows())[1] - MISSING)))
        self._tables.append((table, lambda: _joined(rows())[0]))
        shifted = self._append("add", (block.value.name, starts), block.width, {})
        return self._append("take", (shifted.name, table), block.width, {})

    # --- rows that get no answer ---

    def decline_unless_finite(self, value: Value) -> None:
        """Rows with a NaN or an infinity in `value` are left to the original, which raises or knows better."""
        self._checks.finite.append(value)

    def decline_infinite(self, value: Value) -> None:
        """Rows with an infinity in `value` are left to the original; NaN is fine."""
        self._checks.not_infinite.append(value)

    def decline_where(self, flag: Value) -> None:
        """Rows in which any column of `flag` is not 0 are left to the original."""
        self._flags.append(flag if flag.width == 1 else self.row("row_max", flag))

    # --- the end ---

    def program(self, outcome: Outcome) -> Program:
        declines = self._declines(outcome.value)
        for name, table in self._tables:
            self._constants[name] = table()
        columns = tuple(
            Column(column.name, column.kind, column.required, vocabulary.words if vocabulary else ())
            for column, vocabulary in zip(self._columns, self._vocabularies, strict=True)
        )
        answer = Answer(outcome.value.name, outcome.shape, outcome.dtype, outcome.labels)
        return Program(columns, tuple(self._nodes), self._constants, answer, self._is_tensor, declines)

    def _declines(self, answer: Value) -> str | None:
        checks = fewest(self._checks, Body(self._nodes, self._constants, self._widths), answer.name)
        flags = [self._not_finite(value) for value in checks.finite if value.width]
        flags += [self.row("row_max", self.unary("is_inf", value)) for value in checks.not_infinite if value.width]
        flags += self._flags
        if not flags:
            return None
        total = flags[0]
        for flag in flags[1:]:
            total = self.add(total, flag)
        return total.name

    def _not_finite(self, value: Value) -> Value:
        # 0 * NaN, 0 * inf and inf - inf are NaN, which is "not 0": one operation checks a whole row.
        return self.sub(value, value) if value.width == 1 else self.linear(value, np.zeros((value.width, 1)))


def _as_row(item: Operand) -> Operand:
    return item if isinstance(item, Value) else _as_row_array(np.asarray(item, dtype=np.float64))


def _as_row_array(array: NDArray[np.float64]) -> NDArray[np.float64]:
    return array.reshape(1, -1)


def _pieces(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Start, height and slope of the pieces of a curve, by the number of points at or left of a place."""
    with np.errstate(all="ignore"):
        # Points may share their x: no place lies between them.
        slopes = np.nan_to_num(np.diff(y) / np.diff(x), nan=0.0, posinf=0.0, neginf=0.0)
    return np.concatenate([x[:1], x]), np.concatenate([y[:1], y]), np.concatenate([[0.0], slopes, [0.0]])


def _joined(tables: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All tables behind each other, and where each starts."""
    starts = np.cumsum([0, *(len(table) for table in tables[:-1])]).astype(np.float64)
    return np.concatenate([table.reshape(-1) for table in tables]), starts
