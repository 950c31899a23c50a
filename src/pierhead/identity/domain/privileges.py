"""Unity Catalog's privileges, and the tree in which they are inherited: metastore, catalog, schema, object."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pierhead.identity.domain.grantees import Grantee
from pierhead.identity.domain.objects import (
    EVERYTHING,
    Action,
    Asset,
    Catalog,
    Kind,
    Model,
    New,
    Platform,
    Schema,
    Target,
)


class Privilege(Enum):
    """Names as in Databricks' SDK; values are kept in rows."""

    USE_CATALOG = "USE_CATALOG"
    USE_SCHEMA = "USE_SCHEMA"
    BROWSE = "BROWSE"
    EXECUTE = "EXECUTE"
    SELECT = "SELECT"
    MODIFY = "MODIFY"
    READ_VOLUME = "READ_VOLUME"
    WRITE_VOLUME = "WRITE_VOLUME"
    APPLY_TAG = "APPLY_TAG"
    CREATE_CATALOG = "CREATE_CATALOG"
    CREATE_SCHEMA = "CREATE_SCHEMA"
    CREATE_MODEL = "CREATE_MODEL"
    CREATE_MODEL_VERSION = "CREATE_MODEL_VERSION"
    CREATE_TABLE = "CREATE_TABLE"
    CREATE_VOLUME = "CREATE_VOLUME"
    MANAGE = "MANAGE"
    ALL_PRIVILEGES = "ALL_PRIVILEGES"
    """All but MANAGE."""


class SecurableType(Enum):
    """Values are kept in rows."""

    METASTORE = "METASTORE"
    CATALOG = "CATALOG"
    SCHEMA = "SCHEMA"
    MODEL = "MODEL"
    TABLE = "TABLE"
    VOLUME = "VOLUME"


@dataclass(frozen=True, slots=True)
class Securable:
    """`id` is the id of a model and the full name of anything else: a model keeps its grants when it is renamed, and
    a new model under an old name has none."""

    type: SecurableType
    id: str


METASTORE = Securable(SecurableType.METASTORE, "metastore")


@dataclass(frozen=True, slots=True)
class Grant:
    """One privilege of one grantee on one securable and on all below it.

    `place` is the full name of the schema that a model, table or volume lies in; empty for other securables.
    """

    securable: Securable
    grantee: Grantee
    privilege: Privilege
    place: str = ""

    @property
    def chain(self) -> tuple[Securable, ...]:
        """What reaches the securable, from the metastore down to itself."""
        match self.securable:
            case Securable(SecurableType.METASTORE):
                return (METASTORE,)
            case Securable(SecurableType.CATALOG, name):
                return chain_of(Catalog(name))
            case Securable(SecurableType.SCHEMA, name):
                return chain_of(Schema(*split_schema(name)))
            case _:
                return (*chain_of(Schema(*split_schema(self.place))), self.securable)


_ON_OBJECTS = frozenset({Privilege.APPLY_TAG, Privilege.BROWSE, Privilege.MANAGE, Privilege.ALL_PRIVILEGES})

GRANTABLE: Mapping[SecurableType, frozenset[Privilege]] = {
    SecurableType.METASTORE: frozenset(Privilege),
    SecurableType.CATALOG: frozenset(Privilege) - {Privilege.CREATE_CATALOG},
    SecurableType.SCHEMA: frozenset(Privilege)
    - {Privilege.CREATE_CATALOG, Privilege.USE_CATALOG, Privilege.CREATE_SCHEMA},
    SecurableType.MODEL: _ON_OBJECTS | {Privilege.EXECUTE, Privilege.CREATE_MODEL_VERSION},
    SecurableType.TABLE: _ON_OBJECTS | {Privilege.SELECT, Privilege.MODIFY},
    SecurableType.VOLUME: _ON_OBJECTS | {Privilege.READ_VOLUME, Privilege.WRITE_VOLUME},
}
"""What has a meaning on a securable or below it."""

ENTRY: Mapping[SecurableType, frozenset[Privilege]] = {
    SecurableType.METASTORE: frozenset(),
    SecurableType.CATALOG: frozenset({Privilege.USE_CATALOG}),
    SecurableType.SCHEMA: frozenset({Privilege.USE_CATALOG, Privilege.USE_SCHEMA}),
}
"""The way into a place: without all of these no privilege helps there."""

OPENS: Mapping[Kind, frozenset[Privilege]] = {
    Kind.CATALOG: ENTRY[SecurableType.METASTORE],
    Kind.SCHEMA: ENTRY[SecurableType.CATALOG],
    Kind.MODEL: ENTRY[SecurableType.SCHEMA],
    Kind.TABLE: ENTRY[SecurableType.SCHEMA],
    Kind.VOLUME: ENTRY[SecurableType.SCHEMA],
}
"""The way to an object of each kind: into the place that it lies in."""

ALLOWS: Mapping[Kind, Mapping[Privilege, frozenset[Action]]] = {
    Kind.CATALOG: {
        Privilege.USE_CATALOG: frozenset({Action.READ}),
        Privilege.BROWSE: frozenset({Action.READ}),
        Privilege.APPLY_TAG: frozenset({Action.TAG}),
        Privilege.MANAGE: EVERYTHING,
    },
    Kind.SCHEMA: {
        Privilege.USE_SCHEMA: frozenset({Action.READ}),
        Privilege.BROWSE: frozenset({Action.READ}),
        Privilege.APPLY_TAG: frozenset({Action.TAG}),
        Privilege.MANAGE: EVERYTHING,
    },
    Kind.MODEL: {
        Privilege.EXECUTE: frozenset({Action.READ}),
        Privilege.CREATE_MODEL_VERSION: frozenset({Action.ADD_VERSION}),
        Privilege.APPLY_TAG: frozenset({Action.TAG}),
        Privilege.MANAGE: EVERYTHING,
    },
    Kind.TABLE: {
        Privilege.SELECT: frozenset({Action.READ}),
        Privilege.MODIFY: frozenset({Action.WRITE}),
        Privilege.APPLY_TAG: frozenset({Action.TAG}),
        Privilege.MANAGE: EVERYTHING,
    },
    Kind.VOLUME: {
        Privilege.READ_VOLUME: frozenset({Action.READ}),
        Privilege.WRITE_VOLUME: frozenset({Action.WRITE}),
        Privilege.APPLY_TAG: frozenset({Action.TAG}),
        Privilege.MANAGE: EVERYTHING,
    },
}
"""What each privilege allows to do with an object of a kind once the way to it is open."""

CREATES: Mapping[Kind, Privilege] = {
    Kind.CATALOG: Privilege.CREATE_CATALOG,
    Kind.SCHEMA: Privilege.CREATE_SCHEMA,
    Kind.MODEL: Privilege.CREATE_MODEL,
    Kind.TABLE: Privilege.CREATE_TABLE,
    Kind.VOLUME: Privilege.CREATE_VOLUME,
}
"""The privilege, held on the place, that makes a new thing of each kind."""


def expand(grant: Grant) -> frozenset[Privilege]:
    """The privileges that a grant stands for.

    >>> from pierhead.identity.domain.grantees import group
    >>> catalog = Securable(SecurableType.CATALOG, "main")
    >>> Privilege.USE_SCHEMA in expand(Grant(catalog, group("users"), Privilege.ALL_PRIVILEGES))
    True
    """
    grantable = GRANTABLE[grant.securable.type]
    if grant.privilege is Privilege.ALL_PRIVILEGES:
        return grantable - {Privilege.MANAGE}
    return grantable & {grant.privilege}


def chain_of(target: Target) -> tuple[Securable, ...]:
    """The securables whose grants reach `target`, from the metastore down; none if grants are not for it.

    A new thing is reached by what reaches its place.
    """
    match target:
        case New(within=place):
            return chain_of(place)
        case Platform():
            return (METASTORE,)
        case Catalog(name):
            return _catalog(name)
        case Schema(catalog, name):
            return _schema(catalog, name)
        case Model(id, _, _, str(catalog), str(schema)):
            return (*_schema(catalog, schema), Securable(SecurableType.MODEL, id))
        case Asset(kind, catalog, schema, name):
            return (*_schema(catalog, schema), Securable(SecurableType[kind.name], f"{catalog}.{schema}.{name}"))
        case _:
            return ()


def split_schema(full_name: str) -> tuple[str, str]:
    """Catalog and schema of a schema's full name.

    >>> split_schema("main.fraud")
    ('main', 'fraud')
    """
    catalog, _, schema = full_name.partition(".")
    return catalog, schema


def _catalog(name: str) -> tuple[Securable, ...]:
    return METASTORE, Securable(SecurableType.CATALOG, name)


def _schema(catalog: str, name: str) -> tuple[Securable, ...]:
    return (*_catalog(catalog), Securable(SecurableType.SCHEMA, f"{catalog}.{name}"))
