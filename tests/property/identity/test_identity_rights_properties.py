"""What holds of rights whatever the rows are."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from pierhead.identity.domain.grantees import Grantee, GranteeType, Who, group
from pierhead.identity.domain.levels import ROOT, Entry, Level
from pierhead.identity.domain.objects import (
    Action,
    Asset,
    Catalog,
    Endpoint,
    Experiment,
    Kind,
    Model,
    New,
    Platform,
    Schema,
    Target,
    kind_of,
)
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege, Securable, SecurableType
from pierhead.identity.domain.querying import queryable
from pierhead.identity.domain.refusals import refusal
from pierhead.identity.domain.rights import Facts, allowed, readable

PLACES = [("main", "fraud"), ("main", "churn"), ("dev", "fraud")]
MODELS = [
    Model(f"m-{catalog}-{schema}", f"{catalog}.{schema}.model", owner, catalog, schema)
    for (catalog, schema), owner in zip(PLACES, ("ann", "bob", ""), strict=True)
]
TARGETS: list[Target] = [
    Platform(),
    *MODELS,
    Model("m0", "short", "bob"),
    Endpoint("e0", "one", "ann"),
    Endpoint("e1", "two", "bob"),
    Experiment("0", None),
    Experiment("1", "bob"),
    *(Catalog(name) for name in ("main", "dev")),
    *(Schema(*place) for place in PLACES),
    *(Asset(kind, *place, "thing", "bob") for kind in (Kind.TABLE, Kind.VOLUME) for place in PLACES),
    New(Kind.CATALOG, "new", Platform()),
    New(Kind.SCHEMA, "main.new", Catalog("main")),
    *(New(kind, "main.fraud.new", Schema("main", "fraud")) for kind in (Kind.MODEL, Kind.TABLE, Kind.VOLUME)),
    *(New(kind, "new", Platform()) for kind in (Kind.MODEL, Kind.EXPERIMENT, Kind.ENDPOINT)),
]

grantees = st.sampled_from(
    [
        Grantee(GranteeType.USER, "1"),
        Grantee(GranteeType.USER, "2"),
        Grantee(GranteeType.SERVICE_PRINCIPAL, "3"),
        *map(group, ("users", "account users", "ml-leads", "data-scientists")),
    ]
)
people = st.builds(
    lambda one, groups, entitlements: Who(*one, groups, entitlements),
    st.sampled_from([("1", "ann"), ("2", "bob"), ("3", "robot"), ("4", "eve")]),
    st.frozensets(st.sampled_from(["ml-leads", "data-scientists"])),
    st.frozensets(st.just("workspace-access")),
)
levels = st.builds(
    Entry,
    st.sampled_from([Kind.MODEL, Kind.ENDPOINT, Kind.EXPERIMENT]),
    st.sampled_from([ROOT, "m0", "m-main-fraud", "e0", "e1", "0", "1"]),
    grantees,
    st.sampled_from(Level),
)
SECURABLES = [
    (METASTORE, ""),
    *((Securable(SecurableType.CATALOG, name), "") for name in ("main", "dev")),
    *((Securable(SecurableType.SCHEMA, ".".join(place)), "") for place in PLACES),
    *((Securable(SecurableType.MODEL, model.id), f"{model.catalog}.{model.schema}") for model in MODELS),
    *(
        (Securable(type, ".".join((*place, "thing"))), ".".join(place))
        for type, place in product((SecurableType.TABLE, SecurableType.VOLUME), PLACES)
    ),
]
grants = st.builds(
    lambda where, grantee, privilege: Grant(where[0], grantee, privilege, where[1]),
    st.sampled_from(SECURABLES),
    grantees,
    # Mostly keys: without them little is allowed, and little would be tested.
    st.one_of(st.sampled_from(Privilege), st.sampled_from([Privilege.USE_CATALOG, Privilege.USE_SCHEMA])),
)
owners = st.dictionaries(st.sampled_from([securable for securable, _ in SECURABLES[1:6]]), grantees, max_size=2)
facts = st.builds(Facts, st.lists(levels, max_size=6), st.lists(grants, max_size=12), owners)
targets = st.sampled_from(TARGETS)


@given(people, targets, facts, facts)
def test_more_rows_never_allow_less(who: Who, target: Target, some: Facts, others: Facts) -> None:
    more = Facts([*some.entries, *others.entries], [*some.grants, *others.grants], {**others.owners, **some.owners})
    assert allowed(who, target, some) <= allowed(who, target, more)


@given(people, targets, facts, st.sampled_from(["ml-leads", "data-scientists", "admins"]))
def test_joining_a_group_never_takes_a_right_away(who: Who, target: Target, given_facts: Facts, joined: str) -> None:
    member = Who(who.id, who.name, who.groups | {joined}, who.entitlements)
    assert allowed(who, target, given_facts) <= allowed(member, target, given_facts)


@given(targets, facts)
def test_rows_of_others_give_a_stranger_nothing(target: Target, given_facts: Facts) -> None:
    stranger = Who("5", "zoe")
    of_others = Facts(
        [entry for entry in given_facts.entries if not stranger.counts_as(entry.grantee)],
        [grant for grant in given_facts.grants if not stranger.counts_as(grant.grantee)],
        {place: owner for place, owner in given_facts.owners.items() if not stranger.counts_as(owner)},
    )
    assert not allowed(stranger, target, of_others)


@given(people, targets, facts)
def test_rights_depend_only_on_the_caller_s_own_rows(who: Who, target: Target, given_facts: Facts) -> None:
    own = Facts(
        [entry for entry in given_facts.entries if who.counts_as(entry.grantee)],
        [grant for grant in given_facts.grants if who.counts_as(grant.grantee)],
        {place: owner for place, owner in given_facts.owners.items() if who.counts_as(owner)},
    )
    assert allowed(who, target, own) == allowed(who, target, given_facts)


@given(people, targets, facts)
def test_who_manages_may_do_everything_and_new_things_are_only_made(
    who: Who, target: Target, given_facts: Facts
) -> None:
    actions = allowed(who, target, given_facts)
    if isinstance(target, New):
        assert actions <= {Action.CREATE}
    elif Action.MANAGE in actions:
        assert actions == frozenset(Action)


@given(people, facts)
def test_lists_show_exactly_what_may_be_read(who: Who, given_facts: Facts) -> None:
    for target in TARGETS:
        if not isinstance(target, New):
            shown = readable(who, kind_of(target), given_facts).covers(target)
            assert shown == (Action.READ in allowed(who, target, given_facts)), target


@given(people, facts, st.sampled_from(["e0", "e1"]))
def test_gateways_are_told_exactly_who_may_query(who: Who, given_facts: Facts, endpoint_id: str) -> None:
    endpoint = next(one for one in TARGETS if isinstance(one, Endpoint) and one.id == endpoint_id)
    told = queryable(endpoint, given_facts.entries, {"ann": "1", "bob": "2"})
    assert told.covers(who) == (Action.QUERY in allowed(who, endpoint, given_facts))


@given(people, targets, facts, st.sampled_from(Action))
def test_every_refusal_can_be_put_into_words_and_hides_what_may_not_be_read(
    who: Who, target: Target, given_facts: Facts, action: Action
) -> None:
    granted = allowed(who, target, given_facts)
    action = Action.CREATE if isinstance(target, New) else action
    if action in granted:
        return
    said = refusal("user 'zoe'", action, target, may_read=Action.READ in granted, held=frozenset())
    assert said.startswith(f"user 'zoe' may not {action.value} ")
    assert "that takes " in said
    assert " can give it" in said
    if Action.READ not in granted and isinstance(target, Model | Endpoint | Experiment | Asset):
        assert "owner" not in said
        assert "'bob'" not in said
