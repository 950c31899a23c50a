"""Rights as the database knows them: what a new platform starts with, and how rows change it."""

import pytest
from rights_world import CATALOG, ENDPOINT, EXPERIMENT, MODEL, SCHEMA, SHORT_MODEL, TABLE, VOLUME, World
from sqlalchemy import event

from pierhead.identity.domain.grantees import Grantee, GranteeType, group
from pierhead.identity.domain.levels import ROOT, Entry, Level
from pierhead.identity.domain.objects import (
    Action,
    Endpoint,
    Experiment,
    Kind,
    Model,
    New,
    Platform,
    Readable,
    Target,
)
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege, Securable, SecurableType
from pierhead.identity.domain.querying import Queryable
from pierhead.identity.services.accounts import Identities
from pierhead.identity.services.grantees import Grantees
from pierhead.identity.services.place_owners import PlaceOwners
from pierhead.identity.services.query_rights import who_may_query
from pierhead.identity.store.grants import GrantStore
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.web.caller import PrincipalKind


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def may(world: World, name: str, target: Target) -> str:
    """What this one may do, as words."""
    with world.access(name) as access:
        found = access.allowed(target)
    return "everything" if found == frozenset(Action) else " ".join(each.name for each in Action if each in found)


NEW_MODEL = New(Kind.MODEL, "main.fraud.second", SCHEMA)

AT_FIRST: dict[str, dict[Target, str]] = {
    "rea": {
        MODEL: "READ",
        SHORT_MODEL: "READ",
        ENDPOINT: "READ",
        EXPERIMENT: "READ",
        Experiment("0", None): "READ",
        CATALOG: "READ",
        SCHEMA: "READ",
        TABLE: "READ",
        VOLUME: "READ",
        Platform(): "",
        New(Kind.CATALOG, "c", Platform()): "",
        New(Kind.SCHEMA, "main.s", CATALOG): "",
        NEW_MODEL: "",
        New(Kind.MODEL, "short", Platform()): "",
        New(Kind.TABLE, "main.fraud.t", SCHEMA): "",
        New(Kind.VOLUME, "main.fraud.v", SCHEMA): "",
        New(Kind.EXPERIMENT, "/e", Platform()): "",
        New(Kind.ENDPOINT, "e", Platform()): "",
    },
    "sue": {
        MODEL: "READ",
        SHORT_MODEL: "READ",
        ENDPOINT: "READ QUERY",
        EXPERIMENT: "READ",
        Experiment("0", None): "READ WRITE TAG EDIT",
        CATALOG: "READ",
        SCHEMA: "READ",
        TABLE: "READ",
        VOLUME: "READ",
        Platform(): "",
        New(Kind.CATALOG, "c", Platform()): "CREATE",
        New(Kind.SCHEMA, "main.s", CATALOG): "CREATE",
        NEW_MODEL: "CREATE",
        New(Kind.MODEL, "short", Platform()): "CREATE",
        New(Kind.TABLE, "main.fraud.t", SCHEMA): "CREATE",
        New(Kind.VOLUME, "main.fraud.v", SCHEMA): "CREATE",
        New(Kind.EXPERIMENT, "/e", Platform()): "CREATE",
        New(Kind.ENDPOINT, "e", Platform()): "CREATE",
    },
    "lea": {
        MODEL: "READ ADD_VERSION TAG EDIT MOVE_TO_STAGING MOVE_TO_PRODUCTION",
        SHORT_MODEL: "READ ADD_VERSION TAG EDIT MOVE_TO_STAGING MOVE_TO_PRODUCTION",
        ENDPOINT: "everything",
        EXPERIMENT: "READ",
        SCHEMA: "READ",
        TABLE: "READ",
        Platform(): "",
        NEW_MODEL: "CREATE",
        New(Kind.ENDPOINT, "e", Platform()): "CREATE",
    },
    "sam": {
        MODEL: "everything",
        SHORT_MODEL: "everything",
        ENDPOINT: "everything",
        EXPERIMENT: "everything",
        TABLE: "everything",
        VOLUME: "everything",
        SCHEMA: "READ",
        Platform(): "",
    },
    "robot": {MODEL: "READ", ENDPOINT: "READ", EXPERIMENT: "READ", NEW_MODEL: "", Platform(): ""},
    "root": {MODEL: "everything", ENDPOINT: "everything", SCHEMA: "everything", Platform(): "everything"},
}


@pytest.mark.parametrize("name", AT_FIRST)
def test_a_new_platform_starts_with_these_rights(world: World, name: str) -> None:
    assert {target: may(world, name, target) for target in AT_FIRST[name]} == AT_FIRST[name]


def test_what_an_admin_took_away_does_not_come_back_at_the_next_start(world: World) -> None:
    with world.database.transaction() as connection:
        PermissionStore(connection).clear(Kind.MODEL, ROOT)
        GrantStore(connection).remove([Grant(METASTORE, group("users"), Privilege.EXECUTE)])
        Identities(connection, world.clock).set_up()
    assert may(world, "rea", MODEL) == ""
    assert may(world, "sue", SHORT_MODEL) == ""


def test_a_service_principal_has_what_its_groups_have_and_not_what_its_owner_has(world: World) -> None:
    with world.database.transaction() as connection:
        identities = Identities(connection, world.clock)
        identities.accounts.join(identities.accounts.get("robot"), "data-scientists")
    assert may(world, "robot", ENDPOINT) == "READ QUERY"
    assert may(world, "robot", NEW_MODEL) == "CREATE"
    assert may(world, "robot", SHORT_MODEL) == "READ"


def test_a_refusal_names_who_what_which_object_and_who_can_help(world: World) -> None:
    with world.access("sue") as access, pytest.raises(PermissionDenied) as refused:
        access.require(Action.MANAGE, ENDPOINT)
    assert refused.value.message == (
        "user 'sue' may not manage serving endpoint 'fraud': that takes CAN_MANAGE on it; its owner 'sam' or an admin "
        'can give it with w.permissions.update("serving-endpoints", "e1", ...)'
    )
    with world.access("robot") as access, pytest.raises(PermissionDenied, match=r"^service principal 'robot' may not"):
        access.require(Action.QUERY, ENDPOINT)


def test_a_refusal_says_nothing_of_an_object_that_may_not_be_read(world: World) -> None:
    with world.database.transaction() as connection:
        PermissionStore(connection).clear(Kind.ENDPOINT, ROOT)
    with world.access("sue") as access, pytest.raises(PermissionDenied) as refused:
        access.require(Action.READ, ENDPOINT)
    assert "sam" not in refused.value.message
    assert "e1" not in refused.value.message


def test_only_what_is_missing_is_asked_for(world: World) -> None:
    with world.access("rea") as access, pytest.raises(PermissionDenied, match=r"takes CREATE_MODEL on schema"):
        access.require(Action.CREATE, NEW_MODEL)
    with world.database.transaction() as connection:
        GrantStore(connection).remove([Grant(METASTORE, group("users"), Privilege.USE_SCHEMA)])
    with (
        world.access("rea") as access,
        pytest.raises(PermissionDenied, match=r"takes USE_SCHEMA and CREATE_MODEL on schema 'main\.fraud'"),
    ):
        access.require(Action.CREATE, NEW_MODEL)


def test_lists_are_filtered_by_what_the_caller_may_read(world: World) -> None:
    with world.access("rea") as access:
        assert access.readable(Kind.MODEL) == Readable(everything=True)
        assert access.readable(Kind.TABLE).every_catalog
    with world.database.transaction() as connection:
        PermissionStore(connection).clear(Kind.MODEL, ROOT)
        GrantStore(connection).remove([Grant(METASTORE, group("users"), Privilege.EXECUTE)])
        PermissionStore(connection).put(
            [Entry(Kind.MODEL, "m5", Grantee(GranteeType.USER, world.ids["rea"]), Level.CAN_READ)]
        )
        GrantStore(connection).add(
            [Grant(Securable(SecurableType.SCHEMA, "main.fraud"), group("users"), Privilege.EXECUTE)]
        )
    with world.access("rea") as access:
        assert access.readable(Kind.MODEL) == Readable(
            everything=False,
            owners=frozenset({"rea"}),
            ids=frozenset({"m5"}),
            schemas=frozenset({("main", "fraud")}),
        )


def test_many_questions_take_few_queries(world: World) -> None:
    asked: list[str] = []

    @event.listens_for(world.database.engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    caller = world.caller("sue")
    with world.access("sue") as access:
        asked.clear()
        assert caller.user_name == "sue"
        for number in range(300):
            place = f"schema{number % 7}"
            access.may(Action.READ, Model(f"m{number}", f"main.{place}.model{number}", "bob", "main", place))
            access.may(Action.READ, Endpoint(f"e{number}", f"endpoint{number}", "bob"))
    assert len(asked) <= 8


def test_owners_of_schemas_and_catalogs_are_found_renamed_and_forgotten(world: World) -> None:
    with world.database.transaction() as connection:
        owners = PlaceOwners(connection)
        owners.set_owner(SecurableType.CATALOG, "main", "lea")
        owners.set_owner(SecurableType.SCHEMA, "main.fraud", "sue")
        GrantStore(connection).add(
            [
                Grant(Securable(SecurableType.TABLE, "main.fraud.t"), group("users"), Privilege.MODIFY, "main.fraud"),
                Grant(Securable(SecurableType.MODEL, "m5"), group("users"), Privilege.EXECUTE, "main.fraud"),
                Grant(Securable(SecurableType.SCHEMA, "mainly.fraud"), group("users"), Privilege.MODIFY),
            ]
        )
    assert may(world, "sue", SCHEMA) == "everything"
    assert may(world, "sue", MODEL) == "everything"
    assert may(world, "sue", CATALOG) == "READ"

    with world.database.transaction() as connection:
        owners = PlaceOwners(connection)
        owners.rename(SecurableType.CATALOG, "main", "prod")
        owners.rename(SecurableType.SCHEMA, "prod.fraud", "prod.risk")
    assert may(world, "sue", SCHEMA) == "READ"
    with world.database.reading() as connection:
        owners = PlaceOwners(connection)
        assert owners.find_owner(SecurableType.CATALOG, "prod") == "lea"
        assert owners.find_owner(SecurableType.CATALOG, "main") is None
        assert owners.list_owners(SecurableType.SCHEMA, ["prod.risk", "prod.other"]) == {"prod.risk": "sue"}
        found = GrantStore(connection).list_for([group("users")], None)
        moved = {grant.securable.id: grant.place for grant in found if grant.securable != METASTORE}
        assert moved == {"prod.risk.t": "prod.risk", "m5": "prod.risk", "mainly.fraud": ""}

    with world.database.transaction() as connection:
        owners = PlaceOwners(connection)
        owners.forget(SecurableType.CATALOG, "prod")
        assert owners.find_owner(SecurableType.SCHEMA, "prod.risk") is None
        found = GrantStore(connection).list_for([group("users")], None)
        assert {grant.securable.id for grant in found} - {METASTORE.id} == {"m5", "mainly.fraud"}


def test_nobody_owns_what_was_given_to_nobody(world: World) -> None:
    with world.database.transaction() as connection:
        owners = PlaceOwners(connection)
        owners.set_owner(SecurableType.CATALOG, "main", "lea")
        owners.set_owner(SecurableType.CATALOG, "main", "")
        assert owners.find_owner(SecurableType.CATALOG, "main") is None
        with pytest.raises(InvalidArgument, match="'nobody' does not exist"):
            owners.set_owner(SecurableType.CATALOG, "main", "nobody")


def test_a_catalog_can_belong_to_a_group(world: World) -> None:
    with world.database.transaction() as connection:
        PlaceOwners(connection).set_owner(SecurableType.CATALOG, "main", "ml-leads")
        assert PlaceOwners(connection).find_owner(SecurableType.CATALOG, "main") == "ml-leads"
    assert may(world, "lea", TABLE) == "everything"
    assert may(world, "rea", TABLE) == "READ"


def test_rights_of_one_who_is_no_more_are_gone(world: World) -> None:
    sue = Grantee(GranteeType.USER, world.ids["sue"])
    with world.database.transaction() as connection:
        PermissionStore(connection).put([Entry(Kind.ENDPOINT, "e1", sue, Level.CAN_MANAGE)])
        GrantStore(connection).add([Grant(METASTORE, sue, Privilege.MANAGE)])
        PlaceOwners(connection).set_owner(SecurableType.CATALOG, "main", "sue")
    assert may(world, "sue", ENDPOINT) == "everything"
    with world.database.transaction() as connection:
        Grantees(connection).forget(sue)
    assert may(world, "sue", ENDPOINT) == "READ QUERY"
    assert may(world, "sue", CATALOG) == "READ"


def test_gateways_are_told_who_may_query(world: World) -> None:
    other = Endpoint("e2", "other", "robot")
    with world.database.transaction() as connection:
        PermissionStore(connection).put(
            [Entry(Kind.ENDPOINT, "e2", Grantee(GranteeType.USER, world.ids["rea"]), Level.CAN_QUERY)]
        )
    with world.database.reading() as connection:
        told = who_may_query(connection, [ENDPOINT, other])
    groups = frozenset({"admins", "ml-leads", "data-scientists"})
    assert told == {
        "e1": Queryable(everybody=False, principal_ids=frozenset({world.ids["sam"]}), groups=groups),
        "e2": Queryable(
            everybody=False, principal_ids=frozenset({world.ids["robot"], world.ids["rea"]}), groups=groups
        ),
    }


def test_an_endpoint_that_users_may_query_is_for_everybody(world: World) -> None:
    with world.database.transaction() as connection:
        PermissionStore(connection).put([Entry(Kind.ENDPOINT, "e1", group("account users"), Level.CAN_QUERY)])
    with world.database.reading() as connection:
        assert who_may_query(connection, [ENDPOINT])["e1"].everybody


def test_a_group_that_is_made_again_has_none_of_its_old_rights(world: World) -> None:
    with world.database.transaction() as connection:
        groups = Identities(connection, world.clock).groups
        first = groups.create("auditors", member_ids=[world.ids["rea"]])
        PermissionStore(connection).put([Entry(Kind.ENDPOINT, "e1", group("auditors"), Level.CAN_MANAGE)])
    assert may(world, "rea", ENDPOINT) == "everything"
    with world.database.transaction() as connection:
        groups = Identities(connection, world.clock).groups
        groups.delete(first)
        groups.create("auditors", member_ids=[world.ids["rea"]])
    assert may(world, "rea", ENDPOINT) == "READ"


def test_an_account_that_comes_back_has_none_of_its_old_rights(world: World) -> None:
    robot = Grantee(GranteeType.SERVICE_PRINCIPAL, world.ids["robot"])
    with world.database.transaction() as connection:
        accounts = Identities(connection, world.clock).accounts
        PermissionStore(connection).put([Entry(Kind.ENDPOINT, "e1", robot, Level.CAN_MANAGE)])
        accounts.delete(accounts.get("robot"))
        back = accounts.restore("robot", PrincipalKind.SERVICE_PRINCIPAL)
        world.tokens["robot"] = Identities(connection, world.clock).create_token(back, "again")
    assert may(world, "robot", ENDPOINT) == "READ"
