"""Requests that come as Parquet, as rows: no more of them than there are predictions, and none that would burst."""

import io
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from pierhead.monitoring.domain.bodies import Rows, Unreadable

PARQUET: Final = "application/vnd.apache.parquet"
LARGEST_BYTES: Final = 64 * 1024 * 1024
"""A small file can hold one long text a million times: what its rows would take when each has its own."""


def parquet_rows(body: bytes, expected_rows: int) -> Rows:
    """The rows of a file. Raises Unreadable, also if there are not as many as expected."""
    try:
        with pyarrow.parquet.ParquetFile(io.BytesIO(body)) as file:
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
            if file.metadata.num_rows != expected_rows:
                raise Unreadable("ROWS_DIFFER")
            groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > LARGEST_BYTES:
                raise Unreadable("REQUEST_TOO_LARGE")
        found = pyarrow.parquet.read_table(io.BytesIO(body), read_dictionary=texts, use_threads=False)
    except (pa.ArrowException, OSError):
        raise Unreadable("REQUEST_UNREADABLE") from None
    if sum(map(_size, found.columns)) > LARGEST_BYTES:
        raise Unreadable("REQUEST_TOO_LARGE")
    # What pandas writes beside the columns is no feature.
    columns = {name: found[name].to_pylist() for name in found.column_names if not name.startswith("__index_level_")}
    return Rows(tuple(columns), list(zip(*columns.values(), strict=True)))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _size(column: pa.ChunkedArray) -> int:
    """Bytes of a column if each row had its own value."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return sum(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0 for chunk in column.chunks)
