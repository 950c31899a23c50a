"""Every call of Pierhead's own is described, and every description is of a call."""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from starlette.routing import Route

import pierhead
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.wiring.api import api
from pierhead.wiring.own_api import notation
from pierhead.wiring.own_api.descriptions import ROOT, Operation, operations, topics
from pierhead.wiring.own_api.document import document
from pierhead.wiring.own_api.notation import BadDescription, schema_of

DOCUMENT = document(topics(), "http://platform")
BESIDE = {("GET", "/metrics")}
SOURCE = "\n".join(path.read_text() for path in Path(pierhead.__file__).parent.rglob("*.py"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Method and path of every own route, as OpenAPI writes paths."""
    found: set[tuple[str, str]] = set()
    for route in api(Settings(), Home(tmp_path_factory.mktemp("home"))).routes:
        if isinstance(route, Route) and not route.path.endswith("/"):
            path = route.path.replace(":path}", "}")
            found |= {(method, path) for method in (route.methods or set()) - {"HEAD"}}
    return {each for each in found if each[1].startswith(ROOT) or each in BESIDE}


def test_every_own_route_is_described_and_every_description_is_of_a_route(served: set[tuple[str, str]]) -> None:
    described = {(operation.method, operation.path) for operation in operations()}

    assert served - described == set(), "describe these in wiring/own_api/topics"
    assert described - served == set(), "nobody answers these"


def test_no_call_is_described_twice() -> None:
    calls = [(operation.method, operation.path) for operation in operations()]

    assert sorted(set(calls)) == sorted(calls)


def test_the_document_is_openapi_3_1() -> None:
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_every_schema_is_there_once_and_of_use() -> None:
    named = {each.rpartition("/")[2] for each in _references(DOCUMENT)}
    defined = [name for topic in topics() for name in topic.schemas]

    assert sorted(named) == sorted([*defined, "Error"])


@pytest.mark.parametrize("operation", operations(), ids=lambda each: f"{each.method} {each.path}")
def test_a_parameter_that_is_described_is_one_that_the_code_reads(operation: Operation) -> None:
    named = [*operation.path_fields, *operation.query, *operation.headers, *operation.body]

    unknown = [name for name in (each.removesuffix("*") for each in named) if not _is_in_source(name)]
    assert unknown == []


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_a_field_that_is_described_is_one_that_the_code_writes(name: str) -> None:
    fields = DOCUMENT["components"]["schemas"][name]["properties"]

    assert [field for field in fields if not _is_in_source(field)] == []


def test_a_sentence_is_said_of_every_call() -> None:
    assert [each.path for each in operations() if not re.fullmatch(r"[A-Z].*\.", each.summary)] == []


def test_the_examples_of_the_notation_are_so() -> None:
    done = doctest.testmod(notation)

    assert (done.failed, done.attempted > 0) == (0, True)


def test_a_type_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadDescription, match="there is no type 'text'"):
        schema_of("text, some words")


def _is_in_source(name: str) -> bool:
    """As a string, a field of a dataclass or a part of a path."""
    return re.search(rf'["\'{{]{name}["\':}}]|^    {name}: ', SOURCE, re.M | re.I) is not None


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
