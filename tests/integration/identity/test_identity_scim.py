"""SCIM's users, groups and service principals, on SQLite and on Postgres."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from identity_app import IdentityApp, identity_app

from pierhead.kit.db import Database


@pytest.fixture
def app(database: Database) -> Iterator[IdentityApp]:
    with identity_app(database) as app:
        yield app


def test_a_user_is_made_changed_and_found_again(app: IdentityApp) -> None:
    leads = app.group_id("ml-leads")
    body = {"userName": "Ada@x.org", "name": {"givenName": "Ada", "familyName": "L"}, "groups": [{"value": leads}]}
    ada = app.scim("POST", "Users", body | {"externalId": "e1", "entitlements": [{"value": "allow-cluster-create"}]})

    assert (ada["userName"], ada["displayName"], ada["active"]) == ("Ada@x.org", "Ada L", True)
    assert [group["display"] for group in ada["groups"]] == ["ml-leads"]
    assert ada["emails"][0]["value"] == "Ada@x.org"
    assert app.scim("GET", f"Users/{ada['id']}") == ada

    changed = app.scim("PUT", f"Users/{ada['id']}", {"userName": "ada@X.org", "displayName": "A", "active": False})

    assert (changed["userName"], changed["displayName"], changed["active"]) == ("Ada@x.org", "A", False)
    assert (changed["groups"], changed["entitlements"]) == (ada["groups"], [])
    patch = {"Operations": [{"op": "replace", "path": "active", "value": "True"}, {"op": "remove", "path": "groups"}]}
    assert app.scim("PATCH", f"Users/{ada['id']}", patch) == changed | {"active": True, "groups": []}


def test_lists_are_paged_from_one_until_a_page_is_empty(app: IdentityApp) -> None:
    names = [f"u{number}" for number in range(5)]
    for name in names:
        app.scim("POST", "Users", {"userName": name})

    pages = [app.scim("GET", f"Users?startIndex={start}&count=3") for start in (1, 4, 7, 8)]

    assert [[user["userName"] for user in page["Resources"]] for page in pages] == [
        ["admin", "sara", "u0"],
        ["u1", "u2", "u3"],
        ["u4"],
        [],
    ]
    assert {page["totalResults"] for page in pages} == {7}
    assert [(page["startIndex"], page["itemsPerPage"]) for page in pages] == [(1, 3), (4, 3), (7, 1), (8, 0)]
    assert app.scim("GET", "Users?count=0")["totalResults"] == 7
    descending = app.scim("GET", "Users?sortBy=userName&sortOrder=descending&count=2")["Resources"]
    assert [user["userName"] for user in descending] == ["u4", "u3"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('userName eq "ÄDA"', ["äda"]),
        ('displayName co "LOVE"', ["äda"]),
        ('displayName eq "bob"', ["bob"]),
        ('userName ne "bob" and active eq true', ["admin", "sara"]),
        ("active eq false", ["äda"]),
        ('groups.display eq "Admins" or userName sw "bo"', ["admin", "bob"]),
        ('not (externalId pr) and userName ew "b"', ["bob"]),
        ('externalId ne "e1" and not (groups.display pr)', ["bob"]),
        ('userName co "%"', []),
    ],
)
def test_users_are_found_by_filters(app: IdentityApp, text: str, names: list[str]) -> None:
    app.scim("POST", "Users", {"userName": "äda", "displayName": "Lovelace", "externalId": "e1", "active": False})
    app.scim("POST", "Users", {"userName": "bob"})

    found = app.scim("GET", f"Users?filter={quote(text)}")

    assert [user["userName"] for user in found["Resources"]] == names
    assert found["totalResults"] == len(names)


def test_a_filter_that_cannot_be_read_is_refused(app: IdentityApp) -> None:
    status, code, message = app.refusal("GET", f"Users?filter={quote('password eq 1')}")
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert "'password' is not one of userName" in message
    assert app.refusal("GET", "Groups?sortBy=members")[0] == 400


def test_attributes_are_chosen(app: IdentityApp) -> None:
    [user] = app.scim("GET", "Users?attributes=userName,groups.display&filter=userName%20eq%20sara")["Resources"]
    assert user.keys() == {"schemas", "id", "userName", "groups"}
    assert "members" not in app.scim("GET", "Groups?excludedAttributes=members")["Resources"][0]
    assert app.scim("GET", "Me?attributes=userName").keys() == {"schemas", "id", "userName"}


def test_a_group_gets_and_loses_members(app: IdentityApp) -> None:
    sara = app.user_id("sara")
    body = {"displayName": "risk", "members": [{"value": sara}], "entitlements": [{"value": "workspace-access"}]}
    risk = app.scim("POST", "Groups", body)
    path = f"Groups/{risk['id']}"
    assert [(member["display"], member["$ref"]) for member in risk["members"]] == [("sara", f"Users/{sara}")]
    assert app.scim("GET", f"Groups?filter={quote(f'members.value eq {sara}')}")["totalResults"] == 2
    bot = app.scim("POST", "ServicePrincipals", {"displayName": "bot"})

    add = {"Operations": [{"op": "add", "value": {"members": [{"value": bot["id"]}, {"value": sara}]}}]}
    remove = {"Operations": [{"op": "remove", "path": f'members[value eq "{sara}"]'}]}

    assert [member["display"] for member in app.scim("PATCH", path, add)["members"]] == ["bot", "sara"]
    assert [member["display"] for member in app.scim("PATCH", path, remove)["members"]] == ["bot"]
    assert app.scim("PUT", path, {"displayName": "risk"})["members"] == []
    assert "'7'" in app.refusal("PATCH", path, {"Operations": [{"op": "add", "path": "members", "value": "7"}]})[2]
    app.scim("DELETE", path)
    assert app.refusal("GET", path)[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_service_principal_belongs_to_who_made_it_or_to_another_user(app: IdentityApp) -> None:
    app.scim("POST", "Users", {"userName": "ada"})
    bot = app.scim("POST", "ServicePrincipals", {"displayName": "bot"})
    other = app.scim("POST", "ServicePrincipals", {"displayName": "other", "owner": "ada"})

    assert (bot["owner"], other["owner"]) == ("admin", "ada")
    query = quote(f'applicationId eq "{bot["applicationId"]}"')
    assert app.scim("GET", f"ServicePrincipals?filter={query}")["Resources"] == [bot]
    assert app.refusal("GET", f"Users/{bot['id']}")[0] == 404
    give = {"Operations": [{"op": "replace", "path": "owner", "value": "ada"}]}
    assert app.scim("PATCH", f"ServicePrincipals/{bot['id']}", give)["owner"] == "ada"
    assert app.scim("PUT", f"ServicePrincipals/{bot['id']}", {"active": False})["active"] is False
    assert app.refusal("POST", "ServicePrincipals", {"displayName": "x", "owner": "nobody"})[0] == 404
    assert app.refusal("POST", "ServicePrincipals", {"displayName": "x", "owner": "other"})[0] == 404


def test_a_name_is_given_once(app: IdentityApp) -> None:
    app.scim("POST", "Users", {"userName": "ada"})
    bot = app.scim("POST", "ServicePrincipals", {"displayName": "bot"})

    for what, body in (
        ("Users", {"userName": "ADA"}),
        ("Users", {"userName": "bot"}),
        ("Users", {"userName": bot["applicationId"]}),
        ("Users", {"userName": "ml-leads"}),
        ("Users", {"userName": "users"}),
        ("ServicePrincipals", {"displayName": "ada"}),
        ("ServicePrincipals", {"displayName": "y", "applicationId": bot["applicationId"]}),
        ("Groups", {"displayName": "Admins"}),
        ("Groups", {"displayName": "ada"}),
        ("Groups", {"displayName": "users"}),
        ("Groups", {"displayName": "account users"}),
    ):
        assert app.refusal("POST", what, body)[1] == "RESOURCE_ALREADY_EXISTS", (what, body)


def test_a_deleted_name_is_never_given_again_but_brought_back(app: IdentityApp) -> None:
    ada = app.scim("POST", "Users", {"userName": "ada", "groups": [{"value": app.group_id("ml-leads")}]})
    app.scim("DELETE", f"Users/{ada['id']}")

    assert app.refusal("GET", f"Users/{ada['id']}")[0] == 404
    assert app.scim("GET", "Users")["totalResults"] == 2
    status, code, message = app.refusal("POST", "Users", {"userName": "Ada"})
    assert (status, code) == (400, "RESOURCE_ALREADY_EXISTS")
    assert "pierhead users restore ada" in message
    assert app.refusal("POST", "Groups", {"displayName": "ada"})[1] == "RESOURCE_ALREADY_EXISTS"
    with app.identities() as identities:
        restored = identities.accounts.restore("ada", identities.get_user("sara").kind)
    assert (restored.id, restored.is_active, restored.groups) == (ada["id"], True, frozenset())


def test_names_stay_because_records_stand_under_them(app: IdentityApp) -> None:
    sara, scientists = app.user_id("sara"), app.group_id("data-scientists")
    rename = {"Operations": [{"op": "replace", "value": {"displayName": "others"}}]}

    assert "renamed" in app.refusal("PUT", f"Users/{sara}", {"userName": "sarah"})[2]
    assert "renamed" in app.refusal("PATCH", f"Groups/{scientists}", rename)[2]
    assert "built in" in app.refusal("DELETE", f"Groups/{scientists}")[2]


def test_the_last_admin_stays_one(app: IdentityApp) -> None:
    admins, admin, sara = app.group_id("admins"), app.user_id("admin"), app.user_id("sara")
    app.scim("POST", "ServicePrincipals", {"displayName": "bot", "groups": [{"value": admins}]})
    deactivate = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    leave = {"Operations": [{"op": "remove", "path": f'members[value eq "{admin}"]'}]}
    attempts = [
        ("DELETE", f"Users/{admin}", None),
        ("PATCH", f"Users/{admin}", deactivate),
        ("PATCH", f"Users/{admin}", {"Operations": [{"op": "remove", "path": "groups"}]}),
        ("PATCH", f"Groups/{admins}", leave),
        ("PUT", f"Groups/{admins}", {"displayName": "admins"}),
    ]
    for method, path, body in attempts:
        status, code, message = app.refusal(method, path, body)
        assert (status, code) == (400, "INVALID_STATE")
        assert "last active admin" in message

    app.scim("PUT", f"Groups/{admins}", {"members": [{"value": sara}]})

    assert [member["display"] for member in app.scim("GET", f"Groups/{admins}", token=app.sara)["members"]] == ["sara"]
    assert app.refusal("POST", "Users", {"userName": "x"})[1] == "PERMISSION_DENIED"


def test_everybody_reads_and_admins_write(app: IdentityApp) -> None:
    sara, leads = app.user_id("sara"), app.group_id("ml-leads")
    join = {"Operations": [{"op": "add", "path": "members", "value": [{"value": sara}]}]}

    assert app.scim("GET", "Users", token=app.sara)["totalResults"] == 2
    assert app.scim("GET", "Me", token=app.sara)["userName"] == "sara"
    for method, path, body in (
        ("POST", "Users", {"userName": "x"}),
        ("POST", "Groups", {"displayName": "x"}),
        ("POST", "ServicePrincipals", {"displayName": "x"}),
        ("PATCH", f"Groups/{leads}", join),
        ("PUT", f"Groups/{leads}", {"members": [{"value": sara}]}),
        ("PATCH", f"Users/{sara}", {"Operations": [{"op": "add", "path": "groups", "value": leads}]}),
        ("PUT", f"Users/{sara}", {"displayName": "x"}),
        ("DELETE", f"Users/{app.user_id('admin')}", None),
        ("DELETE", f"Groups/{leads}", None),
    ):
        assert app.refusal(method, path, body, token=app.sara)[:2] == (403, "PERMISSION_DENIED"), (method, path)
    assert app.scim("GET", f"Groups/{leads}")["members"] == []


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("Users", {}),
        ("Users", {"userName": ""}),
        ("Users", {"userName": " ada"}),
        ("Users", {"userName": "ada", "active": "perhaps"}),
        ("Users", {"userName": "ada", "entitlements": [{"value": "two words"}]}),
        ("Users", {"userName": "ada", "roles": [{"value": "arn:x"}]}),
        ("Users", {"userName": "ada", "displayName": ["x"]}),
        ("ServicePrincipals", {"displayName": "x", "applicationId": "me"}),
        ("Groups", {"displayName": "x", "members": [{"value": "7"}]}),
        ("Groups", {"displayName": "x", "members": 7}),
        ("Groups", {"displayName": "x", "groups": [{"value": "7"}]}),
    ],
)
def test_what_makes_no_sense_is_refused(app: IdentityApp, what: str, body: dict[str, object]) -> None:
    assert app.refusal("POST", what, body)[:2] == (400, "INVALID_PARAMETER_VALUE")
