"""Columns read out of the database, cell by cell, a few at a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pierhead.monitoring.services.delta_sql import literal
from pierhead.monitoring.services.profiling.groupings import Grouping
from pierhead.monitoring.services.profiling.samples import (
    MOST_VALUES,
    CategoricalSample,
    EdgesOf,
    Gathering,
    NumericSample,
    OtherSample,
)
from pierhead.statistics.counts import Floats

MOST_KEPT = 1000
"""Values of a categorical column that are counted one by one in a cell."""

_BATCH_ROWS = 122_880
_MOST_AT_ONCE = 8
# Values held while columns are read, over all cells and the columns read together: 64 MB.
_MOST_HELD = 8_000_000


def gather_numbers(
    database: duckdb.DuckDBPyConnection,
    grouping: Grouping,
    columns: Sequence[str],
    edges: Mapping[str, EdgesOf],
    view: str | None = None,
) -> Iterator[tuple[str, dict[int, NumericSample]]]:
    """Each numeric column with its samples by cell."""
    held = sum(min(rows, MOST_VALUES) for rows in grouping.rows.values())
    together = max(1, min(_MOST_AT_ONCE, _MOST_HELD // max(1, held)))
    for place in range(0, len(columns), together):
        yield from _read_numbers(database, grouping, columns[place : place + together], edges, view).items()


def gather_texts(
    database: duckdb.DuckDBPyConnection,
    grouping: Grouping,
    column: str,
    kept: Collection[str],
    view: str | None = None,
) -> dict[int, CategoricalSample]:
    """A categorical column's samples by cell; values in `kept` are counted however rare they are."""
    value = f"r.{literal(column)}::VARCHAR AS value"
    samples = {cell: CategoricalSample(rows) for cell, rows in grouping.rows.items()}
    database.register("kept_values", pa.table({"value": pa.array(sorted(kept), pa.string())}))
    database.execute(
        f"""CREATE OR REPLACE TEMP TABLE value_counts AS SELECT cell, value, count(*) AS n
        FROM ({grouping.relation([value], view)}) WHERE value IS NOT NULL GROUP BY ALL"""
    )
    facts = database.sql(
        """SELECT cell, sum(n)::BIGINT AS n, count(*) AS distinct_values, min(length(value)) AS shortest,
            max(length(value)) AS longest, sum(length(value) * n)::BIGINT AS total FROM value_counts GROUP BY cell"""
    )
    for cell, n, distinct, shortest, longest, total in facts.fetchall():
        sample = samples[cell]
        sample.n, sample.distinct, sample.length = n, distinct, total
        sample.min_length, sample.max_length = shortest, longest
    counts = database.sql(
        f"""SELECT cell, value, n FROM value_counts
        QUALIFY row_number() OVER (PARTITION BY cell ORDER BY n DESC, value) <= {MOST_KEPT}
            OR value IN (SELECT value FROM kept_values) ORDER BY cell, n DESC, value"""
    )
    for cell, text, n in counts.fetchall():
        samples[cell].counts[text] = n
    return samples


def gather_counts(
    database: duckdb.DuckDBPyConnection, grouping: Grouping, columns: Sequence[str], view: str | None = None
) -> dict[str, dict[int, OtherSample]]:
    """Columns that are only counted."""
    if not columns:
        return {}
    names = [f"r.{literal(column)} AS c{place}" for place, column in enumerate(columns)]
    counted = ", ".join(f"count(c{place})" for place in range(len(columns)))
    found = database.sql(f"SELECT cell, {counted} FROM ({grouping.relation(names, view)}) GROUP BY cell").fetchall()
    return {
        column: {row[0]: OtherSample(grouping.rows[row[0]], row[place + 1]) for row in found}
        for place, column in enumerate(columns)
    }


def _read_numbers(
    database: duckdb.DuckDBPyConnection,
    grouping: Grouping,
    columns: Sequence[str],
    edges: Mapping[str, EdgesOf],
    view: str | None,
) -> dict[str, dict[int, NumericSample]]:
    none = np.empty(0)
    gathered = {
        column: {cell: Gathering(edges.get(column, {}).get(cell, none)) for cell in grouping.rows} for column in columns
    }
    names = [f"r.{literal(column)}::DOUBLE AS c{place}" for place, column in enumerate(columns)]
    reader = database.sql(grouping.relation(names, view)).to_arrow_reader(_BATCH_ROWS)
    for batch in reader:
        for cell, rows in _by_cell(batch.column(0).to_numpy(zero_copy_only=False)):
            for place, column in enumerate(columns):
                gathered[column][cell].add(_numbers(batch.column(place + 1), rows))
    return {
        column: {cell: each.sample(grouping.rows[cell]) for cell, each in cells.items()}
        for column, cells in gathered.items()
    }


def _by_cell(cells: np.ndarray) -> Iterator[tuple[int, np.ndarray | None]]:
    """Each cell of a batch with the places of its rows, None for all of them."""
    if cells.size == 0:
        return
    if cells.min() == cells.max():
        yield int(cells[0]), None
        return
    order = np.argsort(cells, kind="stable")
    starts = np.flatnonzero(np.diff(cells[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        yield int(cells[rows[0]]), rows


def _numbers(column: pa.Array, rows: np.ndarray | None) -> Floats:
    """Without nulls, which would be taken for NaN."""
    chosen = column if rows is None else column.take(pa.array(rows))
    if chosen.null_count:
        chosen = pc.drop_null(chosen)
    return np.array(chosen.to_numpy(zero_copy_only=False), dtype=np.float64)
