"""All profiled columns of a grouping, as samples."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pierhead.monitoring.services.monitored_table import LABEL, LABELLED_ROWS, MonitoredTable
from pierhead.monitoring.services.profiling.gathering import gather_counts, gather_numbers, gather_texts
from pierhead.monitoring.services.profiling.groupings import Grouping
from pierhead.monitoring.services.profiling.samples import EdgesOf, Sample
from pierhead.monitoring.services.spark_types import Kind, kind_of


@dataclass(frozen=True, slots=True)
class Profiled:
    """The columns to profile, by how they are."""

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    other: tuple[str, ...]
    types: Mapping[str, pa.DataType]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numeric, *self.categorical, *self.other)

    def only(self, column: str) -> "Profiled":
        """This column alone."""

        def of(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for name in names if name == column)

        return Profiled(of(self.numeric), of(self.categorical), of(self.other), self.types)


def profiled(table: MonitoredTable, without: Collection[str] = ()) -> Profiled:
    """Of a table; model ids are not profiled, they are what cells are made by."""
    names = [name for name in table.profiled if name in table.columns.names and name not in without]
    types = {name: table.columns.field(name).type for name in names}
    kinds = {name: kind_of(type) for name, type in types.items()}
    return Profiled(
        numeric=tuple(name for name in names if kinds[name] is Kind.NUMERIC),
        categorical=tuple(name for name in names if kinds[name] is Kind.CATEGORICAL),
        other=tuple(name for name in names if kinds[name] in (Kind.TIME, Kind.OTHER)),
        types=types,
    )


def gather(
    database: duckdb.DuckDBPyConnection,
    table: MonitoredTable,
    grouping: Grouping,
    columns: Profiled,
    edges: Mapping[str, EdgesOf],
    kept: Mapping[str, Collection[str]],
) -> Iterator[tuple[str, Mapping[int, Sample]]]:
    """Each column with its samples by cell, one column after the other."""

    def parts(names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | None]]:
        joined = tuple(name for name in names if table.has_joined_labels and name == LABEL)
        yield tuple(name for name in names if name not in joined), None
        yield joined, LABELLED_ROWS

    for names, view in parts(columns.numeric):
        yield from gather_numbers(database, grouping, names, edges, view)
    for names, view in parts(columns.categorical):
        for name in names:
            yield name, gather_texts(database, grouping, name, kept.get(name, ()), view)
    for names, view in parts(columns.other):
        yield from gather_counts(database, grouping, names, view).items()
