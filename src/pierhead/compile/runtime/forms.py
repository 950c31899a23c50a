"""The forms in which plain requests come: for each, one msgspec decoder that takes the whole body in one pass.

A decoder takes only what is plain through and through: unknown keys, missing or doubtful values make it fail, and then
`judging` has a closer look.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import astuple

from pierhead.compile.domain.artifact import ColumnSpec
from pierhead.compile.runtime.cells import ANY_SCALAR, cell_type
from pierhead.compile.runtime.tables import Rows

FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises at a body that is not of its form."""

# NumPy, which MLflow uses for these formats, cuts NUL characters off the ends of strings.
_NUL = b"\\u0000"


class Decoded(NamedTuple):
    """`order[j]` is the place of column j in a row; None if rows are in the signature's order."""

    rows: Rows
    order: tuple[int, ...] | None


class Form(Protocol):
    def decode(self, body: bytes) -> Decoded | None:
        """The rows of a body, at least one; None if it is not of this form."""


class SplitForm:
    """`dataframe_split` with these `columns`, in this order; columns that the model does not know are left out."""

    def __init__(self, columns: Sequence[ColumnSpec], names: Raw | None, order: tuple[int, ...], width: int) -> None:
        """`names` is the JSON of the columns' names, None if requests name none."""
        self._names = names
        self._order = None if order == tuple(range(width)) else order
        cells: list[Any] = [ANY_SCALAR] * width
        for column, at in zip(columns, order, strict=True):
            cells[at] = cell_type(column)
        row: Any = tuple[tuple(cells)]  # type: ignore[misc] # made of the signature
        columns_field: Any = ("columns", None, None) if names is None else ("columns", Raw)
        fields = [("data", list[row]), columns_field, ("index", list[int] | None, None)]
        split = _strict_struct("Split", fields)
        self._decode = _body_decoder("dataframe_split", split)

    def decode(self, body: bytes) -> Decoded | None:
        try:
            split = self._decode(body).dataframe_split
        except FAILURES:
            return None
        rows = split.data
        if split.columns != self._names or not rows:
            return None
        if split.index is not None and len(split.index) != len(rows):
            return None
        return Decoded(rows, self._order)


class RecordsForm:
    """Objects by column name under `key`. Only `dataframe_records` may have `extras`, which are left out."""

    def __init__(self, key: str, columns: Sequence[ColumnSpec], extras: Sequence[str] = ()) -> None:
        record = _record([(_name(column), cell_type(column)) for column in columns], extras)
        self._decode = _body_decoder(key, _list_of(record))
        self._key = key
        self._cuts_nul = key != "dataframe_records"

    def decode(self, body: bytes) -> Decoded | None:
        if self._cuts_nul and _NUL in body:
            return None
        try:
            records = getattr(self._decode(body), self._key)
        except FAILURES:
            return None
        # Columns beyond the signature's stand at the end of a row, where nobody looks.
        return Decoded(list(map(astuple, records)), None) if records else None


class ColumnsForm:
    """`inputs` as one list of values for each column."""

    def __init__(self, columns: Sequence[ColumnSpec]) -> None:
        fields = [(_name(column), _list_of(cell_type(column))) for column in columns]
        by_column = _record(fields, ())
        self._decode = _body_decoder("inputs", by_column)

    def decode(self, body: bytes) -> Decoded | None:
        if _NUL in body:
            return None
        try:
            columns = astuple(self._decode(body).inputs)
        except FAILURES:
            return None
        if len(set(map(len, columns))) != 1:
            return None
        rows = list(zip(*columns, strict=True))
        return Decoded(rows, None) if rows else None


class TensorForm:
    """Rows of numbers under `key`, for a signature of one tensor without a name."""

    def __init__(self, key: str, columns: Sequence[ColumnSpec]) -> None:
        row: Any = tuple[tuple(cell_type(column) for column in columns)]  # type: ignore[misc]
        self._decode = _body_decoder(key, list[row])
        self._key = key

    def decode(self, body: bytes) -> Decoded | None:
        try:
            rows = getattr(self._decode(body), self._key)
        except FAILURES:
            return None
        return Decoded(rows, None) if rows else None


class Envelope(Struct, forbid_unknown_fields=True, gc=False):
    """Which of the formats a body has."""

    dataframe_split: Raw | UnsetType = UNSET
    dataframe_records: Raw | UnsetType = UNSET
    instances: Raw | UnsetType = UNSET
    inputs: Raw | UnsetType = UNSET
    client_request_id: str | None = None
    usage_context: dict[str, str] | None = None

    @property
    def format(self) -> tuple[str, Raw] | None:
        """The format's key and its value; None if the body has none or several."""
        found = [(key, raw) for key in FORMATS if isinstance(raw := getattr(self, key), Raw)]
        return found[0] if len(found) == 1 else None


FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def takes_records(columns: Sequence[ColumnSpec]) -> bool:
    """Whether every column has a name that msgspec can look for."""
    return all(column.name is not None and is_plain_name(column.name) for column in columns)


def is_plain_name(name: str) -> bool:
    return name.isprintable() and '"' not in name and "\\" not in name


def _list_of(kind: Any) -> Any:
    return list[kind]


def _name(column: ColumnSpec) -> str:
    assert column.name is not None
    return column.name


def _record(fields: Sequence[tuple[str, Any]], extras: Sequence[str]) -> Any:
    typed: list[Any] = [(f"c{at}", kind) for at, (_, kind) in enumerate(fields)]
    typed += [(f"c{at + len(fields)}", ANY_SCALAR | UnsetType, UNSET) for at in range(len(extras))]
    names = [*(name for name, _ in fields), *extras]
    return _strict_struct("Record", typed, {f"c{at}": name for at, name in enumerate(names)})


def _strict_struct(name: str, fields: list[Any], rename: dict[str, str] | None = None) -> Any:
    return msgspec.defstruct(name, fields, rename=rename, forbid_unknown_fields=True, gc=False)


def _body_decoder(key: str, kind: Any) -> Any:
    body = _strict_struct(
        "Body",
        [(key, kind), ("client_request_id", str | None, None), ("usage_context", dict[str, str] | None, None)],
    )
    return msgspec.json.Decoder(body).decode
