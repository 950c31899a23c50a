"""Which columns of a requests table features go into.

A table outlives many versions of its model. A feature has a column of its own name; where that one holds values of
another type that cannot take the new ones, the feature has a second column, `NAME__TYPE`, and no old row is rewritten.
Numbers go into a wider column that is there: `integer` into `long` and `double`, `long` into `double`, `float` into
`double`. A feature with the name of one of our own columns is called `feature__NAME`. Names that differ only in case
are the same to Delta: the second one has a column `NAME__TYPE` too.
"""

from typing import Final

import pyarrow as pa

from pierhead.monitoring.domain.signatures import Kind
from pierhead.monitoring.services.cells import ARROW

MOST_FEATURES: Final = 1000
"""Columns that features of one table may have in all: without a signature, their names are the callers' choice."""

OWN = pa.schema(
    [
        ("databricks_request_id", pa.string()),
        ("row_index", pa.int32()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("client_request_id", pa.string()),
        ("entity_key", pa.string()),
        ("endpoint_name", pa.string()),
        ("served_entity_name", pa.string()),
        ("model_id", pa.string()),
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        ("route", pa.string()),
        ("bucket", pa.int32()),
        ("shadow_of", pa.string()),
        ("prediction_proba", pa.list_(pa.float64())),
    ]
)
"""Columns that every requests table has from its beginning. `prediction` comes with the first one, and has its type."""

PREDICTION = "prediction"

_RESERVED = {name.lower() for name in (*OWN.names, PREDICTION)}
_RENAMED = "feature__"
_WIDER = {
    Kind.INTEGER: {Kind.LONG, Kind.DOUBLE},
    Kind.LONG: {Kind.DOUBLE},
    Kind.FLOAT: {Kind.DOUBLE},
    Kind.STRING: {Kind.JSON},
    Kind.JSON: {Kind.STRING},
}


class Columns:
    """The columns of one table, those included that it will have."""

    def __init__(self, schema: pa.Schema) -> None:
        self._known = {field.name.lower(): (field.name, field.type) for field in schema}

    def place(self, feature: str, kind: Kind) -> tuple[str, Kind] | None:
        """Name and kind of the column that takes the feature; None if there is no room for it."""
        return self._place(_RENAMED + feature if feature.lower() in _RESERVED or not feature else feature, kind)

    def place_prediction(self, kind: Kind) -> tuple[str, Kind] | None:
        return self._place(PREDICTION, kind)

    def _place(self, name: str, kind: Kind) -> tuple[str, Kind] | None:
        for candidate in (name, f"{name}__{kind.value}"):
            found = self._known.get(candidate.lower())
            if found is None:
                if len(self._known) >= MOST_FEATURES + len(OWN):
                    return None
                self._known[candidate.lower()] = (candidate, ARROW[kind])
                return candidate, kind
            fitting = _fitting(kind, found[1])
            if found[0] == candidate and fitting is not None:
                return candidate, fitting
        return None


def columns_of(schema: pa.Schema) -> dict[str, list[str]]:
    """Every feature of a requests table with the columns that hold it, the one of its own name first.

    >>> columns_of(pa.schema([("row_index", pa.int32()), ("age", pa.int64()), ("age__double", pa.float64())]))
    {'age': ['age', 'age__double']}
    """
    features: dict[str, list[str]] = {}
    lower = {name.lower() for name in schema.names}
    for name in schema.names:
        stem, _, kind = name.rpartition("__")
        feature = stem if kind in _TYPES and stem.lower() in lower else name
        if name not in OWN.names and feature != PREDICTION:
            features.setdefault(feature.removeprefix(_RENAMED), []).append(name)
    return {name: sorted(columns, key=len) for name, columns in features.items()}


def prediction_columns(schema: pa.Schema) -> list[str]:
    """The columns that hold predictions, each of another type; in a row all but one are null."""
    return [name for name in schema.names if name == PREDICTION or name.startswith(f"{PREDICTION}__")]


def are_numbers(schema: pa.Schema) -> bool:
    """Whether every prediction so far was a number or a truth value; not, if there was none."""
    columns = prediction_columns(schema)
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    return bool(columns) and all(any(is_kind(schema.field(name).type) for is_kind in kinds) for name in columns)


_TYPES = {kind.value for kind in Kind}


def _fitting(kind: Kind, held: pa.DataType) -> Kind | None:
    """The kind under which values of `kind` can go into a column of this type."""
    kinds = [kind, *(wider for wider in Kind if wider in _WIDER.get(kind, ()))]
    return next((each for each in kinds if ARROW[each] == held), None)
