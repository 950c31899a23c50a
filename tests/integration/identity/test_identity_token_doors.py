"""Tokens through the API: one's own, and those of service principals."""

from collections.abc import Iterator
from typing import Any

import pytest
from identity_app import IdentityApp, identity_app

from pierhead.kit.db import Database

OWN = "/api/2.0/token"
MANAGED = "/api/2.0/token-management"


@pytest.fixture
def app(database: Database) -> Iterator[IdentityApp]:
    with identity_app(database) as app:
        yield app


def call(app: IdentityApp, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
    answer = app.call(method, path, body, token=token)
    assert answer.status == 200, answer.text
    return answer.json()


def me(app: IdentityApp, token: str) -> int:
    return app.call("GET", "/api/2.0/preview/scim/v2/Me", token=token).status


def comments(answer: Any) -> list[str]:
    return [info["comment"] for info in answer["token_infos"]]


def test_a_token_is_shown_once_and_ends_when_it_should(app: IdentityApp) -> None:
    made = call(app, "POST", f"{OWN}/create", {"comment": "ci", "lifetime_seconds": 60}, token=app.sara)
    value, info = made["token_value"], made["token_info"]

    assert info["expiry_time"] - info["creation_time"] == 60_000
    assert me(app, value) == 200
    listed = call(app, "GET", f"{OWN}/list", token=app.sara)
    assert comments(listed) == ["sara's", "ci"] or comments(listed) == ["ci", "sara's"]
    assert value not in str(listed)
    app.clock.advance(60)
    assert me(app, value) == 401
    assert info in call(app, "GET", f"{OWN}/list", token=app.sara)["token_infos"]


def test_a_deleted_token_never_works_again(app: IdentityApp) -> None:
    made = call(app, "POST", f"{OWN}/create", {}, token=app.sara)
    assert made["token_info"]["expiry_time"] == -1

    call(app, "POST", f"{OWN}/delete", {"token_id": made["token_info"]["token_id"]}, token=app.sara)

    assert me(app, made["token_value"]) == 401
    again = app.refusal("POST", f"{OWN}/delete", {"token_id": made["token_info"]["token_id"]}, token=app.sara)
    assert again[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_others_tokens_are_neither_seen_nor_touched(app: IdentityApp) -> None:
    [mine] = call(app, "GET", f"{OWN}/list")["token_infos"]
    token_id = mine["token_id"]

    assert comments(call(app, "GET", f"{OWN}/list", token=app.sara)) == ["sara's"]
    assert comments(call(app, "GET", f"{MANAGED}/tokens", token=app.sara)) == ["sara's"]
    for method, path, body in (
        ("POST", f"{OWN}/delete", {"token_id": token_id}),
        ("PATCH", f"{OWN}/{token_id}", {"token": {"comment": "x"}, "update_mask": "comment"}),
        ("GET", f"{MANAGED}/tokens/{token_id}", None),
        ("DELETE", f"{MANAGED}/tokens/{token_id}", None),
        ("PATCH", f"{MANAGED}/tokens/{token_id}", {"token": {"comment": "x"}}),
    ):
        assert app.refusal(method, path, body, token=app.sara)[0] == 404, path
    assert me(app, app.admin) == 200


def test_an_admin_manages_everybodys_tokens(app: IdentityApp) -> None:
    found = call(app, "GET", f"{MANAGED}/tokens?created_by_username=sara")["token_infos"]
    assert call(app, "GET", f"{MANAGED}/tokens?created_by_id={app.user_id('sara')}")["token_infos"] == found
    [info] = found
    assert (info["owner_id"], info["created_by_username"]) == (int(app.user_id("sara")), "sara")
    path = f"{MANAGED}/tokens/{info['token_id']}"
    assert call(app, "GET", path) == {"token_info": info}

    assert call(app, "PATCH", path, {"token": {"comment": "lost"}, "update_mask": "comment"})["comment"] == "lost"
    # An admin's own list is of their own tokens alone.
    assert app.refusal("POST", f"{OWN}/delete", {"token_id": info["token_id"]})[0] == 404
    call(app, "DELETE", path)

    assert me(app, app.sara) == 401


def test_a_service_principal_gets_tokens_from_its_owner_and_from_admins_alone(app: IdentityApp) -> None:
    bot = app.scim("POST", "ServicePrincipals", {"displayName": "bot", "owner": "sara"})
    with app.identities() as identities:
        bob = identities.create_token(identities.create_user("bob"), "bob's")
    body = {"application_id": bot["applicationId"], "comment": "nightly", "lifetime_seconds": 60}

    made = call(app, "POST", f"{MANAGED}/on-behalf-of/tokens", body, token=app.sara)

    assert call(app, "POST", f"{MANAGED}/on-behalf-of/tokens", body)["token_value"] != made["token_value"]
    assert app.scim("GET", "Me", token=made["token_value"])["userName"] == "bot"
    status, code, message = app.refusal("POST", f"{MANAGED}/on-behalf-of/tokens", body, token=bob)
    assert (status, code) == (403, "PERMISSION_DENIED")
    assert "only its owner 'sara' and admins" in message
    assert comments(call(app, "GET", f"{MANAGED}/tokens", token=app.sara)).count("nightly") == 2
    call(app, "DELETE", f"{MANAGED}/tokens/{made['token_info']['token_id']}", token=app.sara)
    assert me(app, made["token_value"]) == 401
    unknown = app.refusal("POST", f"{MANAGED}/on-behalf-of/tokens", {"application_id": "sara"})
    assert unknown[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize(
    "body",
    [
        {"lifetime_seconds": 0},
        {"lifetime_seconds": -1},
        {"lifetime_seconds": "soon"},
        {"lifetime_seconds": 10**11},
        {"lifetime_seconds": 10**30},
        {"comment": "x" * 2000},
        {"scopes": ["sql"]},
    ],
)
def test_a_token_that_cannot_be_is_refused(app: IdentityApp, body: dict[str, object]) -> None:
    assert app.refusal("POST", f"{OWN}/create", body, token=app.sara)[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_only_the_comment_of_a_token_changes(app: IdentityApp) -> None:
    [info] = call(app, "GET", f"{OWN}/list", token=app.sara)["token_infos"]
    path = f"{OWN}/{info['token_id']}"

    call(app, "PATCH", path, {"token": {"comment": "laptop"}, "update_mask": "comment"}, token=app.sara)

    assert comments(call(app, "GET", f"{OWN}/list", token=app.sara)) == ["laptop"]
    assert app.refusal("PATCH", path, {"token": {"scopes": []}, "update_mask": "scopes"}, token=app.sara)[0] == 400
