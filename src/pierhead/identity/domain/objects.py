"""What rights are about: actions on objects."""

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


@dataclass(frozen=True, slots=True)
class Readable:
    """What of one kind a caller may read, for queries that filter by it.

    `everything` wins; otherwise an object is readable if its owner is among `owners`, its id among `ids`, its
    catalog among `catalogs`, or its (catalog, schema) among `schemas`.
    """

    everything: bool
    owners: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    catalogs: frozenset[str] = frozenset()
    schemas: frozenset[tuple[str, str]] = frozenset()
