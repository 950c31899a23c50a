from typing import Any

import pytest

from pierhead.identity.api.scim_patches import apply_operations
from pierhead.kit.errors import InvalidArgument

LISTS = frozenset({"members", "entitlements"})
TEXTS = frozenset({"displayName", "active"})
GROUP = {"displayName": "leads", "members": [{"value": "1", "display": "ada"}, {"value": "2", "display": "bob"}]}


def patched(*operations: dict[str, Any]) -> dict[str, Any]:
    return apply_operations(GROUP, list(operations), LISTS, TEXTS)


def members(resource: dict[str, Any]) -> list[str]:
    return [item["value"] for item in resource["members"]]


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "3"}]}, ["1", "2", "3"]),
        ({"op": "Add", "path": "Members", "value": {"value": "3"}}, ["1", "2", "3"]),
        ({"op": "add", "value": {"members": [{"value": "2"}, {"value": "3"}]}}, ["1", "2", "3"]),
        ({"op": "remove", "path": 'members[value eq "1"]'}, ["2"]),
        ({"op": "remove", "path": "members[display eq 'bob']"}, ["1"]),
        ({"op": "remove", "path": 'members[value eq "7"]'}, ["1", "2"]),
        ({"op": "remove", "path": "members", "value": [{"value": "2"}]}, ["1"]),
        ({"op": "remove", "path": "members"}, []),
        ({"op": "replace", "path": "members", "value": [{"value": "2"}]}, ["2"]),
        ({"op": "replace", "value": {"members": ["2"], "unheardOf": 1}}, ["2"]),
    ],
)
def test_an_operation_changes_members_as_scim_says(operation: dict[str, Any], left: list[str]) -> None:
    assert members(patched(operation)) == left


def test_operations_follow_one_another_and_the_resource_itself_stays() -> None:
    changed = patched(
        {"op": "remove", "path": "members"},
        {"op": "add", "path": "members", "value": [{"value": "9"}]},
        {"op": "replace", "path": "displayName", "value": "x"},
    )

    assert (members(changed), changed["displayName"]) == (["9"], "x")
    assert members(GROUP) == ["1", "2"]


@pytest.mark.parametrize(
    ("operation", "fact"),
    [
        ({"op": "move", "path": "members"}, "add, remove or replace"),
        ({"op": "remove"}, "needs a path"),
        ({"op": "add", "value": "x"}, "needs an object"),
        ({"op": "add", "path": "password", "value": "x"}, "'password' is not one of"),
        ({"op": "remove", "path": 'members[value co "1"]'}, "cannot be read"),
        ({"op": "remove", "path": 'displayName[value eq "1"]'}, "cannot be read"),
        ({"op": "add", "path": "members", "value": 7}, "no list"),
    ],
)
def test_an_operation_that_cannot_be_done_is_refused(operation: dict[str, Any], fact: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        patched(operation)
    assert fact in str(refused.value)


@pytest.mark.parametrize("operations", [None, [], "add", ["add"], {"op": "add"}])
def test_operations_are_a_list_of_objects(operations: object) -> None:
    with pytest.raises(InvalidArgument):
        apply_operations(GROUP, operations, LISTS, TEXTS)
