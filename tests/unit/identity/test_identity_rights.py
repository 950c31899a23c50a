"""Who may do what: every level, every privilege, every way to inherit, written out as tables."""

import pytest

from pierhead.identity.domain.grantees import Grantee, GranteeType, Who, group
from pierhead.identity.domain.levels import ROOT, Entry, Level
from pierhead.identity.domain.objects import (
    EVERYTHING,
    Action,
    Asset,
    Catalog,
    Endpoint,
    Experiment,
    Kind,
    Model,
    New,
    Platform,
    Readable,
    Schema,
    Target,
)
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege, Securable, SecurableType
from pierhead.identity.domain.rights import Facts, allowed, readable

ANN = Who("1", "ann")
ANN_HERSELF = Grantee(GranteeType.USER, "1")
BOB_HIMSELF = Grantee(GranteeType.USER, "2")
ROBOT = Who("3", "robot")
LEADS = group("ml-leads")
ADMIN = Who("9", "root", frozenset({"admins"}))

MODEL = Model("m1", "main.fraud.model", "bob", "main", "fraud")
SHORT_MODEL = Model("m2", "churn", "bob")
ENDPOINT = Endpoint("e1", "fraud", "bob")
EXPERIMENT = Experiment("7", "bob")
CATALOG = Catalog("main")
SCHEMA = Schema("main", "fraud")
TABLE = Asset(Kind.TABLE, "main", "fraud", "payments", "bob")
VOLUME = Asset(Kind.VOLUME, "main", "fraud", "images", "bob")
EXISTING: tuple[Target, ...] = (
    Platform(),
    MODEL,
    SHORT_MODEL,
    ENDPOINT,
    EXPERIMENT,
    CATALOG,
    SCHEMA,
    TABLE,
    VOLUME,
)
NEW: tuple[New, ...] = (
    New(Kind.CATALOG, "second", Platform()),
    New(Kind.SCHEMA, "main.second", CATALOG),
    New(Kind.MODEL, "main.fraud.second", SCHEMA),
    New(Kind.MODEL, "second", Platform()),
    New(Kind.TABLE, "main.fraud.second", SCHEMA),
    New(Kind.VOLUME, "main.fraud.second", SCHEMA),
    New(Kind.EXPERIMENT, "second", Platform()),
    New(Kind.ENDPOINT, "second", Platform()),
)

_METASTORE = METASTORE
_CATALOG = Securable(SecurableType.CATALOG, "main")
_SCHEMA = Securable(SecurableType.SCHEMA, "main.fraud")
_MODEL = Securable(SecurableType.MODEL, "m1")
_TABLE = Securable(SecurableType.TABLE, "main.fraud.payments")
_VOLUME = Securable(SecurableType.VOLUME, "main.fraud.images")

USE = (Privilege.USE_CATALOG, Privilege.USE_SCHEMA)


def entries(kind: Kind, object_id: str, level: Level, grantee: Grantee = ANN_HERSELF) -> Facts:
    return Facts(entries=[Entry(kind, object_id, grantee, level)])


def grants(*given: tuple[Securable, Privilege], grantee: Grantee = ANN_HERSELF, use: bool = True) -> Facts:
    """Also the way to everything, unless `use` is False."""
    way = [Grant(METASTORE, grantee, privilege) for privilege in USE] if use else []
    return Facts(grants=[*way, *(Grant(securable, grantee, privilege) for securable, privilege in given)])


def named(actions: frozenset[Action]) -> str:
    """The actions as words, in the order of the enum."""
    return "everything" if actions == EVERYTHING else " ".join(each.name for each in Action if each in actions)


# --- levels

LEVELS = {
    (Kind.MODEL, Level.CAN_READ): "READ",
    (Kind.MODEL, Level.CAN_EDIT): "READ ADD_VERSION TAG EDIT",
    (Kind.MODEL, Level.CAN_MANAGE_STAGING_VERSIONS): "READ ADD_VERSION TAG EDIT MOVE_TO_STAGING",
    (Kind.MODEL, Level.CAN_MANAGE_PRODUCTION_VERSIONS): "READ ADD_VERSION TAG EDIT MOVE_TO_STAGING MOVE_TO_PRODUCTION",
    (Kind.MODEL, Level.CAN_MANAGE): "everything",
    (Kind.ENDPOINT, Level.CAN_VIEW): "READ",
    (Kind.ENDPOINT, Level.CAN_QUERY): "READ QUERY",
    (Kind.ENDPOINT, Level.CAN_MANAGE): "everything",
    (Kind.EXPERIMENT, Level.CAN_READ): "READ",
    (Kind.EXPERIMENT, Level.CAN_EDIT): "READ WRITE TAG EDIT",
    (Kind.EXPERIMENT, Level.CAN_MANAGE): "everything",
}
"""All other pairs allow nothing."""

LISTED = {Kind.MODEL: SHORT_MODEL, Kind.ENDPOINT: ENDPOINT, Kind.EXPERIMENT: EXPERIMENT}


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("kind", LISTED)
def test_a_level_on_an_object_allows_what_the_table_says(kind: Kind, level: Level) -> None:
    facts = entries(kind, LISTED[kind].id, level)
    assert named(allowed(ANN, LISTED[kind], facts)) == LEVELS.get((kind, level), "")


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("kind", LISTED)
def test_a_level_on_the_root_is_inherited_by_every_object_of_the_kind(kind: Kind, level: Level) -> None:
    assert named(allowed(ANN, LISTED[kind], entries(kind, ROOT, level))) == LEVELS.get((kind, level), "")


@pytest.mark.parametrize("kind", LISTED)
def test_a_level_on_another_object_or_kind_allows_nothing(kind: Kind) -> None:
    others = [Entry(other, LISTED[kind].id, ANN_HERSELF, Level.CAN_MANAGE) for other in LISTED if other is not kind]
    facts = Facts(entries=[*others, Entry(kind, "another", ANN_HERSELF, Level.CAN_MANAGE)])
    assert not allowed(ANN, LISTED[kind], facts)


def test_levels_from_several_sides_add_up_to_the_highest() -> None:
    facts = Facts(
        entries=[
            Entry(Kind.MODEL, ROOT, group("users"), Level.CAN_READ),
            Entry(Kind.MODEL, "m2", LEADS, Level.CAN_MANAGE_STAGING_VERSIONS),
            Entry(Kind.MODEL, "m2", ANN_HERSELF, Level.CAN_EDIT),
        ]
    )
    lead = Who("1", "ann", frozenset({"ml-leads"}))
    assert named(allowed(lead, SHORT_MODEL, facts)) == LEVELS[Kind.MODEL, Level.CAN_MANAGE_STAGING_VERSIONS]


# --- privileges

PRIVILEGES: dict[tuple[Target, Privilege], str] = {
    (CATALOG, Privilege.USE_CATALOG): "READ",
    (CATALOG, Privilege.BROWSE): "READ",
    (CATALOG, Privilege.APPLY_TAG): "TAG",
    (CATALOG, Privilege.MANAGE): "everything",
    (CATALOG, Privilege.ALL_PRIVILEGES): "READ TAG",
    (SCHEMA, Privilege.USE_SCHEMA): "READ",
    (SCHEMA, Privilege.BROWSE): "READ",
    (SCHEMA, Privilege.APPLY_TAG): "TAG",
    (SCHEMA, Privilege.MANAGE): "everything",
    (SCHEMA, Privilege.ALL_PRIVILEGES): "READ TAG",
    (MODEL, Privilege.EXECUTE): "READ",
    (MODEL, Privilege.CREATE_MODEL_VERSION): "ADD_VERSION",
    (MODEL, Privilege.APPLY_TAG): "TAG",
    (MODEL, Privilege.MANAGE): "everything",
    (MODEL, Privilege.ALL_PRIVILEGES): "READ ADD_VERSION TAG",
    (TABLE, Privilege.SELECT): "READ",
    (TABLE, Privilege.MODIFY): "WRITE",
    (TABLE, Privilege.APPLY_TAG): "TAG",
    (TABLE, Privilege.MANAGE): "everything",
    (TABLE, Privilege.ALL_PRIVILEGES): "READ WRITE TAG",
    (VOLUME, Privilege.READ_VOLUME): "READ",
    (VOLUME, Privilege.WRITE_VOLUME): "WRITE",
    (VOLUME, Privilege.APPLY_TAG): "TAG",
    (VOLUME, Privilege.MANAGE): "everything",
    (VOLUME, Privilege.ALL_PRIVILEGES): "READ WRITE TAG",
}
"""What a privilege adds on an object for somebody who holds the way to it and nothing else; others add nothing."""

WAYS = {
    CATALOG: (),
    SCHEMA: (Privilege.USE_CATALOG,),
    MODEL: USE,
    TABLE: USE,
    VOLUME: USE,
}
LINES = {
    CATALOG: (_METASTORE, _CATALOG),
    SCHEMA: (_METASTORE, _CATALOG, _SCHEMA),
    MODEL: (_METASTORE, _CATALOG, _SCHEMA, _MODEL),
    TABLE: (_METASTORE, _CATALOG, _SCHEMA, _TABLE),
    VOLUME: (_METASTORE, _CATALOG, _SCHEMA, _VOLUME),
}
MEANINGLESS = {
    SecurableType.METASTORE: set[Privilege](),
    SecurableType.CATALOG: {Privilege.CREATE_CATALOG},
    SecurableType.SCHEMA: {Privilege.CREATE_CATALOG, Privilege.CREATE_SCHEMA, Privilege.USE_CATALOG},
}
CASES = [(target, place, privilege) for target, line in LINES.items() for place in line for privilege in Privilege]


@pytest.mark.parametrize(("target", "place", "privilege"), CASES)
def test_a_privilege_on_an_object_or_above_it_allows_what_the_table_says(
    target: Target, place: Securable, privilege: Privilege
) -> None:
    facts = grants(*((METASTORE, use) for use in WAYS[target]), (place, privilege), use=False)
    expected = PRIVILEGES.get((target, privilege), "")
    if privilege in MEANINGLESS.get(place.type, set()):
        expected = ""
    assert named(allowed(ANN, target, facts)) == expected


@pytest.mark.parametrize(("target", "place", "privilege"), [case for case in CASES if WAYS[case[0]]])
def test_without_the_way_to_an_object_no_privilege_on_it_helps(
    target: Target, place: Securable, privilege: Privilege
) -> None:
    facts = grants((place, privilege), use=False)
    brings_the_way = privilege is Privilege.ALL_PRIVILEGES and place in (_METASTORE, _CATALOG)
    assert bool(allowed(ANN, target, facts)) == brings_the_way


@pytest.mark.parametrize(
    ("held", "may_read"),
    [
        ((), False),
        (((_METASTORE, Privilege.USE_CATALOG),), False),
        (((_METASTORE, Privilege.USE_CATALOG), (_CATALOG, Privilege.USE_SCHEMA)), False),
        (((_METASTORE, Privilege.USE_CATALOG), (_MODEL, Privilege.EXECUTE)), False),
        (((_CATALOG, Privilege.USE_SCHEMA), (_MODEL, Privilege.EXECUTE)), False),
        (((_CATALOG, Privilege.USE_CATALOG), (_SCHEMA, Privilege.USE_SCHEMA), (_MODEL, Privilege.EXECUTE)), True),
        (((_CATALOG, Privilege.USE_CATALOG), (_SCHEMA, Privilege.USE_SCHEMA), (_SCHEMA, Privilege.EXECUTE)), True),
        (((_CATALOG, Privilege.USE_CATALOG), (_CATALOG, Privilege.USE_SCHEMA), (_CATALOG, Privilege.EXECUTE)), True),
        (
            (
                (_METASTORE, Privilege.USE_CATALOG),
                (_METASTORE, Privilege.USE_SCHEMA),
                (_METASTORE, Privilege.EXECUTE),
            ),
            True,
        ),
        # A key to a schema opens no catalog, whoever wrote such a row.
        (((_SCHEMA, Privilege.USE_CATALOG), (_SCHEMA, Privilege.USE_SCHEMA), (_MODEL, Privilege.EXECUTE)), False),
    ],
)
def test_reading_a_model_through_grants_takes_catalog_schema_and_execute(
    held: tuple[tuple[Securable, Privilege], ...], may_read: bool
) -> None:
    assert (Action.READ in allowed(ANN, MODEL, grants(*held, use=False))) == may_read


@pytest.mark.parametrize(
    "elsewhere",
    [
        Securable(SecurableType.CATALOG, "Main"),
        Securable(SecurableType.CATALOG, "mai"),
        Securable(SecurableType.SCHEMA, "main.fraud2"),
        Securable(SecurableType.SCHEMA, "main.Fraud"),
        Securable(SecurableType.MODEL, "m2"),
        Securable(SecurableType.TABLE, "m1"),
    ],
)
def test_privileges_elsewhere_allow_nothing_and_case_matters(elsewhere: Securable) -> None:
    assert not allowed(ANN, MODEL, grants((elsewhere, Privilege.MANAGE)))


def test_grants_are_not_for_models_outside_of_catalogs_nor_for_endpoints_and_experiments() -> None:
    everything = grants((METASTORE, Privilege.ALL_PRIVILEGES), (METASTORE, Privilege.MANAGE))
    for target in (SHORT_MODEL, ENDPOINT, EXPERIMENT, Platform()):
        assert not allowed(ANN, target, everything)


def test_a_model_in_a_catalog_has_what_levels_and_grants_give_together() -> None:
    facts = Facts(
        entries=[Entry(Kind.MODEL, "m1", ANN_HERSELF, Level.CAN_READ)],
        grants=grants((_SCHEMA, Privilege.CREATE_MODEL_VERSION)).grants,
    )
    assert named(allowed(ANN, MODEL, facts)) == "READ ADD_VERSION"


# --- owners, admins, groups

OWN = {
    Model("m1", "main.fraud.model", "ann", "main", "fraud"),
    Model("m2", "churn", "ann"),
    Endpoint("e1", "fraud", "ann"),
    Experiment("7", "ann"),
    Asset(Kind.TABLE, "main", "fraud", "payments", "ann"),
    Asset(Kind.VOLUME, "main", "fraud", "images", "ann"),
}


@pytest.mark.parametrize("target", sorted(OWN, key=repr))
def test_owners_may_do_everything_with_what_is_theirs(target: Target) -> None:
    assert allowed(ANN, target, Facts()) == EVERYTHING


@pytest.mark.parametrize(
    ("place", "owned"),
    [
        (_CATALOG, {CATALOG, SCHEMA, MODEL, TABLE, VOLUME}),
        (_SCHEMA, {SCHEMA, MODEL, TABLE, VOLUME}),
        (Securable(SecurableType.CATALOG, "other"), set()),
        (Securable(SecurableType.SCHEMA, "other.fraud"), set()),
    ],
)
@pytest.mark.parametrize("owner", [ANN_HERSELF, LEADS])
def test_owners_of_a_place_may_do_everything_inside(place: Securable, owned: set[Target], owner: Grantee) -> None:
    who = Who("1", "ann", frozenset({"ml-leads"}))
    facts = Facts(owners={place: owner})
    assert {target for target in EXISTING if allowed(who, target, facts) == EVERYTHING} == owned
    assert {target for target in EXISTING if allowed(who, target, facts)} == owned
    assert not any(allowed(ROBOT, target, facts) for target in EXISTING)


def test_owners_of_a_place_may_make_things_inside() -> None:
    facts = Facts(owners={_SCHEMA: ANN_HERSELF})
    made = {new.kind for new in NEW if new.within == SCHEMA and allowed(ANN, new, facts)}
    assert made == {Kind.MODEL, Kind.TABLE, Kind.VOLUME}
    assert not any(allowed(ANN, new, facts) for new in NEW if new.within != SCHEMA)


@pytest.mark.parametrize("target", EXISTING)
def test_admins_may_do_everything(target: Target) -> None:
    assert allowed(ADMIN, target, Facts()) == EVERYTHING


@pytest.mark.parametrize("new", NEW)
def test_admins_may_make_everything(new: New) -> None:
    assert allowed(ADMIN, new, Facts()) == {Action.CREATE}


def test_only_admins_may_do_anything_to_the_platform() -> None:
    everything = Facts(
        entries=[Entry(kind, ROOT, group("users"), Level.CAN_MANAGE) for kind in LISTED],
        grants=[Grant(METASTORE, group("users"), privilege) for privilege in Privilege],
        owners={METASTORE: group("users")},
    )
    assert not allowed(ANN, Platform(), everything)


@pytest.mark.parametrize("everybody", ["users", "account users"])
@pytest.mark.parametrize("who", [ANN, ROBOT])
def test_everybody_is_in_the_implicit_groups_service_principals_too(who: Who, everybody: str) -> None:
    facts = entries(Kind.ENDPOINT, ROOT, Level.CAN_QUERY, group(everybody))
    assert named(allowed(who, ENDPOINT, facts)) == "READ QUERY"
    facts = grants((METASTORE, Privilege.EXECUTE), grantee=group(everybody))
    assert named(allowed(who, MODEL, facts)) == "READ"


def test_a_service_principal_has_its_own_rights_and_not_those_of_others() -> None:
    its_own = entries(Kind.MODEL, "m2", Level.CAN_EDIT, Grantee(GranteeType.SERVICE_PRINCIPAL, "3"))
    assert Action.EDIT in allowed(ROBOT, SHORT_MODEL, its_own)
    assert not allowed(ANN, SHORT_MODEL, its_own)
    assert not allowed(ROBOT, SHORT_MODEL, entries(Kind.MODEL, "m2", Level.CAN_EDIT, ANN_HERSELF))


def test_what_a_group_holds_is_for_its_members_alone() -> None:
    facts = entries(Kind.MODEL, "m2", Level.CAN_EDIT, LEADS)
    assert not allowed(ANN, SHORT_MODEL, facts)
    assert allowed(Who("1", "ann", frozenset({"ml-leads"})), SHORT_MODEL, facts)
    # A user that is called like a group is not that group, nor does its id make it one.
    assert not allowed(Who("ml-leads", "ml-leads"), SHORT_MODEL, facts)


@pytest.mark.parametrize("target", [*EXISTING, *NEW, Experiment("0", None), Model("m3", "x", "")])
@pytest.mark.parametrize("who", [ANN, ROBOT, Who("", "")])
def test_nobody_may_do_anything_without_a_row(who: Who, target: Target) -> None:
    assert allowed(who, target, Facts()) == frozenset()


# --- making things

CREATES = {
    (Kind.CATALOG, Platform()): (METASTORE, (), Privilege.CREATE_CATALOG),
    (Kind.SCHEMA, CATALOG): (_CATALOG, (Privilege.USE_CATALOG,), Privilege.CREATE_SCHEMA),
    (Kind.MODEL, SCHEMA): (_SCHEMA, USE, Privilege.CREATE_MODEL),
    (Kind.MODEL, Platform()): (METASTORE, (), Privilege.CREATE_MODEL),
    (Kind.TABLE, SCHEMA): (_SCHEMA, USE, Privilege.CREATE_TABLE),
    (Kind.VOLUME, SCHEMA): (_SCHEMA, USE, Privilege.CREATE_VOLUME),
}


@pytest.mark.parametrize("privilege", Privilege)
@pytest.mark.parametrize(("kind", "within"), CREATES)
def test_making_something_takes_its_privilege_on_the_place(
    kind: Kind, within: Platform | Catalog | Schema, privilege: Privilege
) -> None:
    place, way, needed = CREATES[kind, within]
    facts = grants(*((METASTORE, use) for use in way), (place, privilege), use=False)
    expected = privilege in {needed, Privilege.MANAGE, Privilege.ALL_PRIVILEGES}
    assert bool(allowed(ANN, New(kind, "second", within), facts)) == expected


@pytest.mark.parametrize(("kind", "within"), [pair for pair, (_, way, _) in CREATES.items() if way])
def test_making_something_takes_the_way_into_the_place(kind: Kind, within: Catalog | Schema) -> None:
    place, _, needed = CREATES[kind, within]
    assert not allowed(ANN, New(kind, "second", within), grants((place, needed), use=False))


@pytest.mark.parametrize("kind", [Kind.EXPERIMENT, Kind.ENDPOINT])
def test_making_experiments_and_endpoints_takes_the_entitlement(kind: Kind) -> None:
    new = New(kind, "second", Platform())
    entitled = Who("1", "ann", entitlements=frozenset({"workspace-access"}))
    assert allowed(entitled, new, Facts()) == {Action.CREATE}
    everything = Facts(
        entries=[Entry(kind, ROOT, ANN_HERSELF, Level.CAN_MANAGE)],
        grants=[Grant(METASTORE, ANN_HERSELF, privilege) for privilege in Privilege],
    )
    assert not allowed(ANN, new, everything)


# --- lists


def test_a_right_to_read_the_root_makes_everything_readable() -> None:
    assert readable(ANN, Kind.MODEL, entries(Kind.MODEL, ROOT, Level.CAN_READ)) == Readable(everything=True)
    assert readable(ADMIN, Kind.TABLE, Facts()) == Readable(everything=True)


def test_readable_objects_are_named_by_owner_id_and_place() -> None:
    facts = Facts(
        entries=[Entry(Kind.MODEL, "m9", ANN_HERSELF, Level.CAN_READ)],
        grants=[
            Grant(METASTORE, ANN_HERSELF, Privilege.USE_CATALOG),
            Grant(_SCHEMA, ANN_HERSELF, Privilege.USE_SCHEMA),
            Grant(_SCHEMA, ANN_HERSELF, Privilege.EXECUTE),
            Grant(Securable(SecurableType.MODEL, "m5"), ANN_HERSELF, Privilege.EXECUTE, "main.fraud"),
            Grant(Securable(SecurableType.MODEL, "m6"), ANN_HERSELF, Privilege.EXECUTE, "main.closed"),
        ],
        owners={Securable(SecurableType.CATALOG, "hers"): ANN_HERSELF},
    )
    assert readable(ANN, Kind.MODEL, facts) == Readable(
        everything=False,
        owners=frozenset({"ann"}),
        ids=frozenset({"m5", "m9"}),
        catalogs=frozenset({"hers"}),
        schemas=frozenset({("main", "fraud")}),
    )
