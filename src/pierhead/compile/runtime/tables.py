"""Rows of decoded requests as arrays: one float64 matrix for numbers and codes, strings without vocabulary beside."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.artifact import ArtifactSpec, ColumnSpec, Feed
from pierhead.compile.domain.program import UNKNOWN
from pierhead.compile.runtime.cells import EXACT_WHOLE

Rows = Sequence[tuple[Any, ...]]


class Table(NamedTuple):
    """`matrix` is `[rows, columns]` in the signature's order; a column of `strings` holds zeros in the matrix.

    `odd` tells the rows that only the original can answer, None if there are none.
    """

    matrix: NDArray[np.float64]
    strings: dict[int, NDArray[Any]]
    odd: NDArray[np.bool_] | None

    def part(self, start: int, end: int) -> "Table":
        strings = {column: values[start:end] for column, values in self.strings.items()}
        return Table(self.matrix[start:end], strings, None)


class Codes(dict[str, float]):
    """Place of each string in its column's vocabulary."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        super().__init__(zip(vocabulary, map(float, range(len(vocabulary))), strict=True))

    def __missing__(self, word: str) -> float:
        return UNKNOWN


class Tabulator:
    """Makes tables of rows whose values are plain (`cells.CELL_TYPES`)."""

    def __init__(self, columns: Sequence[ColumnSpec]) -> None:
        self._width = len(columns)
        self._straight = tuple(range(len(columns)))
        self._codes: list[tuple[int, Callable[[str], float]]] = []
        self._strings: list[int] = []
        self._floats = [at for at, column in enumerate(columns) if column.kind == "float"]
        for at, column in enumerate(columns):
            if column.kind != "string":
                continue
            if column.vocabulary is None:
                self._strings.append(at)
            else:
                self._codes.append((at, Codes(column.vocabulary).__getitem__))

    def table(self, rows: Rows, order: Sequence[int] | None) -> Table:
        """`order[j]` is the place of column j in a row; None if a row is in the signature's order."""
        count = len(rows)
        # Rows may differ in what stands behind their last column of interest.
        columns: list[Iterable[Any]] = list(zip(*rows, strict=False))
        if order is not None:
            columns = [columns[at] for at in order]
        strings: dict[int, NDArray[Any]] = {}
        for at in self._strings:
            strings[at] = np.array(columns[at], dtype=object)
            columns[at] = (0.0,) * count
        for at, code in self._codes:
            columns[at] = map(code, columns[at])
        flat = np.fromiter(chain.from_iterable(columns), np.float64, count * self._width)
        matrix = np.ascontiguousarray(flat.reshape(self._width, count).T)
        return Table(matrix, strings, self._rounded(matrix) if self._floats else None)

    def _rounded(self, matrix: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Round columns of type `float` in place. Tells rows in which a whole number would be rounded twice."""
        block = matrix[:, self._floats]
        odd: NDArray[np.bool_] = np.any(np.abs(block) > EXACT_WHOLE, axis=1)
        with np.errstate(over="ignore"):
            matrix[:, self._floats] = block.astype(np.float32)
        return odd if odd.any() else None


def joined(tables: Sequence[Table]) -> Table:
    if len(tables) == 1:
        return tables[0]
    first = tables[0]
    strings = {at: np.concatenate([table.strings[at] for table in tables]) for at in first.strings}
    odd = None
    if any(table.odd is not None for table in tables):
        odd = np.concatenate([_told(table) for table in tables])
    return Table(np.concatenate([table.matrix for table in tables]), strings, odd)


def _told(table: Table) -> NDArray[np.bool_]:
    return table.odd if table.odd is not None else np.zeros(len(table.matrix), dtype=np.bool_)


class Feeds:
    """What a network is fed, made of a table."""

    def __init__(self, spec: ArtifactSpec) -> None:
        self._feeds = spec.feeds
        [only] = spec.feeds if len(spec.feeds) == 1 else [None]
        whole = list(range(len(spec.columns)))
        is_matrix = only is not None and only.dtype == "float64" and only.columns == whole and not only.is_flat
        self._matrix_input = only.input if only is not None and is_matrix else None

    def arrays(self, table: Table) -> dict[str, NDArray[Any]]:
        if self._matrix_input is not None:
            return {self._matrix_input: table.matrix}
        return {feed.input: _fed(feed, table) for feed in self._feeds}


def _fed(feed: Feed, table: Table) -> NDArray[Any]:
    if feed.dtype == "string":
        array = np.stack([table.strings[at] for at in feed.columns], axis=1)
    else:
        array = table.matrix[:, feed.columns].astype(feed.dtype)
    return array.reshape(-1) if feed.is_flat else array
