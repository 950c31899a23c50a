"""Inference records as the rows of a requests table: one typed row for each prediction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pierhead.gateway.records import InferenceRecord
from pierhead.monitoring.domain.bodies import Rows, Unreadable, media_type, predictions_of, rows_of_request
from pierhead.monitoring.domain.signatures import Kind, Signature
from pierhead.monitoring.ports import Signatures
from pierhead.monitoring.services.cells import ARROW, column, kind_of, text_of
from pierhead.monitoring.services.parquet_rows import PARQUET, parquet_rows
from pierhead.monitoring.services.predictions import prediction_columns
from pierhead.monitoring.services.request_columns import OWN, Columns
from pierhead.serving.domain.table_tags import Mask, TablePolicy

WIDEST = 200
"""Of a tensor with longer rows, the whole row becomes one cell."""

_US_PER_MS = 1000


@dataclass(slots=True)
class Unpacked:
    """`rows` of all records; by record, how many rows it gave and what could not be read, each as a code."""

    rows: pa.Table
    counts: list[int]
    problems: list[list[str]]


@dataclass(slots=True)
class _Group:
    """Rows that have the same columns of the same kinds. `at` is the record of each, `index` its place in it."""

    signature: Signature | None
    masks: Mapping[str, Mask]
    names: tuple[str, ...] | None
    at: list[int] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    rows: list[Sequence[Any]] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)


class Unpacking:
    """Unpacks the records of one table; `columns` are what the table has, and grow."""

    def __init__(self, signatures: Signatures, policy: Callable[[str], TablePolicy], columns: Columns) -> None:
        self._signatures = signatures
        self._policy = policy
        self._columns = columns

    def unpack(self, records: Sequence[InferenceRecord]) -> Unpacked:
        """Masked records; what cannot be read of one is told, and does not keep the others from being rows."""
        counts, problems = [0] * len(records), [list[str]() for _ in records]
        entity_keys: dict[tuple[int, int], str | None] = {}
        groups: dict[tuple[Any, ...], _Group] = {}
        for at, record in enumerate(records):
            if record.status_code != 200:
                continue
            found, predictions = _read(record, problems[at])
            if not predictions:
                continue
            policy = self._policy(record.endpoint_id)
            group = self._group(groups, record, found, policy)
            counts[at] = len(predictions)
            group.at += [at] * len(predictions)
            group.index += range(len(predictions))
            group.rows += found.rows
            group.predictions += predictions
            if policy.entity_key is not None and found.names is not None and policy.entity_key in found.names:
                place = found.names.index(policy.entity_key)
                entity_keys.update({(at, index): _key(row[place]) for index, row in enumerate(found.rows)})
        tables = [self._table(group, records, entity_keys, problems) for group in groups.values()]
        rows = pa.concat_tables(tables, promote_options="default") if tables else OWN.empty_table()
        return Unpacked(rows, counts, problems)

    def _group(
        self, groups: dict[tuple[Any, ...], _Group], record: InferenceRecord, found: Rows, policy: TablePolicy
    ) -> _Group:
        width = len(found.rows[0]) if found.rows else 0
        key = (record.endpoint_id, record.model_name, record.model_version, found.names, width)
        group = groups.get(key)
        if group is None:
            signature = self._signatures.find(record.model_name, record.model_version)
            group = groups[key] = _Group(signature, policy.masks, _names(found, signature, width))
        return group

    def _table(
        self,
        group: _Group,
        records: Sequence[InferenceRecord],
        entity_keys: Mapping[tuple[int, int], str | None],
        problems: list[list[str]],
    ) -> pa.Table:
        own = [records[at] for at in group.at]
        keys = [record.client_request_id for record in own]
        if entity_keys:
            places = zip(group.at, group.index, strict=True)
            keys = [entity_keys.get(place, key) for place, key in zip(places, keys, strict=True)]
        kind, prediction, proba = prediction_columns(group.predictions)
        found: dict[str, pa.Array] = _own_columns(own, group.index, keys) | {"prediction_proba": proba}
        placed = self._columns.place_prediction(kind)
        if placed is not None:
            found[placed[0]] = prediction.cast(ARROW[placed[1]])
        self._add_features(group, found, problems)
        return pa.table(found)

    def _add_features(self, group: _Group, found: dict[str, pa.Array], problems: list[list[str]]) -> None:
        for name, values in _features(group):
            kind = _kind(group, name, values)
            placed = self._columns.place(name, kind)
            if placed is None or placed[0] in found:
                for at in group.at:
                    _tell(problems[at], "COLUMNS_LEFT_OUT")
                continue
            array, unfit = column(kind, values)
            for place in unfit:
                _tell(problems[group.at[place]], "CELLS_UNFIT")
            found[placed[0]] = array.cast(ARROW[placed[1]], safe=False)


def _read(record: InferenceRecord, problems: list[str]) -> tuple[Rows, list[Any]]:
    """Rows and predictions, as many of one as of the other: rows without values where the request cannot be read."""
    if record.response is None:
        problems.append("RESPONSE_NOT_KEPT")
        return Rows(None, []), []
    try:
        predictions = predictions_of(record.response)
    except Unreadable as error:
        problems.append(str(error))
        return Rows(None, []), []
    if record.request is None:
        problems.append("REQUEST_NOT_KEPT")
        return Rows((), [()] * len(predictions)), predictions
    try:
        if media_type(record.request_content_type) == PARQUET:
            found = parquet_rows(record.request, len(predictions))
        else:
            found = rows_of_request(record.request, record.request_content_type)
    except Unreadable as error:
        problems.append(str(error))
        return Rows((), [()] * len(predictions)), predictions
    if len(found.rows) != len(predictions):
        problems.append("ROWS_DIFFER")
        return Rows((), [()] * len(predictions)), predictions
    return found, predictions


def _names(found: Rows, signature: Signature | None, width: int) -> tuple[str, ...] | None:
    """Names of the columns; None for rows that become one cell each."""
    if found.names is not None:
        return found.names
    if signature is not None and len(signature.columns) == width:
        return tuple(name for name, _ in signature.columns)
    is_flat = width <= WIDEST and not any(isinstance(cell, list | dict) for cell in found.rows[0])
    return tuple(f"feature_{place}" for place in range(width)) if is_flat else None


def _features(group: _Group) -> list[tuple[str, Sequence[Any]]]:
    """The features of a group, each with its values; with named columns in the signature, those and no others."""
    if group.names is None:
        return [("features", [text_of(row) for row in group.rows])]
    return [
        (name, values)
        for name, values in zip(group.names, zip(*group.rows, strict=True), strict=True)
        if group.masks.get(name) is not Mask.DROP and _is_feature(group.signature, name)
    ]


def _is_feature(signature: Signature | None, name: str) -> bool:
    return signature is None or not signature.columns or signature.kind(name) is not None


def _kind(group: _Group, name: str, values: Sequence[Any]) -> Kind:
    if name in group.masks:
        return Kind.STRING
    if group.names is None:
        return Kind.JSON
    described = None if group.signature is None else group.signature.kind(name)
    return kind_of(values) if described is None else described


def _key(value: Any) -> str | None:
    return None if value is None else text_of(value)


def _tell(problems: list[str], code: str) -> None:
    if code not in problems:
        problems.append(code)


def _own_columns(
    records: Sequence[InferenceRecord], index: Sequence[int], keys: Sequence[str | None]
) -> dict[str, pa.Array]:
    columns = {
        "databricks_request_id": [record.request_id for record in records],
        "row_index": index,
        "timestamp": [record.timestamp_ms * _US_PER_MS for record in records],
        "client_request_id": [record.client_request_id for record in records],
        "entity_key": keys,
        "endpoint_name": [record.endpoint_name for record in records],
        "served_entity_name": [record.served_entity_name for record in records],
        "model_id": [f"{record.model_name}/{record.model_version}" for record in records],
        "model_name": [record.model_name for record in records],
        "model_version": [record.model_version for record in records],
        "route": [record.route for record in records],
        "bucket": [record.bucket for record in records],
        "shadow_of": [record.shadow_of for record in records],
    }
    return {name: pa.array(values, OWN.field(name).type) for name, values in columns.items()}
