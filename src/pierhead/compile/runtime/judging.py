"""A closer look at bodies that are not plain: some of them MLflow refuses for sure, the others are for the original.

Slow and careful; the rules are those of MLflow's scoring server since 2.9 and of pandas since 1.0.
"""

import json
from collections.abc import Sequence
from typing import Any

from pierhead.compile.domain.artifact import ArtifactSpec
from pierhead.compile.runtime.declining import Declined
from pierhead.compile.runtime.forms import FORMATS
from pierhead.worker.scoring import Answer, refusal

_LLM_KEYS = ("messages", "prompt", "input")
_SPLIT_KEYS = {"columns", "data", "index"}

# The event loop stands still meanwhile.
_LARGEST_JUDGED_BYTES = 256 * 1024

# What NumPy and pandas may take for a number or for a missing one.
_NUMBERLIKE_WORDS = {"", "nan", "inf", "infinity", "none", "null", "na", "n/a", "<na>", "nat", "true", "false"}


class _Refused(Exception):
    """MLflow answers 400 to this; the message says why."""


class _Unknown(Exception):
    """Who knows; the message names what is unusual."""


class Judge:
    """Judges requests of one version."""

    def __init__(self, spec: ArtifactSpec) -> None:
        self._is_tensor = spec.is_tensor
        self._width = len(spec.columns)
        self._kinds = {column.name: column.kind for column in spec.columns if column.name is not None}
        self._required = [column.name for column in spec.columns if column.required and column.name is not None]

    def judge(self, body: bytes) -> Answer | Declined:
        """A refusal with status 400, or Declined."""
        if len(body) > _LARGEST_JUDGED_BYTES:
            return Declined("a large body that is not plain")
        try:
            self._look_at(_parsed(body))
        except _Refused as refused:
            return refusal(400, "BAD_REQUEST", str(refused))
        except _Unknown as unknown:
            return Declined(str(unknown))
        return Declined("values that are not plain")

    def _look_at(self, fields: dict[str, Any]) -> None:
        if any(key in fields for key in _LLM_KEYS):
            raise _Unknown("a request to a language model")
        found = [key for key in FORMATS if key in fields]
        if len(found) != 1:
            raise _Refused(
                f"The input must be a JSON dictionary with exactly one of the input fields {sorted(FORMATS)}. "
                f"Received dictionary with input fields: {_shown(fields)}."
            )
        if "params" in fields:
            raise _Unknown("params")
        [key] = found
        content = fields[key]
        if key == "dataframe_split":
            self._look_at_split(content)
        elif key == "dataframe_records":
            self._look_at_records(content)
        elif self._is_tensor:
            self._look_at_tensor(content)
        elif key == "inputs" and isinstance(content, dict):
            self._look_at_columns(content)
        else:
            self._look_at_instances(content)

    def _look_at_split(self, content: Any) -> None:
        if not isinstance(content, dict):
            raise _Refused(f"Dataframe split format must be a dictionary. Got {_type_of(content)}.")
        if "data" not in content or content.keys() - _SPLIT_KEYS:
            raise _Refused(
                "Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. "
                f"Got {_shown(content)}."
            )
        names, rows = content.get("columns"), content["data"]
        if not _is_table(rows) or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise _Unknown("a dataframe_split of an unusual shape")
        widest = max(map(len, rows))
        if widest != len(names):
            raise _Refused(
                "Provided dataframe_split field is not a valid dataframe representation in 'split' format. "
                f"Error: '{len(names)} columns passed, passed data had {widest} columns'"
            )
        self._look_for_columns(names)
        # pandas fills short rows up with nulls, and repeats a single row for every entry of an index.
        if len(set(names)) != len(names) or any(len(row) != widest for row in rows) or "index" in content:
            raise _Unknown("a dataframe_split of an unusual shape")
        for at, name in enumerate(names):
            self._look_at_words(name, [row[at] for row in rows])

    def _look_at_records(self, content: Any) -> None:
        if not isinstance(content, list):
            raise _Refused(f"Dataframe records format must be a list of records. Got {_type_of(content)}.")
        if not content or not all(isinstance(record, dict) for record in content):
            raise _Unknown("dataframe_records of an unusual shape")
        self._look_at_rows(content)

    def _look_at_instances(self, content: Any) -> None:
        if _is_table_of_numbers(content) and len(self._kinds) > 1 and self._required:
            raise _Refused(f"Model is missing inputs {self._required}.")
        if not isinstance(content, list) or not content or not all(isinstance(row, dict) for row in content):
            raise _Unknown("rows of an unusual shape")
        self._look_at_rows(content)

    def _look_at_rows(self, records: list[dict[str, Any]]) -> None:
        self._look_for_columns({name for record in records for name in record})
        for name in self._kinds:
            self._look_at_words(name, [record[name] for record in records if name in record])

    def _look_at_columns(self, content: dict[str, Any]) -> None:
        self._look_for_columns(content)
        for name in self._kinds.keys() & content.keys():
            values = content[name]
            self._look_at_words(name, values if isinstance(values, list) else [values])

    def _look_at_tensor(self, content: Any) -> None:
        if not _is_table_of_numbers(content):
            raise _Unknown("a tensor of an unusual shape")
        widths = {len(row) for row in content}
        if widths != {self._width}:
            raise _Refused(
                f"Shape of input does not match expected shape (-1, {self._width}): "
                f"rows have {sorted(widths)[:5]} values."
            )

    def _look_for_columns(self, names: Any) -> None:
        if self._is_tensor:
            raise _Unknown("a dataframe for a tensor")
        missing = [name for name in self._required if name not in names]
        if missing:
            raise _Refused(f"Model is missing inputs {missing}.")

    def _look_at_words(self, name: str, values: list[Any]) -> None:
        kind = self._kinds.get(name)
        if kind not in ("double", "float", "long", "integer"):
            return
        if any(isinstance(value, str) and _is_no_number(value) for value in values):
            raise _Refused(
                f"Data is not compatible with model signature. Failed to convert column {name} to type '{kind}': "
                "a string that is no number"
            )


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except RecursionError as error:
        raise _Unknown("deep nesting") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        # The bytes themselves are the caller's business.
        words = str(error) if isinstance(error, json.JSONDecodeError) else f"byte {error.start} is not UTF-8"
        raise _Refused(f"Ensure that input is a valid JSON formatted string. Error: {words}") from error
    except ValueError as error:
        raise _Unknown("a number of thousands of digits") from error
    if not isinstance(fields, dict):
        raise _Refused(
            f"The input must be a JSON dictionary with exactly one of the input fields {sorted(FORMATS)}. "
            f"Received a {_type_of(fields)}."
        )
    return fields


def _is_table(rows: Any) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, list) for row in rows)


def _is_table_of_numbers(rows: Any) -> bool:
    return _is_table(rows) and all(isinstance(value, int | float) for row in rows for value in row)


def _is_no_number(word: str) -> bool:
    plain = word.strip().lstrip("+-").lower()
    return plain.isascii() and plain not in _NUMBERLIKE_WORDS and not any(sign.isdigit() for sign in plain)


def _type_of(value: Any) -> str:
    return {"dict": "dictionary", "str": "string", "NoneType": "null"}.get(type(value).__name__, type(value).__name__)


def _shown(fields: Sequence[str] | dict[str, Any]) -> str:
    return str([key[:40] for key in fields][:10])
