"""Rows of a table put into cells: by window, slice and model.

A grouping is a table `cells` in the database, in which each cell has a number; joined with the rows, it says which cell
each of them is in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.monitors import ALL_MODELS
from pierhead.monitoring.domain.windows import Granularity, Window, window_of
from pierhead.monitoring.services.delta_sql import literal
from pierhead.monitoring.services.owner_sql import owner_sql

MOST_SLICES = 100
"""Values of one slicing expression in one window, the most frequent ones."""

WHOLE = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the start of the only window there is."""


@dataclass(frozen=True, slots=True)
class CellKey:
    """`window` is None for a baseline; `slice_key` is the expression."""

    window: Window | None
    slice_key: str | None = None
    slice_value: str | None = None
    model: str = ALL_MODELS


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows are put into cells: `start` is SQL of the start of their window, `where` of whether they count.

    `model` is the column of model ids, if there is one.
    """

    view: str
    where: str
    start: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Grouping:
    """Cells by number. `rows` counts the rows of each. `is_by_model`: of single models, not of all together."""

    name: str
    source: Rows
    slicing: str | None
    keys: Mapping[int, CellKey]
    rows: Mapping[int, int]
    is_by_model: bool

    def relation(self, expressions: Sequence[str], view: str | None = None, *, cell: str = "cell") -> str:
        """SQL that gives the number of the cell, as `cell`, and these expressions over the rows that are in one."""
        chosen = ", ".join([f"c.cell AS {cell}", *expressions])
        rows = (
            f"SELECT *, {_place(self.source, self.slicing)} FROM {view or self.source.view} WHERE {self.source.where}"
        )
        return f"SELECT {chosen} FROM ({rows}) r JOIN {self.name} c ON {self._join}"

    @property
    def _join(self) -> str:
        parts = ["r.pierhead_start = c.start"]
        if self.slicing is not None:
            parts.append("r.pierhead_slice = c.slice")
        if self.is_by_model:
            parts.append("r.pierhead_model = c.model")
        return " AND ".join(parts)


def group(
    database: duckdb.DuckDBPyConnection, source: Rows, slicing: str | None, granularity: Granularity | None
) -> Grouping:
    """All models together. Without a granularity keys have no window."""
    is_kept = "true" if slicing is None else "pierhead_slice IS NOT NULL"
    database.execute(
        f"""CREATE OR REPLACE TEMP TABLE cells_of_all AS
        SELECT row_number() OVER (ORDER BY start, slice)::INTEGER AS cell, start, slice, '{ALL_MODELS}' AS model, n
        FROM (
            SELECT pierhead_start AS start, pierhead_slice AS slice, count(*) AS n
            FROM ({_places(source, slicing)}) WHERE {is_kept} AND pierhead_start IS NOT NULL GROUP BY 1, 2
            QUALIFY row_number() OVER (PARTITION BY start ORDER BY n DESC, slice) <= {MOST_SLICES})"""
    )
    return _grouping(database, "cells_of_all", source, slicing, granularity, is_by_model=False)


def group_by_model(database: duckdb.DuckDBPyConnection, whole: Grouping, granularity: Granularity | None) -> Grouping:
    """The cells of `whole`, which must be the newest of its kind, for each model alone."""
    sliced = "" if whole.slicing is None else " AND p.pierhead_slice = w.slice"
    database.execute(
        f"""CREATE OR REPLACE TEMP TABLE cells_of_models AS
        SELECT row_number() OVER (ORDER BY start, slice, model)::INTEGER AS cell, start, slice, model, n FROM (
            SELECT w.start, w.slice, p.pierhead_model AS model, count(*) AS n
            FROM ({_places(whole.source, whole.slicing)}) p
            JOIN {whole.name} w ON p.pierhead_start = w.start{sliced}
            WHERE p.pierhead_model IS NOT NULL GROUP BY ALL)"""
    )
    return _grouping(database, "cells_of_models", whole.source, whole.slicing, granularity, is_by_model=True)


def slice_sql(expression: str) -> str:
    """The value of a slicing expression for a row, as text; Spark's backticks are taken.

    Raises InvalidArgument that names the expression if it has what it may not have.
    """
    try:
        return f"({owner_sql(expression)}\n)::VARCHAR"
    except InvalidArgument as error:
        raise InvalidArgument(f"slicing expression {expression!r}: {error.message}") from error


def _places(source: Rows, slicing: str | None) -> str:
    """The place of each row, and nothing else: the table's own columns may have any name, those of ours too."""
    return f"SELECT {_place(source, slicing)} FROM {source.view} WHERE {source.where}"


def _place(source: Rows, slicing: str | None) -> str:
    model = "NULL::VARCHAR" if source.model is None else f"{literal(source.model)}::VARCHAR"
    sliced = "NULL::VARCHAR" if slicing is None else slice_sql(slicing)
    return f"{source.start} AS pierhead_start, {sliced} AS pierhead_slice, {model} AS pierhead_model"


def _grouping(
    database: duckdb.DuckDBPyConnection,
    name: str,
    source: Rows,
    slicing: str | None,
    granularity: Granularity | None,
    *,
    is_by_model: bool,
) -> Grouping:
    found: pa.Table = database.sql(f"SELECT cell, start, slice, model, n FROM {name} ORDER BY cell").to_arrow_table()
    keys, rows = {}, {}
    for each in found.to_pylist():
        start = each["start"].replace(tzinfo=UTC)
        window = None if granularity is None else window_of(granularity, start)
        keys[each["cell"]] = CellKey(window, slicing, each["slice"], each["model"])
        rows[each["cell"]] = each["n"]
    return Grouping(name, source, slicing, keys, rows, is_by_model)
