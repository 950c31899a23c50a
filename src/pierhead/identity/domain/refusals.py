"""What to say to somebody who may not."""

from pierhead.identity.domain.accounts import ADMINS, WORKSPACE_ACCESS
from pierhead.identity.domain.levels import OBJECT_TYPES, ROOT, lowest_for
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
from pierhead.identity.domain.privileges import ALLOWS, CREATES, ENTRY, OPENS, Privilege, chain_of


def refusal(who: str, action: Action, target: Target, *, may_read: bool, held: frozenset[Privilege]) -> str:
    """Who may not do what, what it takes, who can give it and how.

    `may_read` says whether the caller may know more of the object than the name that they gave; `held` are the
    privileges that they have there.

    >>> refusal("user 'ann'", Action.QUERY, Endpoint("7", "fraud", "bob"), may_read=False, held=frozenset())
    "user 'ann' may not query serving endpoint 'fraud': that takes CAN_QUERY on it; an admin can give it"
    """
    owner = _owner(target) if may_read else None
    giver = f"its owner {owner!r} or an admin" if owner else "an admin"
    # An object that they may not read is not described: not its id, nor who has it.
    hides = isinstance(target, Model | Endpoint) and not may_read
    how = "" if hides else f" with {_call(target)}"
    return (
        f"{who} may not {action.value} {_title(target)}: that takes {_what_it_takes(action, target, held)}; "
        f"{giver} can give it{how}"
    )


def _title(target: Target) -> str:
    match target:
        case Platform():
            return "the platform's users, policies and records"
        case Model(id) | Endpoint(id) | Experiment(id) if id == ROOT:
            return f"all {kind_of(target).value}s"
        case Model(name=name) | Endpoint(name=name) | Experiment(id=name) | Catalog(name):
            return f"{kind_of(target).value} {name!r}"
        case Schema(catalog, name):
            return f"{Kind.SCHEMA.value} '{catalog}.{name}'"
        case Asset(kind, catalog, schema, name):
            return f"{kind.value} '{catalog}.{schema}.{name}'"
        case New(kind, name, Platform()):
            return f"{kind.value} {name!r}"
        case New(kind, name, place):
            return f"{kind.value} {name!r} in {_title(place)}"


def _owner(target: Target) -> str | None:
    match target:
        case Model(_, _, owner) | Endpoint(_, _, owner) | Experiment(_, owner) | Asset(_, _, _, _, owner):
            return owner
    return None


def _what_it_takes(action: Action, target: Target, held: frozenset[Privilege]) -> str:
    """The lowest level, or the privileges that are missing."""
    match target:
        case Platform():
            return f"membership of the group '{ADMINS}'"
        case New(Kind.EXPERIMENT | Kind.ENDPOINT):
            return f"the entitlement '{WORKSPACE_ACCESS}'"
        case New(kind, _, place):
            needed = ENTRY[chain_of(place)[-1].type] | ({CREATES[kind]} if kind in CREATES else {Privilege.MANAGE})
            return f"{_words(needed - held)} on {_title(place) if place != Platform() else 'the metastore'}"
    kind = kind_of(target)
    level = lowest_for(kind, action)
    ways = [] if level is None else [f"{level.value} on it"]
    if chain_of(target):
        ways.append(f"{_words((OPENS[kind] | _privilege_for(kind, action)) - held)} on it or above it")
    return ", or ".join(ways)


def _privilege_for(kind: Kind, action: Action) -> frozenset[Privilege]:
    fitting = (privilege for privilege, actions in ALLOWS[kind].items() if action in actions)
    return frozenset({next(fitting)})


def _words(privileges: frozenset[Privilege]) -> str:
    names = [privilege.value for privilege in Privilege if privilege in privileges]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _call(target: Target) -> str:
    """How the right is given."""
    match target:
        case Platform():
            return "w.groups.patch(...)"
        case New(Kind.EXPERIMENT | Kind.ENDPOINT):
            return "w.users.patch(...), or by membership of a group that has it"
        case Model(id) | Endpoint(id) | Experiment(id):
            return f'w.permissions.update("{OBJECT_TYPES[kind_of(target)]}", "{id}", ...)'
    *_, securable = chain_of(target)
    return f'w.grants.update("{securable.type.value.lower()}", "{securable.id}", ...)'
