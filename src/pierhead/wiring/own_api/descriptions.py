"""What each of Pierhead's own calls does, takes and answers, as the files of `topics` say it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from pierhead.wiring.own_api.notation import BadDescription

ROOT = "/api/2.0/pierhead/"
"""In front of every path that does not begin with a slash."""

Fields = dict[str, str]
"""By name, with a `*` behind it if it is required: type and words, as in `notation`."""

_KEYS = frozenset(
    (
        "call",
        "summary",
        "note",
        "right",
        "public",
        "path",
        "query",
        "headers",
        "body",
        "takes",
        "answer",
        "media",
        "errors",
    )
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call. `body` and `answer` are fields of JSON objects; `media` is the type of an answer that is none.

    `takes` are types of body beside JSON; `errors` are classes of `kit.errors` and when they come.
    """

    method: str
    path: str
    summary: str
    note: str
    right: str
    is_public: bool
    path_fields: Fields
    query: Fields
    headers: Fields
    body: Fields
    takes: Sequence[str]
    answer: Fields
    media: str
    errors: Mapping[str, str]

    @property
    def short_path(self) -> str:
        return self.path.removeprefix(ROOT)


@dataclass(frozen=True, slots=True)
class Topic:
    """Calls that belong together, and the schemas that they name."""

    title: str
    operations: Sequence[Operation]
    schemas: Mapping[str, Fields]


@cache
def topics() -> tuple[Topic, ...]:
    """Every topic, in the order of their files. Raises BadDescription."""
    folder = files("pierhead.wiring.own_api") / "topics"
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    return tuple(_topic(each.name, yaml.safe_load(each.read_text(encoding="utf-8"))) for each in found)


def operations() -> list[Operation]:
    return [operation for topic in topics() for operation in topic.operations]


def _topic(file: str, given: dict[str, Any]) -> Topic:
    if unknown := given.keys() - {"title", "path", "calls", "schemas"}:
        raise BadDescription(f"{file}: nobody reads {sorted(unknown)}")
    shared = given.get("path", {})
    return Topic(given["title"], [_operation(each, shared) for each in given["calls"]], given.get("schemas", {}))


def _operation(given: dict[str, Any], shared: Fields) -> Operation:
    method, _, path = given["call"].partition(" ")
    if unknown := given.keys() - _KEYS:
        raise BadDescription(f"{given['call']}: nobody reads {sorted(unknown)}")
    known = {**shared, **given.get("path", {})}
    names = re.findall(r"{(\w+)}", path)
    if missing := set(names) - known.keys():
        raise BadDescription(f"{given['call']}: says nothing of {sorted(missing)}")
    return Operation(
        method=method,
        path=path if path.startswith("/") else ROOT + path,
        summary=given["summary"],
        note=given.get("note", ""),
        right=given["right"],
        is_public=given.get("public", False),
        path_fields={name: known[name] for name in names},
        query=given.get("query", {}),
        headers=given.get("headers", {}),
        body=given.get("body", {}),
        takes=given.get("takes", []),
        answer=given.get("answer", {}),
        media=given.get("media", "application/json"),
        errors=given.get("errors", {}),
    )
