"""Labels as they come, in JSON, CSV, Parquet or out of a Delta table, as rows of a labels table."""

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.label_batches import ALIASES, COLUMNS
from pierhead.monitoring.domain.signatures import Kind
from pierhead.monitoring.services.cells import column
from pierhead.monitoring.services.labels_table import SCHEMA

LATEST = timedelta(days=1)
"""How far ahead of us the clock of a sender may be: the latest label wins, and would for ever."""

_INSTANT = pa.timestamp("us", tz="UTC")


def json_labels(rows: Any) -> pa.Table:
    """A list of objects. Raises InvalidArgument."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InvalidArgument("labels must be a list of objects, with a request_id or an entity_key and a label each")
    names = list(dict.fromkeys(name for row in rows for name in row))
    # Labels and keys may be of several types; each is text in the table.
    cells = {name: [_cell(row.get(name)) for row in rows] for name in names}
    return pa.table({name: pa.array(values, pa.string()) for name, values in cells.items()})


def csv_labels(body: bytes) -> pa.Table:
    """A CSV file with a head. Raises InvalidArgument."""
    try:
        names = pyarrow.csv.open_csv(io.BytesIO(body)).schema.names
        convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
        return pyarrow.csv.read_csv(io.BytesIO(body), convert_options=convert)
    except pa.ArrowException as error:
        raise InvalidArgument(f"the labels are no CSV with a head: {error}") from None


def parquet_labels(body: bytes) -> pa.Table:
    """A Parquet file. Raises InvalidArgument."""
    try:
        return pyarrow.parquet.read_table(io.BytesIO(body))
    except (pa.ArrowException, OSError) as error:
        raise InvalidArgument(f"the labels are no Parquet file: {error}") from None


def label_rows(
    found: pa.Table,
    *,
    batch_id: str,
    source: str,
    now: datetime,
    hash_key: Callable[[object], str] | None = None,
) -> tuple[pa.Table, int]:
    """The rows of a labels table, and how many were left out because they had no label.

    `source` is for rows that name none, `now` for rows without `label_ts`; `hash_key` hashes entity keys. Raises
    InvalidArgument, naming the first row that cannot be a label.
    """
    found = _named(found)
    label, number = _labels(found)
    withdraw = _converted(found, "withdraw", Kind.BOOLEAN, default=False)
    requests, entities = _text(found, "request_id"), _text(found, "entity_key")
    _refuse(pc.equal(pc.is_valid(requests), pc.is_valid(entities)), "needs either a request_id or an entity_key")
    if hash_key is not None:
        entities = pa.array([None if key is None else hash_key(key) for key in entities.to_pylist()], pa.string())
    index = _converted(found, "row_index", Kind.INTEGER)
    _refuse(pc.fill_null(pc.less(index, 0), False), "has a negative row_index")
    weight = _converted(found, "weight", Kind.DOUBLE, default=1.0)
    _refuse(pc.invert(pc.and_(pc.is_finite(weight), pc.greater_equal(weight, 0))), "has a weight that is not 0 or more")
    moments = _moments(found, now)
    limit = pa.scalar(now + LATEST, _INSTANT)
    _refuse(pc.greater(moments, limit), "has a label_ts more than a day in the future")
    rows = pa.table(
        {
            "entity_key": entities,
            "databricks_request_id": requests,
            "row_index": index,
            "label": pc.if_else(withdraw, pa.scalar(None, pa.string()), label),
            "label_number": pc.if_else(withdraw, pa.scalar(None, pa.float64()), number),
            "label_ts": moments,
            "ingest_ts": pa.array([now] * found.num_rows, _INSTANT),
            "source": pc.fill_null(_text(found, "source"), source),
            "weight": weight,
            "batch_id": pa.array([batch_id] * found.num_rows, pa.string()),
            "batch_row": pa.array(range(found.num_rows), pa.int64()),
        },
        schema=SCHEMA,
    )
    kept = rows.filter(pc.or_(pc.is_valid(label), withdraw))
    return kept, rows.num_rows - kept.num_rows


def _named(found: pa.Table) -> pa.Table:
    names = [ALIASES.get(name, name) for name in found.column_names]
    unknown = sorted(set(names) - set(COLUMNS))
    if unknown or len(set(names)) < len(names):
        raise InvalidArgument(
            f"labels have the columns {', '.join(COLUMNS)}, each at most once; not {', '.join(unknown or names)}"
        )
    if "label" not in names and "withdraw" not in names:
        raise InvalidArgument("labels need a column 'label'")
    return found.rename_columns(names)


def _labels(found: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Labels as text, and as numbers where they are numbers."""
    if "label" not in found.column_names:
        return pa.nulls(found.num_rows, pa.string()), pa.nulls(found.num_rows, pa.float64())
    texts = [_label_text(value) for value in found["label"].to_pylist()]
    return pa.array(texts, pa.string()), pa.array([_number(text) for text in texts], pa.float64())


def _label_text(value: Any) -> str | None:
    """One text for one label, however it was written.

    >>> _label_text(1.0), _label_text(True), _label_text("setosa"), _label_text(float("nan"))
    ('1', 'true', 'setosa', None)
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(text: str | None) -> float | None:
    """
    >>> _number("1"), _number("true"), _number("setosa"), _number("nan")
    (1.0, 1.0, None, None)
    """
    if text is None:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_TRUTH = {"true": 1.0, "false": 0.0, "True": 1.0, "False": 0.0}


def _text(found: pa.Table, name: str) -> pa.Array:
    if name not in found.column_names:
        return pa.nulls(found.num_rows, pa.string())
    return pa.array([_cell(value) or None for value in found[name].to_pylist()], pa.string())


def _converted(found: pa.Table, name: str, kind: Kind, *, default: Any = None) -> pa.Array:
    values: Sequence[Any] = found[name].to_pylist() if name in found.column_names else [None] * found.num_rows
    values = [default if value is None or value == "" else value for value in values]
    array, unfit = column(kind, values)
    if unfit:
        raise InvalidArgument(f"row {unfit[0]} of the labels: {name} {values[unfit[0]]!r} is no {kind.value}")
    return array


def _moments(found: pa.Table, now: datetime) -> pa.Array:
    values: Sequence[Any] = found["label_ts"].to_pylist() if "label_ts" in found.column_names else [None] * len(found)
    return pa.array([now if value in (None, "") else _moment(at, value) for at, value in enumerate(values)], _INSTANT)


def _moment(at: int, value: Any) -> datetime:
    """A moment, its ISO text, or milliseconds since 1970."""
    try:
        if isinstance(value, str) and value.lstrip("-").isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError, AttributeError):
        raise InvalidArgument(
            f"row {at} of the labels: label_ts {value!r} is neither an ISO moment nor milliseconds since 1970"
        ) from None


def _refuse(is_wrong: pa.Array, why: str) -> None:
    wrong = pc.index(is_wrong, True).as_py()
    if wrong >= 0:
        raise InvalidArgument(f"row {wrong} of the labels {why}")


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float | bool):
        return _label_text(value)
    return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)


def described(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Which column of a table is which of a label's; those not named are called alike."""
    unknown = sorted(set(fields) - set(COLUMNS))
    if unknown:
        raise InvalidArgument(f"columns are named for {', '.join(COLUMNS)}, not for {', '.join(unknown)}")
    return fields
