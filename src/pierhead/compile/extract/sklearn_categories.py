"""Which category a cell holds, for columns of text and of numbers alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import MISSING, NotCompilable
from pierhead.compile.extract.blocks import Block, Value
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.sklearn_arrays import picked


class Categories:
    """The categories `known` of the columns of a block, as an encoder learned them.

    `repeats`: tables and answers per column, for encoders that make several numbers of one cell.
    """

    def __init__(self, graph: Graph, block: Block, known: Sequence[NDArray[Any]], repeats: int = 1) -> None:
        """Raises NotCompilable if a column cannot hold its categories."""
        self._graph = graph
        self._block = block
        self._repeats = repeats
        self.known = [list(categories) for categories in known]
        self._texts = [place for place, feature in enumerate(block.features) if feature.is_string]
        self._numbers = [place for place, feature in enumerate(block.features) if not feature.is_string]
        if block.is_sparse:
            raise NotCompilable("an encoder of categories on a sparse matrix")
        self._check_kinds()
        self._decline_doubtful()
        self._indicators: Value | None = None

    def indicators(self) -> Value:
        """One column for every category of every column, in order: 1 where the cell is of it."""
        if self._indicators is None:
            self._indicators = self._equal([(place, item) for place, items in enumerate(self.known) for item in items])
        return self._indicators

    def unknown(self) -> Value:
        """One column for each: 1 where the cell is of no category."""
        counts = [len(items) for items in self.known]
        owner = np.repeat(np.arange(len(counts)), counts)
        weights = np.zeros((len(owner), len(counts)))
        weights[np.arange(len(owner)), owner] = -1.0
        return self._graph.linear(self.indicators(), weights, np.ones(len(counts)))

    def numbers(self, tables: Sequence[NDArray[np.float64]], unknown: Sequence[float]) -> Value:
        """For every column (`repeats` times) the entry of its table for the category, or its number for unknown."""
        parts, order = [], []
        for places, look_up in ((self._texts, self._text_numbers), (self._numbers, self._number_numbers)):
            answers = [place * self._repeats + i for place in places for i in range(self._repeats)]
            if answers:
                parts.append(look_up(answers, [tables[i] for i in answers], [unknown[i] for i in answers]))
                order += answers
        return self._graph.columns(self._graph.concat(parts), [int(place) for place in np.argsort(order)])

    def _text_numbers(self, answers: list[int], tables: Sequence[Any], unknown: Sequence[float]) -> Value:
        cells = picked(self._graph, self._block, [answer // self._repeats for answer in answers])
        by_code = []
        for feature, answer, table in zip(cells.features, answers, tables, strict=True):
            assert feature.vocabulary is not None
            words = enumerate(self.known[answer // self._repeats])
            by_code.append({feature.vocabulary.code_of(w): float(table[i]) for i, w in words if isinstance(w, str)})
        return self._graph.lookup(cells, by_code, unknown)

    def _number_numbers(self, answers: list[int], tables: Sequence[Any], unknown: Sequence[float]) -> Value:
        """Place 0 of a table is for the unknown, so the categories count from 1."""
        columns = [answer // self._repeats for answer in answers]
        used = sorted(set(columns))
        pairs = [(place, item) for place in used for item in self.known[place]]
        weights = np.zeros((len(pairs), len(columns)))
        row = 0
        for place in used:
            count = len(self.known[place])
            for column in (i for i, wanted in enumerate(columns) if wanted == place):
                weights[row : row + count, column] = np.arange(1, count + 1)
            row += count
        place_of = self._graph.linear(self._equal(pairs), weights)
        rows = [np.concatenate([[missing], table]) for missing, table in zip(unknown, tables, strict=True)]
        return self._graph.take(place_of, rows)

    def _equal(self, pairs: list[tuple[int, Any]]) -> Value:
        """For every (column, category) whether the cell is of it; NaN is a category that equals itself."""
        graph, cells = self._graph, self._block.value
        targets = np.array([self._target(place, item) for place, item in pairs])
        gaps = np.flatnonzero(np.isnan(targets) & np.array([place in self._numbers for place, _ in pairs]))
        marks = graph.binary("equal", graph.columns(cells, [place for place, _ in pairs]), targets)
        if not len(gaps):
            return marks
        is_gap = graph.unary("is_nan", graph.columns(cells, [pairs[i][0] for i in gaps]))
        order = np.arange(len(pairs))
        order[gaps] = len(pairs) + np.arange(len(gaps))
        return graph.columns(graph.concat([marks, is_gap]), [int(i) for i in order])

    def _target(self, place: int, item: Any) -> float:
        """The number that a cell of this category holds; NaN, which equals nothing, if no cell can be of it."""
        vocabulary = self._block.features[place].vocabulary
        if vocabulary is None:
            return float(item)
        return float(vocabulary.code_of(item)) if isinstance(item, str) else np.nan

    def _check_kinds(self) -> None:
        for place in self._numbers:
            odd = [item for item in self.known[place] if isinstance(item, str | bytes) or item is None]
            if odd:
                raise NotCompilable(f"an encoder with the category {odd[0]!r} for a column of numbers")

    def _decline_doubtful(self) -> None:
        """Rows for which scikit-learn raises, and rows whose null text is known as a category.

        MLflow makes None of null in one request and NaN in another, and encoders tell them apart.
        """
        doubtful = [place for place in self._texts if any(not isinstance(item, str) for item in self.known[place])]
        if doubtful:
            cells = self._graph.columns(self._block.value, doubtful)
            self._graph.decline_where(self._graph.binary("equal", cells, [MISSING]))
        floats = [place for place in self._numbers if self._block.features[place].dtype.startswith("float")]
        if floats:
            self._graph.decline_infinite(self._graph.columns(self._block.value, floats))
