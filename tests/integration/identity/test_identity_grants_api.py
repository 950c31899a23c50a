"""Unity Catalog's grants through the official SDK."""

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege, PrivilegeAssignment, SecurableType
from rights_world import MODEL, Doors

from pierhead.identity.domain.objects import Action
from pierhead.kit.db import Database


@pytest.fixture
def doors(database: Database) -> Iterator[Doors]:
    with Doors(database).open() as doors:
        yield doors


def give(doors: Doors, type: str, name: str, principal: str, *privileges: Privilege, by: str = "root") -> None:
    doors.sdk(by).grants.update(type, name, changes=[PermissionsChange(principal=principal, add=list(privileges))])


def held(found: list[PrivilegeAssignment] | None) -> dict[str, list[str]]:
    return {one.principal or "": [privilege.value for privilege in one.privileges or []] for one in found or []}


def test_grants_are_given_listed_and_taken_away(doors: Doors) -> None:
    # The SDK has no word for this privilege; its other calls must bear it.
    create = {"principal": "sue", "add": ["CREATE_MODEL_VERSION"]}
    doors.send("PATCH", "/api/2.1/unity-catalog/permissions/schema/main.fraud", {"changes": [create]})
    after = doors.root.grants.update(
        "schema",
        "main.fraud",
        changes=[
            PermissionsChange(principal="sue", add=[Privilege.APPLY_TAG]),
            PermissionsChange(principal=doors.robot_id, add=[Privilege.EXECUTE]),
        ],
    )
    assert held(after.privilege_assignments) == {"sue": ["APPLY_TAG"], doors.robot_id: ["EXECUTE"]}
    with doors.access("sue") as access:
        assert access.may(Action.ADD_VERSION, MODEL)
        assert access.may(Action.TAG, MODEL)
    after = doors.root.grants.update(
        "schema", "main.fraud", changes=[PermissionsChange(principal="sue", remove=[Privilege.APPLY_TAG])]
    )
    assert held(doors.root.grants.get("schema", "main.fraud").privilege_assignments) == held(
        after.privilege_assignments
    )
    with doors.access("sue") as access:
        assert access.may(Action.ADD_VERSION, MODEL)
        assert not access.may(Action.TAG, MODEL)


def test_granting_twice_and_taking_what_is_not_there_do_no_harm(doors: Doors) -> None:
    for _ in range(2):
        give(doors, "catalog", "main", "sue", Privilege.MODIFY)
    doors.root.grants.update("catalog", "main", changes=[PermissionsChange(principal="rea", remove=[Privilege.MODIFY])])
    assert held(doors.root.grants.get("catalog", "main").privilege_assignments) == {"sue": ["MODIFY"]}


def test_a_model_is_known_by_several_types_in_any_case(doors: Doors) -> None:
    for type in ("FUNCTION", "function", "Model", "REGISTERED_MODEL", "registered_model"):
        give(doors, type, "main.fraud.model", "sue", Privilege.APPLY_TAG)
        found = doors.root.grants.get(type, "main.fraud.model")
        assert held(found.privilege_assignments) == {"sue": ["APPLY_TAG"]}
        give(doors, type, "main.fraud.model", "sue", Privilege.EXECUTE)
        doors.root.grants.update(
            type, "main.fraud.model", changes=[PermissionsChange(principal="sue", remove=[Privilege.EXECUTE])]
        )


def test_effective_grants_say_where_they_come_from(doors: Doors) -> None:
    give(doors, "catalog", "main", "sue", Privilege.MODIFY)
    give(doors, "schema", "main.fraud", "sue", Privilege.MODIFY)
    give(doors, "table", "main.fraud.payments", "sue", Privilege.SELECT)
    found = doors.root.grants.get_effective("table", "main.fraud.payments", principal="sue")
    (one,) = found.privilege_assignments or []
    assert [(each.privilege, each.inherited_from_type, each.inherited_from_name) for each in one.privileges or []] == [
        (Privilege.SELECT, None, None),
        (Privilege.MODIFY, SecurableType.SCHEMA, "main.fraud"),
        (Privilege.MODIFY, SecurableType.CATALOG, "main"),
    ]
    everybody = doors.root.grants.get_effective("table", "main.fraud.payments")
    assert {each.principal for each in everybody.privilege_assignments or []} >= {"users", "ml-leads", "sue"}


def test_the_newer_listing_calls_give_the_same_page_by_page(doors: Doors) -> None:
    for name in ("lea", "rea", "sam", "sue"):
        give(doors, "schema", "main.fraud", name, Privilege.APPLY_TAG)
    listed = list(doors.root.grants.list("schema", "main.fraud", page_size=3))
    assert held(listed) == held(doors.root.grants.get("schema", "main.fraud").privilege_assignments)
    assert [one.principal for one in listed] == ["lea", "rea", "sam", "sue"]
    effective = list(doors.root.grants.list_effective("schema", "main.fraud", page_size=2))
    assert [one.principal for one in effective] == sorted({one.principal or "" for one in effective})
    assert {"users", "sue"} <= {one.principal for one in effective}
    first = doors.root.grants.get("schema", "main.fraud", max_results=1)
    assert (list(held(first.privilege_assignments)), first.next_page_token) == (["lea"], "lea")


def test_the_metastore_holds_what_all_catalogs_inherit_and_admins_change_it(doors: Doors) -> None:
    at_first = held(doors.root.grants.get("METASTORE", "any").privilege_assignments)
    assert at_first["users"] == ["EXECUTE", "READ_VOLUME", "SELECT", "USE_CATALOG", "USE_SCHEMA"]
    assert at_first["data-scientists"] == at_first["ml-leads"]
    give(doors, "metastore", "any", "lea", Privilege.MANAGE)
    with pytest.raises(PermissionDenied, match="'lea' may not manage the platform"):
        give(doors, "metastore", "any", "lea", Privilege.CREATE_CATALOG, by="lea")
    give(doors, "catalog", "main", "sue", Privilege.MODIFY, by="lea")


def test_others_see_their_own_grants_alone(doors: Doors) -> None:
    give(doors, "schema", "main.fraud", "sue", Privilege.APPLY_TAG)
    give(doors, "schema", "main.fraud", "rea", Privilege.APPLY_TAG)
    give(doors, "schema", "main.fraud", "data-scientists", Privilege.MODIFY)
    assert held(doors.sdk("sue").grants.get("schema", "main.fraud").privilege_assignments) == {
        "sue": ["APPLY_TAG"],
        "data-scientists": ["MODIFY"],
    }
    assert set(held(doors.sdk("rea").grants.get("metastore", "any").privilege_assignments)) == {"users"}


def test_who_manages_a_securable_changes_its_grants_and_nobody_else(doors: Doors) -> None:
    with pytest.raises(PermissionDenied, match=r"'sue' may not manage schema 'main\.fraud': that takes MANAGE"):
        give(doors, "schema", "main.fraud", "sue", Privilege.MODIFY, by="sue")
    give(doors, "schema", "main.fraud", "sue", Privilege.MANAGE)
    give(doors, "schema", "main.fraud", "rea", Privilege.MODIFY, by="sue")
    give(doors, "table", "main.fraud.payments", "rea", Privilege.MODIFY, by="sue")
    with pytest.raises(PermissionDenied):
        give(doors, "catalog", "main", "rea", Privilege.MODIFY, by="sue")
    # The owner of an object too.
    give(doors, "volume", "main.fraud.images", "rea", Privilege.WRITE_VOLUME, by="sam")


def test_without_the_way_to_a_schema_its_grants_stay_hidden(doors: Doors) -> None:
    doors.root.grants.update(
        "metastore", "any", changes=[PermissionsChange(principal="users", remove=[Privilege.USE_CATALOG])]
    )
    with pytest.raises(PermissionDenied, match="takes USE_CATALOG"):
        doors.sdk("rea").grants.get("schema", "main.fraud")


WRONG_CHANGES: list[tuple[str, str, object, str]] = [
    ("schema", "main.fraud", {"principal": "nobody", "add": ["MODIFY"]}, "'nobody' does not exist"),
    ("schema", "main.fraud", {"principal": "SUE", "add": ["MODIFY"]}, "'SUE' does not exist"),
    ("schema", "main.fraud", {"principal": "sue", "add": ["FLY"]}, "privilege 'FLY' is not known; there are USE_"),
    ("schema", "main.fraud", {"principal": "sue", "add": "MODIFY"}, "must be a list"),
    ("schema", "main.fraud", {"add": ["MODIFY"]}, "needs a 'principal'"),
    (
        "schema",
        "main.fraud",
        {"principal": "sue", "add": ["USE_CATALOG"]},
        "USE_CATALOG has no meaning on a schema",
    ),
    ("function", "main.fraud.model", {"principal": "sue", "add": ["SELECT"]}, "SELECT has no meaning on a model"),
    (
        "share",
        "main",
        {"principal": "sue", "add": ["MODIFY"]},
        "securable type 'share' is not known; there are MET",
    ),
]


def test_what_is_wrong_with_a_change_is_said_and_nothing_changes(doors: Doors) -> None:
    for type, name, change, words in WRONG_CHANGES:
        body = {"changes": [{"principal": "rea", "add": ["APPLY_TAG"]}, change]}
        answer = doors.send("PATCH", f"/api/2.1/unity-catalog/permissions/{type}/{name}", body)
        assert (answer.status, words in answer.json()["message"]) == (400, True), answer.json()
    assert not held(doors.root.grants.get("schema", "main.fraud").privilege_assignments)


def test_sql_s_spelling_of_privileges_is_understood(doors: Doors) -> None:
    body = {"changes": [{"principal": "sue", "add": ["use schema"]}], "omit_permissions_in_response": True}
    assert doors.send("PATCH", "/api/2.1/unity-catalog/permissions/schema/main.fraud", body).json() == {}
    assert held(doors.root.grants.get("schema", "main.fraud").privilege_assignments) == {"sue": ["USE_SCHEMA"]}


def test_unknown_securables_are_not_found_and_a_model_without_a_catalog_is_none(doors: Doors) -> None:
    for type, name in (("catalog", "other"), ("table", "main.fraud.other"), ("function", "churn")):
        with pytest.raises(NotFound, match=f"'{name}' does not exist"):
            doors.root.grants.get(type, name)
    with pytest.raises(InvalidParameterValue, match="'nobody' does not exist"):
        doors.root.grants.get("catalog", "main", principal="nobody")
