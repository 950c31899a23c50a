"""Rows as requests in MLflow's four formats."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pandas as pd

from benchmarks.parity.tables import Table

_FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
_TENSOR_FORMATS = ("inputs", "instances")
_JSON = "application/json"


def requests(table: Table, frame: pd.DataFrame, sizes: Sequence[int]) -> Iterator[tuple[tuple[str, bytes], int]]:
    """All rows in order, cut into requests whose sizes and formats take turns; with the number of rows of each."""
    rows, names = plain_rows(frame), list(frame.columns)
    at = turn = 0
    while at < len(rows):
        batch = rows[at : at + sizes[turn % len(sizes)]]
        round_ = turn // len(sizes)
        content = (
            _tensor(_TENSOR_FORMATS[round_ % 2], batch)
            if table.is_tensor
            else _frame(_FORMATS[round_ % 4], names, batch)
        )
        yield (_JSON, orjson.dumps(content)), len(batch)
        at += len(batch)
        turn += 1


def plain_rows(frame: pd.DataFrame) -> list[list[Any]]:
    """JSON values by row; None where a value is missing."""
    columns = [frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame]
    return [list(row) for row in zip(*columns, strict=True)]


def _tensor(form: str, rows: list[list[Any]]) -> dict[str, Any]:
    # Nobody can write a missing number into a tensor but as NaN, which JSON does not have.
    return {form: rows}


def _frame(form: str, names: list[str], rows: list[list[Any]]) -> dict[str, Any]:
    if form == "dataframe_split":
        return {form: {"columns": names, "data": rows}}
    if form == "inputs":
        return {form: dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))}
    return {form: [dict(zip(names, row, strict=True)) for row in rows]}
