"""The document of Pierhead's own calls, asked of a running platform, and held against what they answer."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.platform import Platform
from pierhead.wiring.own_api.descriptions import Operation, operations

_DOCUMENT = "/api/2.0/pierhead/openapi"
_LISTS = [
    each
    for each in operations()
    if each.method == "GET" and "{" not in each.path and each.media == "application/json" and each.path != _DOCUMENT
]


@pytest.fixture(scope="module")
def document(platform: Platform) -> Any:
    return platform.request("GET", _DOCUMENT).json()


def test_the_document_names_the_address_under_which_it_was_asked_for(document: Any, platform: Platform) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": platform.url}]


def test_without_a_token_there_is_no_document(platform: Platform) -> None:
    assert platform.request("GET", _DOCUMENT, headers={"Authorization": "Bearer none"}).status == 401


@pytest.mark.parametrize("operation", _LISTS, ids=lambda each: each.short_path)
def test_a_list_is_answered_as_it_is_described(operation: Operation, document: Any, platform: Platform) -> None:
    told = document["paths"][operation.path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schema = _closed({**told, "components": document["components"]})

    answer = platform.request("GET", operation.path)

    assert answer.status == 200
    assert [error.message for error in Draft202012Validator(schema).iter_errors(answer.json())] == []


def _closed(schema: Any) -> Any:
    """The same schema, in which an object has no field beside those that are described."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_described = closed.get("type") == "object" and isinstance(closed.get("properties"), dict)
    return closed | {"additionalProperties": False} if is_described else closed
