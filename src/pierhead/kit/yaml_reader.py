"""Reads a YAML document value by value and collects everything that is wrong with it, with path and line."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from math import isfinite
from typing import Any, TypeVar

import yaml

Parsed = TypeVar("Parsed")
Choice = TypeVar("Choice", bound=Enum)
Path = tuple[str | int, ...]

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Document:
    """Line numbers by path, and what was found wrong so far."""

    lines: Mapping[Path, int]
    problems: list[str] = field(default_factory=list)

    def refuse(self, path: Path, message: str) -> None:
        line = next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), 1)
        self.problems.append(f"{_dotted(path) or 'the document'} (line {line}): {message}")


def _dotted(path: Path) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")


@dataclass(frozen=True, slots=True)
class Reader:
    """One value of the document. What cannot be read is refused, and its default is given, so that reading goes on."""

    value: Any
    path: Path
    document: Document

    def refuse(self, message: str) -> None:
        self.document.refuse(self.path, message)

    def entries(self, allowed: Collection[str], required: Collection[str] = ()) -> "Entries":
        """A mapping that has only `allowed` keys, and all that are `required`."""
        found = {}
        for key, child in self.children():
            if key in allowed:
                found[key] = child
            else:
                known = f"allowed are {', '.join(allowed)}" if allowed else "there is nothing to set"
                child.refuse(f"'{key}' means nothing here; {known}")
        for key in required:
            if key not in found:
                self.refuse(f"'{key}' is missing")
        return Entries(found)

    def children(self) -> list[tuple[str, "Reader"]]:
        """A mapping with any keys; an empty one may be left out."""
        if self.value is None:
            return []
        if not isinstance(self.value, dict):
            self.refuse("a mapping is needed, `key: value`")
            return []
        return [(str(key), Reader(each, (*self.path, str(key)), self.document)) for key, each in self.value.items()]

    def items(self) -> list["Reader"]:
        """A list; one value alone counts as a list of one."""
        if self.value is None:
            return []
        values = self.value if isinstance(self.value, list) else [self.value]
        is_list = isinstance(self.value, list)
        return [
            Reader(each, (*self.path, place) if is_list else self.path, self.document)
            for place, each in enumerate(values)
        ]

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse("text is needed")
            return ""
        return self.value.strip()

    def texts(self) -> tuple[str, ...]:
        """A list of texts, not empty."""
        items = self.items()
        if not items:
            self.refuse("at least one text is needed")
        return tuple(item.text() for item in items)

    def number(self) -> float:
        try:
            number = float(self.value)
        except (TypeError, ValueError):
            number = float("nan")
        if isinstance(self.value, bool) or not isfinite(number):
            self.refuse(f"a number is needed, not {self.value!r}")
            return 0.0
        return number

    def count(self, least: int, most: int) -> int:
        text = str(self.value)
        if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
            self.refuse(f"a whole number from {least} to {most} is needed, not {self.value!r}")
            return least
        return int(text)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.refuse(f"true or false is needed, not {self.value!r}")
        return self.value is True

    def duration(self) -> timedelta:
        """`90s`, `30m`, `72h`, `14d` or `2w`, at least a second."""
        match = _DURATION.fullmatch(self.value) if isinstance(self.value, str) else None
        if match is None or int(match[1]) == 0:
            self.refuse(f"a duration is needed, like 30m, 72h or 14d, not {self.value!r}")
            return timedelta(days=1)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})

    def choice(self, kind: type[Choice], among: Collection[Choice] | None = None) -> Choice:
        """A member of `kind` by its value, in any capitalisation."""
        members = list(kind if among is None else among)
        # YAML reads a bare `off` as false.
        text = "off" if self.value is False else str(self.value)
        for member in members:
            if str(member.value).lower() == text.lower():
                return member
        self.refuse(f"{text!r} is none of {', '.join(str(member.value) for member in members)}")
        return members[0]

    def parsed(self, parse: Callable[[str], Parsed]) -> tuple[Parsed, ...]:
        """What `parse` makes of the texts of a list, without those at which it raises ValueError: its words become the
        refusal."""
        found = []
        for item in self.items():
            text = item.text()
            try:
                if text:
                    found.append(parse(text))
            except ValueError as error:
                item.refuse(str(error))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Entries:
    """The values of a mapping by their keys."""

    readers: Mapping[str, Reader]

    def __contains__(self, key: str) -> bool:
        return key in self.readers

    def read(self, key: str, how: Callable[[Reader], Parsed], default: Parsed) -> Parsed:
        """What `how` makes of the value; `default` if the key is not there."""
        return how(self.readers[key]) if key in self.readers else default


def lines_of(raw: bytes) -> tuple[dict[Path, int], list[str]]:
    """The line of every value by its path, and a sentence for each key that is there twice.

    `raw` must have come through `parse_yaml` before.
    """
    lines: dict[Path, int] = {}
    doubles: list[str] = []

    def walk(node: yaml.Node, path: Path, line: int) -> None:
        lines[path] = line
        if isinstance(node, yaml.SequenceNode):
            for place, child in enumerate(node.value):
                walk(child, (*path, place), child.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, child in node.value:
                below = (*path, str(key.value))
                at = key.start_mark.line + 1
                if below in lines:
                    doubles.append(f"{_dotted(below)} (line {at}): it is there twice, first in line {lines[below]}")
                walk(child, below, at)

    root = yaml.compose(raw, Loader=yaml.SafeLoader)
    if root is not None:
        walk(root, (), root.start_mark.line + 1)
    return lines, doubles
