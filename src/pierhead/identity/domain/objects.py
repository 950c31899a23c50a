"""What rights are about: actions on objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What somebody wants to do to an object. Values are words for messages."""

    READ = "read"
    QUERY = "query"
    """Invoke an endpoint."""
    WRITE = "write to"
    """Change rows of a table, files of a volume, runs of an experiment."""
    ADD_VERSION = "add a version to"
    TAG = "tag"
    EDIT = "edit"
    """Descriptions and the like."""
    MOVE_TO_STAGING = "move versions between stages other than Production of"
    MOVE_TO_PRODUCTION = "move versions into and out of Production of"
    CREATE = "create"
    MANAGE = "manage"
    """Rename, delete, give to another owner, and say who may do what."""


EVERYTHING = frozenset(Action)
"""Who manages an object may do anything with it."""


class Kind(Enum):
    """Kinds of object. Values are kept in rows and name the object in messages."""

    PLATFORM = "platform"
    MODEL = "registered model"
    ENDPOINT = "serving endpoint"
    EXPERIMENT = "experiment"
    CATALOG = "catalog"
    SCHEMA = "schema"
    TABLE = "table"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Platform:
    """The installation itself: users, groups, policies, webhooks, the audit trail. Only admins manage it."""


@dataclass(frozen=True, slots=True)
class Model:
    """`owner` is a principal's name. Catalog and schema are None unless the name has three parts."""

    id: str
    name: str
    owner: str
    catalog: str | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    id: str
    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class Experiment:
    """`owner` is None for experiments that no user of ours made, like MLflow's `Default`."""

    id: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class Catalog:
    name: str


@dataclass(frozen=True, slots=True)
class Schema:
    catalog: str
    name: str


@dataclass(frozen=True, slots=True)
class Asset:
    """A table or a volume. `owner` is None where nobody is known to have made it."""

    kind: Kind
    catalog: str
    schema: str
    name: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class New:
    """A thing that does not exist yet, to be made in a place; the action is always CREATE."""

    kind: Kind
    name: str
    within: Platform | Catalog | Schema


Target = Platform | Model | Endpoint | Experiment | Catalog | Schema | Asset | New

_KINDS: Mapping[type, Kind] = {
    Platform: Kind.PLATFORM,
    Model: Kind.MODEL,
    Endpoint: Kind.ENDPOINT,
    Experiment: Kind.EXPERIMENT,
    Catalog: Kind.CATALOG,
    Schema: Kind.SCHEMA,
}


def kind_of(target: Target) -> Kind:
    """What kind of object a target is, or will be.

    >>> kind_of(New(Kind.ENDPOINT, "fraud", Platform()))
    <Kind.ENDPOINT: 'serving endpoint'>
    """
    return target.kind if isinstance(target, Asset | New) else _KINDS[type(target)]


@dataclass(frozen=True, slots=True)
class Readable:
    """What of one kind a caller may read, for queries that filter by it.

    `everything` wins; otherwise an object is readable if its owner is among `owners`, its id among `ids`, its
    catalog among `catalogs`, or its (catalog, schema) among `schemas`; `every_catalog` stands for all of `catalogs`.
    Tables and volumes have their full names for ids. Catalogs and schemas are named by `catalogs` and `schemas` alone.
    """

    everything: bool
    owners: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    catalogs: frozenset[str] = frozenset()
    schemas: frozenset[tuple[str, str]] = frozenset()
    every_catalog: bool = False

    def covers(self, target: Target) -> bool:
        """Whether `target`, which must be of the kind that was asked for, may be read."""
        if self.everything:
            return True
        match target:
            case Endpoint(id, _, owner) | Experiment(id, owner) | Model(id, _, owner, None):
                return owner in self.owners or id in self.ids
            case Model(id, _, owner, str(catalog), str(schema)):
                return owner in self.owners or id in self.ids or self._covers_place(catalog, schema)
            case Asset(_, catalog, schema, name, owner):
                id = f"{catalog}.{schema}.{name}"
                return owner in self.owners or id in self.ids or self._covers_place(catalog, schema)
            case Catalog(name):
                return self.every_catalog or name in self.catalogs
            case Schema(catalog, name):
                return self._covers_place(catalog, name)
        return False

    def _covers_place(self, catalog: str, schema: str) -> bool:
        return self.every_catalog or catalog in self.catalogs or (catalog, schema) in self.schemas
