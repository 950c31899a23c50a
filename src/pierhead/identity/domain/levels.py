"""Permission levels: how far somebody may go with a model, an endpoint or an experiment. Each includes those below."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pierhead.identity.domain.grantees import Grantee
from pierhead.identity.domain.objects import EVERYTHING, Action, Kind

ROOT = "root"
"""The id of the object, one for each kind, whose levels all objects of the kind inherit."""


OBJECT_TYPES: Mapping[Kind, str] = {
    Kind.MODEL: "registered-models",
    Kind.ENDPOINT: "serving-endpoints",
    Kind.EXPERIMENT: "experiments",
}
"""What Databricks' permissions API calls each kind."""


class Level(Enum):
    """Databricks' words; values are kept in rows."""

    CAN_READ = "CAN_READ"
    CAN_VIEW = "CAN_VIEW"
    CAN_QUERY = "CAN_QUERY"
    CAN_EDIT = "CAN_EDIT"
    CAN_MANAGE_STAGING_VERSIONS = "CAN_MANAGE_STAGING_VERSIONS"
    CAN_MANAGE_PRODUCTION_VERSIONS = "CAN_MANAGE_PRODUCTION_VERSIONS"
    CAN_MANAGE = "CAN_MANAGE"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an object's access control list."""

    kind: Kind
    object_id: str
    grantee: Grantee
    level: Level


@dataclass(frozen=True, slots=True)
class Rung:
    """One level of a kind: what it adds to the levels below it."""

    level: Level
    adds: frozenset[Action]
    description: str


LADDERS: Mapping[Kind, tuple[Rung, ...]] = {
    Kind.MODEL: (
        Rung(Level.CAN_READ, frozenset({Action.READ}), "Can read the model, its versions and their files"),
        Rung(
            Level.CAN_EDIT,
            frozenset({Action.EDIT, Action.TAG, Action.ADD_VERSION}),
            "Can also describe and tag the model and add versions",
        ),
        Rung(
            Level.CAN_MANAGE_STAGING_VERSIONS,
            frozenset({Action.MOVE_TO_STAGING}),
            "Can also move versions between stages other than Production",
        ),
        Rung(
            Level.CAN_MANAGE_PRODUCTION_VERSIONS,
            frozenset({Action.MOVE_TO_PRODUCTION}),
            "Can also move versions into and out of Production, as far as the policies of the gate agree",
        ),
        Rung(Level.CAN_MANAGE, EVERYTHING, "Can also rename and delete the model and say who may do what"),
    ),
    Kind.ENDPOINT: (
        Rung(Level.CAN_VIEW, frozenset({Action.READ}), "Can see the endpoint, its configs and logs"),
        Rung(Level.CAN_QUERY, frozenset({Action.QUERY}), "Can also invoke the endpoint"),
        Rung(Level.CAN_MANAGE, EVERYTHING, "Can also update and delete the endpoint and say who may do what"),
    ),
    Kind.EXPERIMENT: (
        Rung(Level.CAN_READ, frozenset({Action.READ}), "Can read the experiment, its runs and their files"),
        Rung(
            Level.CAN_EDIT,
            frozenset({Action.WRITE, Action.EDIT, Action.TAG}),
            "Can also log runs, and describe and tag the experiment",
        ),
        Rung(Level.CAN_MANAGE, EVERYTHING, "Can also delete the experiment and say who may do what"),
    ),
}
"""The levels of each kind, lowest first."""


def actions_of(kind: Kind, level: Level) -> frozenset[Action]:
    """What `level` allows; nothing if the kind does not know the level.

    >>> sorted(action.name for action in actions_of(Kind.ENDPOINT, Level.CAN_QUERY))
    ['QUERY', 'READ']
    """
    found: frozenset[Action] = frozenset()
    for rung in LADDERS.get(kind, ()):
        found |= rung.adds
        if rung.level is level:
            return found
    return frozenset()


def lowest_for(kind: Kind, action: Action) -> Level | None:
    """The first level that allows `action`; None for kinds without levels."""
    return next((rung.level for rung in LADDERS.get(kind, ()) if action in rung.adds), None)


def highest(kind: Kind, actions: frozenset[Action]) -> Level | None:
    """The highest level of a kind that allows no more than `actions`.

    >>> highest(Kind.ENDPOINT, frozenset({Action.READ, Action.QUERY}))
    <Level.CAN_QUERY: 'CAN_QUERY'>
    """
    fitting = [rung.level for rung in LADDERS[kind] if actions_of(kind, rung.level) <= actions]
    return fitting[-1] if fitting else None
