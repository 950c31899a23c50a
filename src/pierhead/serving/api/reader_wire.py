"""Reads a JSON request and collects everything that is wrong with it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pierhead.kit.errors import InvalidArgument, NotImplementedYet

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class Reader:
    """One request. `finish` raises if anything was found."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.not_yet: list[str] = []

    def open(
        self, value: object, where: str, known: Iterable[str], not_yet: Mapping[str, str] | None = None
    ) -> "Fields":
        """The fields of a JSON object; those not in `known` are refused, those in `not_yet` for the reason given."""
        reasons = not_yet or {}
        if not isinstance(value, Mapping):
            self.problems.append(f"{where} must be an object, not {_kind(value)}")
            value = {}
        allowed = (*known, *reasons)
        unknown = [key for key in value if key not in allowed]
        if unknown:
            self.problems.append(f"{where} has unknown fields: {', '.join(sorted(unknown))}")
        self.not_yet += [f"{where}.{key}: {reason}" for key, reason in reasons.items() if value.get(key)]
        return Fields(self, value, where)

    def finish(self) -> None:
        """Raises InvalidArgument with all problems, or NotImplementedYet with all that is not implemented."""
        if self.problems:
            raise InvalidArgument("; ".join(self.problems))
        if self.not_yet:
            raise NotImplementedYet("; ".join(self.not_yet))


class Fields:
    """The fields of one JSON object; null counts as left out, a wrong type as a problem."""

    def __init__(self, reader: Reader, values: Mapping[str, Any], where: str) -> None:
        self._reader = reader
        self._values = values
        self.where = where

    def find(self, key: str) -> Any:
        return self._values.get(key)

    def text(self, key: str) -> str | None:
        """A string; a number counts, as clients write versions either way."""
        value = self.find(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is None or isinstance(value, str):
            return value
        self._wrong(key, "a string", value)
        return None

    def required_text(self, key: str) -> str:
        value = self.text(key)
        if not value:
            self._reader.problems.append(f"{self.where} needs a {key}")
        return value or ""

    def flag(self, key: str) -> bool | None:
        value = self.find(key)
        if value is None or isinstance(value, bool):
            return value
        self._wrong(key, "true or false", value)
        return None

    def integer(self, key: str) -> int | None:
        """A whole number of up to 18 digits, as a number or as a string."""
        value = self.find(key)
        if value is None:
            return None
        if isinstance(value, int | str) and not isinstance(value, bool) and _WHOLE_NUMBER.fullmatch(str(value)):
            return int(value)
        self._wrong(key, "a whole number of up to 18 digits", value)
        return None

    def items(self, key: str) -> list[Any]:
        """A list; empty if it is left out."""
        value = self.find(key)
        if value is None or isinstance(value, list):
            return value or []
        self._wrong(key, "a list", value)
        return []

    def texts(self, key: str) -> dict[str, str] | None:
        """An object whose values are strings."""
        value = self.find(key)
        if value is None:
            return None
        if isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values()):
            return dict(value)
        self._wrong(key, "an object of strings", value)
        return None

    def _wrong(self, key: str, wanted: str, value: object) -> None:
        self._reader.problems.append(f"{self.where}.{key} must be {wanted}, not {_kind(value)}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
