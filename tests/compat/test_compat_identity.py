from typing import Any

import pytest

from harness.platform import Platform


@pytest.fixture(scope="module")
def seen(platform: Platform) -> Any:
    return platform.run_client("identity.py")


def test_users_are_made_found_and_changed(seen: Any) -> None:
    assert seen["me"] == ["admin", ["admins"], True]
    assert seen["created"] == ["ada@compat.org", "Ada", True, ["x-right"]]
    assert seen["found"] == ["ada@compat.org"]
    assert seen["pages"]
    assert seen["unreadable"][0] == "InvalidParameterValue"
    assert seen["updated"] == ["A.", False]


def test_groups_get_and_lose_members(seen: Any) -> None:
    assert (seen["joined"], seen["members"], seen["left"]) == (["ml-leads"], ["ada@compat.org"], [])
    assert seen["emptied"] == []
    assert seen["group gone"] == "ResourceDoesNotExist"
    assert "built in" in seen["built in"][1]


def test_a_service_principal_acts_with_a_token_made_for_it(seen: Any) -> None:
    assert seen["managed"]
    assert seen["program"] == ["compat-ci", ["ml-leads"]]
    assert seen["not an admin"][0] == "PermissionDenied"
    assert seen["reads"]
    assert seen["program gone"] == []


def test_tokens_are_listed_commented_and_ended(seen: Any) -> None:
    assert seen["tokens"] == ["ci", "mine"]
    assert (seen["get token"], seen["listed token"]) == ("ci", True)
    assert (seen["deleted token"], seen["revoked"]) == ("Unauthenticated", "Unauthenticated")


def test_what_must_not_happen_is_refused_in_words(seen: Any) -> None:
    assert seen["user gone"] == "ResourceDoesNotExist"
    assert seen["name taken"][0] == "ResourceAlreadyExists"
    assert "pierhead users restore ada@compat.org" in seen["name taken"][1]
    assert seen["last admin"][0] == "InvalidState"
    assert "last active admin" in seen["last admin"][1]
