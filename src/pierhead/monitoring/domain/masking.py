"""Values that must not get into a table, replaced in the bodies before anything is made of them.

A masked column is looked for by its name: everywhere in objects, in the columns of `dataframe_split`, in the head of a
CSV body. What cannot be searched, because it cannot be read or because its columns have no names, is left out with a
code that says so: a value that should be masked is never kept because nobody found it.
"""

import csv
import hashlib
import io
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from pierhead.gateway.records import InferenceRecord
from pierhead.monitoring.domain.bodies import Unreadable, media_type, read_json, rows_of_request
from pierhead.serving.domain.table_tags import Mask

REQUEST_LEFT_OUT = "REQUEST_NOT_MASKABLE"
RESPONSE_LEFT_OUT = "RESPONSE_NOT_MASKABLE"
ENDPOINT_NOT_KNOWN = "ENDPOINT_NOT_KNOWN"

_DIGEST_BYTES = 16


def without_bodies(record: InferenceRecord) -> InferenceRecord:
    """What may be kept if nobody can say what must be masked."""
    codes = [*record.logging_error_codes, ENDPOINT_NOT_KNOWN]
    return msgspec.structs.replace(record, request=None, response=None, logging_error_codes=codes)


class Masking:
    """`key` is a secret of at most 64 bytes: without it nobody finds short values by trying."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hashed(self, value: object) -> str:
        """32 hex digits; the same for a number and its text, so that labels may write either."""
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES, key=self._key).hexdigest()

    def masked(self, record: InferenceRecord, masks: Mapping[str, Mask]) -> InferenceRecord:
        """The record with both bodies masked or left out."""
        if not masks:
            return record
        request, response, codes = record.request, record.response, list(record.logging_error_codes)
        if request is not None:
            request = self._request(request, record.request_content_type, masks)
            codes += [] if request is not None else [REQUEST_LEFT_OUT]
        if response is not None:
            # What a failed model says may quote its input.
            response = self._json(response, masks) if record.status_code == 200 else None
            codes += [] if response is not None else [RESPONSE_LEFT_OUT]
        return msgspec.structs.replace(record, request=request, response=response, logging_error_codes=codes)

    def _request(self, body: bytes, content_type: str, masks: Mapping[str, Mask]) -> bytes | None:
        try:
            found = rows_of_request(body, content_type)
        except Unreadable:
            return None
        if found.names is None:
            return None
        if media_type(content_type) == "text/csv":
            return self._csv(found.names, found.rows, masks)
        return self._json(body, masks)

    def _json(self, body: bytes, masks: Mapping[str, Mask]) -> bytes | None:
        try:
            return orjson.dumps(self._replaced(read_json(body), masks))
        except (ValueError, TypeError, RecursionError):
            return None

    def _replaced(self, value: Any, masks: Mapping[str, Mask]) -> Any:
        if isinstance(value, list):
            if not any(isinstance(child, list | dict) for child in value):
                return value
            return [self._replaced(child, masks) for child in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
            value = value | {"data": self._split(value["columns"], value["data"], masks)}
        return {
            name: self._value(child, masks[name]) if name in masks else self._replaced(child, masks)
            for name, child in value.items()
        }

    def _split(self, columns: list[Any], rows: list[Any], masks: Mapping[str, Mask]) -> list[Any]:
        hidden = [(at, masks[str(name)]) for at, name in enumerate(columns) if str(name) in masks]
        return [self._row(row, hidden) if isinstance(row, list) else row for row in rows]

    def _row(self, row: list[Any], hidden: list[tuple[int, Mask]]) -> list[Any]:
        masked = list(row)
        for at, mask in hidden:
            if at < len(row):
                masked[at] = self._value(row[at], mask)
        return masked

    def _value(self, value: Any, mask: Mask) -> Any:
        if mask is Mask.DROP or value is None:
            return None
        # The columns of `inputs`.
        return [self._value(child, mask) for child in value] if isinstance(value, list) else self.hashed(value)

    def _csv(self, names: tuple[str, ...], rows: Any, masks: Mapping[str, Mask]) -> bytes:
        hidden = [(at, masks[name]) for at, name in enumerate(names) if name in masks]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(self._row(list(row), hidden) for row in rows)
        return text.getvalue().encode()
