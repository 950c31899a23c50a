"""Searches answered by the database, compared with the same searches done by hand."""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from fakes.clock import FixedClock
from pierhead.identity.domain.objects import Readable
from pierhead.kit.db import Database, metadata, sqlite_url
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.models import ModelVersion, Ready, RegisteredModel, VersionDraft
from pierhead.registry.services.models import Models
from pierhead.registry.services.search import Ask, Searches
from pierhead.registry.services.versions import Versions

ADA = Caller("1", "ada", frozenset())

# Letters in both cases, and everything that means something in LIKE or GLOB.
_TEXT = st.text(alphabet="aAbB%_*?[]\\'.-", max_size=4)
_NAMES = st.lists(st.text(alphabet="aAbB%_*?[]\\'.-", min_size=1, max_size=4), min_size=1, max_size=5, unique=True)
_KEYS = st.sampled_from(["k", "K", "other"])
_TAGS = st.dictionaries(_KEYS, _TEXT, max_size=2)


@dataclass(frozen=True)
class Clause:
    """A comparison as text, and as what it means."""

    text: str
    holds: Callable[[RegisteredModel | ModelVersion], bool]


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _like(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    parts = {"%": ".*", "_": "."}
    regex = re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), flags | re.DOTALL)
    return lambda text: regex.fullmatch(text) is not None


_MEANINGS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "=": lambda value: lambda text: text == value,
    "!=": lambda value: lambda text: text != value,
    "LIKE": _like,
    "ILIKE": lambda value: _like(value, re.IGNORECASE),
}


def _name(item: RegisteredModel | ModelVersion) -> str:
    return item.name if isinstance(item, RegisteredModel) else item.model_name


@st.composite
def _name_clause(draw: st.DrawFn) -> Clause:
    operator, value = draw(st.sampled_from(sorted(_MEANINGS))), draw(_TEXT)
    holds = _MEANINGS[operator](value)
    return Clause(f"name {operator} {_quote(value)}", lambda item: holds(_name(item)))


@st.composite
def _tag_clause(draw: st.DrawFn) -> Clause:
    key, operator, value = draw(_KEYS), draw(st.sampled_from(sorted(_MEANINGS))), draw(_TEXT)
    holds = _MEANINGS[operator](value)
    return Clause(f"tags.`{key}` {operator} {_quote(value)}", lambda item: key in item.tags and holds(item.tags[key]))


@st.composite
def _list_clause(draw: st.DrawFn) -> Clause:
    values = draw(st.lists(_TEXT, min_size=1, max_size=3))
    text = "(" + ", ".join(_quote(value) for value in values) + ")"
    if draw(st.booleans()):
        return Clause(f"name IN {text}", lambda item: _name(item) in values)
    return Clause(f"name NOT IN {text}", lambda item: _name(item) not in values)


@st.composite
def _number_clause(draw: st.DrawFn) -> Clause:
    compare = {"=": int.__eq__, "!=": int.__ne__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}
    operator, value = draw(st.sampled_from(sorted(compare))), draw(st.integers(-1, 5))
    return Clause(f"version_number {operator} {value}", lambda item: compare[operator](item.number, value))  # type: ignore[union-attr]


_MODEL_CLAUSES = st.lists(_name_clause() | _tag_clause() | _list_clause(), max_size=3)
_VERSION_CLAUSES = st.lists(_name_clause() | _tag_clause() | _number_clause(), max_size=3)
_MODEL_ORDERS = st.sampled_from(["name", "name DESC", "timestamp", "creation_timestamp DESC", ""])
_VERSION_ORDERS = st.sampled_from(
    ["name", "version_number ASC", "last_updated_timestamp", "creation_timestamp DESC", ""]
)


@contextmanager
def _registry() -> Iterator[Connection]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(folder) / "test.db"))
        metadata.create_all(database.engine)
        with database.transaction() as connection:
            yield connection
        database.dispose()


def _all_models(connection: Connection, ask: Ask) -> list[RegisteredModel]:
    found: list[RegisteredModel] = []
    token: str | None = None
    while True:
        page, token = Searches(connection, Readable(everything=True)).find_models(
            Ask(ask.limit, ask.filter, ask.order_by, token)
        )
        assert len(page) <= ask.limit
        found.extend(page)
        if token is None:
            return found
        assert len(page) == ask.limit


def _all_versions(connection: Connection, ask: Ask) -> list[ModelVersion]:
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page, token = Searches(connection, Readable(everything=True)).find_versions(
            Ask(ask.limit, ask.filter, ask.order_by, token)
        )
        assert len(page) <= ask.limit
        found.extend(page)
        if token is None:
            return found
        assert len(page) == ask.limit


def _filter(clauses: Sequence[Clause]) -> str:
    return " AND ".join(clause.text for clause in clauses)


@settings(max_examples=60, deadline=None)
@given(_NAMES, st.data(), _MODEL_CLAUSES, _MODEL_ORDERS, st.integers(1, 4))
def test_a_search_of_models_finds_each_match_exactly_once(
    names: list[str], data: st.DataObject, clauses: list[Clause], order: str, limit: int
) -> None:
    clock = FixedClock()
    with _registry() as connection:
        models = Models(connection, clock)
        for name in names:
            if name.strip(".") and ".." not in name:
                models.create(name, by="ada", tags=data.draw(_TAGS))
                clock.advance(data.draw(st.sampled_from([0, 1])))

        everything = _all_models(connection, Ask(1000))
        ask = Ask(limit, _filter(clauses), [order] if order else [])
        found = [model.name for model in _all_models(connection, ask)]

        expected = [model.name for model in everything if all(clause.holds(model) for clause in clauses)]
        assert sorted(found) == sorted(expected)
        assert len(set(found)) == len(found)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "A", "b%"]), _TAGS), max_size=8),
    st.data(),
    _VERSION_CLAUSES,
    _VERSION_ORDERS,
    st.integers(1, 4),
)
def test_a_search_of_versions_finds_each_match_exactly_once(
    added: list[tuple[str, dict[str, str]]], data: st.DataObject, clauses: list[Clause], order: str, limit: int
) -> None:
    clock = FixedClock()
    with _registry() as connection:
        for name in ("a", "A", "b%"):
            Models(connection, clock).create(name, by="ada")
        versions = Versions(connection, clock)
        for name, tags in added:
            versions.add(VersionDraft(name, "models:/m-1", tags=tags), Ready("0" * 64), by=ADA)
            clock.advance(data.draw(st.sampled_from([0, 1])))

        everything = _all_versions(connection, Ask(1000))
        ask = Ask(limit, _filter(clauses), [order] if order else [])
        found = [(version.model_name, version.number) for version in _all_versions(connection, ask)]

        matches = [version for version in everything if all(clause.holds(version) for clause in clauses)]
        assert sorted(found) == sorted((version.model_name, version.number) for version in matches)
        assert len(everything) == len(added)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["add", "delete last", "delete first"]), max_size=12))
def test_a_version_number_is_never_given_twice(steps: list[str]) -> None:
    clock = FixedClock()
    with _registry() as connection:
        Models(connection, clock).create("model", by="ada")
        versions = Versions(connection, clock)
        given_numbers: list[int] = []
        alive: list[int] = []
        for step in steps:
            if step == "add":
                number = versions.add(VersionDraft("model", "models:/m-1"), Ready("0" * 64), by=ADA).number
                given_numbers.append(number)
                alive.append(number)
            elif alive:
                versions.delete("model", alive.pop(-1 if step == "delete last" else 0))

        assert given_numbers == list(range(1, len(given_numbers) + 1))
