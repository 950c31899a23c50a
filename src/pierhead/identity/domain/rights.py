"""Who may do what: the one function that answers, and its twin for lists.

Nobody may do anything unless something says so: the group `admins`, ownership of the object or of a place that it lies
in, a level on the object or on the root of its kind, or privileges on it or above it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pierhead.identity.domain.accounts import WORKSPACE_ACCESS
from pierhead.identity.domain.grantees import Grantee, Who
from pierhead.identity.domain.levels import ROOT, Entry, actions_of
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
from pierhead.identity.domain.privileges import (
    ALLOWS,
    CREATES,
    ENTRY,
    METASTORE,
    OPENS,
    Grant,
    Privilege,
    Securable,
    SecurableType,
    chain_of,
    expand,
    split_schema,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Rows that rights follow from; rows about other objects and other grantees change nothing.

    `owners` names the owners of catalogs and schemas; those of other objects come with the target.
    """

    entries: Collection[Entry] = ()
    grants: Collection[Grant] = ()
    owners: Mapping[Securable, Grantee] = field(default_factory=dict)


def allowed(who: Who, target: Target, facts: Facts) -> frozenset[Action]:
    """Everything that `who` may do to `target`. With a new thing that is CREATE or nothing.

    Only admins may do anything to the platform, reading its audit trail included.
    """
    if isinstance(target, New):
        return _NEWLY if who.is_admin or _may_create(who, target, facts) else _NOTHING
    if who.is_admin:
        return EVERYTHING
    match target:
        case Platform():
            return _NOTHING
        case Model(id, _, owner):
            return _by_level(who, Kind.MODEL, id, owner, facts) | _by_privilege(who, Kind.MODEL, target, facts)
        case Endpoint(id, _, owner):
            return _by_level(who, Kind.ENDPOINT, id, owner, facts)
        case Experiment(id, owner):
            return _by_level(who, Kind.EXPERIMENT, id, owner, facts)
        case Asset(kind, _, _, _, owner):
            return EVERYTHING if who.owns(owner) else _by_privilege(who, kind, target, facts)
        case Catalog():
            return _by_privilege(who, Kind.CATALOG, target, facts)
        case Schema():
            return _by_privilege(who, Kind.SCHEMA, target, facts)


def readable(who: Who, kind: Kind, facts: Facts) -> Readable:
    """What of `kind` the caller may READ; agrees with `allowed`. All rows of the kind must be among the facts."""
    if who.is_admin:
        return Readable(everything=True)
    ids = {
        entry.object_id
        for entry in facts.entries
        if entry.kind is kind and who.counts_as(entry.grantee) and Action.READ in actions_of(kind, entry.level)
    }
    if ROOT in ids:
        return Readable(everything=True)
    owners = frozenset({who.name} - {""}) if kind in _OWNED else frozenset()
    if kind not in OPENS:
        return Readable(everything=False, owners=owners, ids=frozenset(ids))
    places = _readable_places(who, kind, facts)
    objects = {place.id for place in places if place.type.name == kind.name}
    return Readable(
        everything=False,
        owners=owners,
        ids=frozenset(ids | objects) if kind in _OWNED else frozenset(),
        catalogs=frozenset(place.id for place in places if place.type is SecurableType.CATALOG),
        schemas=frozenset(split_schema(place.id) for place in places if place.type is SecurableType.SCHEMA),
        every_catalog=METASTORE in places,
    )


def privileges(who: Who, chain: Collection[Securable], grants: Collection[Grant]) -> frozenset[Privilege]:
    """Privileges that `who` holds at the end of a chain of securables, by grants on any of them."""
    held: frozenset[Privilege] = frozenset()
    for grant in grants:
        if grant.securable in chain and who.counts_as(grant.grantee):
            held |= expand(grant)
    return held


_NOTHING: frozenset[Action] = frozenset()
_NEWLY = frozenset({Action.CREATE})

_OWNED = frozenset({Kind.MODEL, Kind.ENDPOINT, Kind.EXPERIMENT, Kind.TABLE, Kind.VOLUME})
"""Kinds whose targets bring their owner along."""


def _by_level(who: Who, kind: Kind, object_id: str, owner: str | None, facts: Facts) -> frozenset[Action]:
    if who.owns(owner):
        return EVERYTHING
    found = _NOTHING
    for entry in facts.entries:
        if entry.kind is kind and entry.object_id in (object_id, ROOT) and who.counts_as(entry.grantee):
            found |= actions_of(kind, entry.level)
    return found


def _by_privilege(who: Who, kind: Kind, target: Target, facts: Facts) -> frozenset[Action]:
    chain = chain_of(target)
    if _owns_one(who, chain, facts):
        return EVERYTHING
    return _actions(kind, privileges(who, chain, facts.grants))


def _actions(kind: Kind, held: frozenset[Privilege]) -> frozenset[Action]:
    if not OPENS[kind] <= held:
        return _NOTHING
    return frozenset().union(*(ALLOWS[kind].get(privilege, _NOTHING) for privilege in held))


def _may_create(who: Who, new: New, facts: Facts) -> bool:
    if new.kind in (Kind.EXPERIMENT, Kind.ENDPOINT):
        return WORKSPACE_ACCESS in who.entitlements
    if new.kind not in CREATES:
        return False
    chain = chain_of(new)
    if _owns_one(who, chain, facts):
        return True
    held = privileges(who, chain, facts.grants)
    return ENTRY[chain[-1].type] <= held and not held.isdisjoint({CREATES[new.kind], Privilege.MANAGE})


def _owns_one(who: Who, chain: Sequence[Securable], facts: Facts) -> bool:
    """Ownership of a place reaches everything in it, and needs no key."""
    owners = (facts.owners.get(securable) for securable in chain)
    return any(owner is not None and who.counts_as(owner) for owner in owners)


def _readable_places(who: Who, kind: Kind, facts: Facts) -> set[Securable]:
    """Securables at which `who` holds enough to read what is of `kind` at or below them."""
    owned = {securable for securable, owner in facts.owners.items() if who.counts_as(owner)}
    lines = {grant.securable: grant.chain for grant in facts.grants if who.counts_as(grant.grantee)}
    return owned | {
        securable
        for securable, chain in lines.items()
        if Action.READ in _actions(kind, privileges(who, chain, facts.grants))
    }
