"""Tables of access control lists: levels on models, endpoints and experiments."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Column, ColumnElement, Connection, Index, Row, String, Table, delete, false, insert, or_, select

from pierhead.identity.domain.grantees import Grantee, GranteeType
from pierhead.identity.domain.levels import Entry, Level
from pierhead.identity.domain.objects import Kind
from pierhead.identity.store.accounts import users
from pierhead.kit.db import metadata

object_permissions = Table(
    "object_permissions",
    metadata,
    Column("object_kind", String(20), primary_key=True),
    Column("object_id", String(64), primary_key=True),
    Column("grantee_type", String(20), primary_key=True),
    Column("grantee_id", String(255), primary_key=True),
    Column("level", String(40), nullable=False),
    Index("ix_object_permissions_grantee", "grantee_type", "grantee_id"),
)


class PermissionStore:
    """Rows to entries and back; never commits. Every grantee has at most one level on an object."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_of(self, kind: Kind, object_ids: Collection[str]) -> list[Entry]:
        """Everybody's entries on these objects."""
        return self._entries(_on(kind, object_ids))

    def list_of_kind(self, kind: Kind) -> list[Entry]:
        """Everybody's entries on all objects of a kind."""
        return self._entries(object_permissions.c.object_kind == kind.value)

    def list_for(self, grantees: Collection[Grantee], kind: Kind, object_ids: Collection[str] | None) -> list[Entry]:
        """Entries of these grantees, on these objects or (None) on all of the kind."""
        where = object_permissions.c.object_kind == kind.value if object_ids is None else _on(kind, object_ids)
        return self._entries(where & of_grantees(object_permissions, grantees))

    def put(self, entries: Iterable[Entry]) -> None:
        """Set levels; a level that a grantee has on the same object is replaced."""
        for entry in entries:
            self._delete(_on(entry.kind, [entry.object_id]) & of_grantees(object_permissions, [entry.grantee]))
            self._connection.execute(
                insert(object_permissions).values(
                    object_kind=entry.kind.value,
                    object_id=entry.object_id,
                    grantee_type=entry.grantee.type.value,
                    grantee_id=entry.grantee.id,
                    level=entry.level.value,
                )
            )

    def clear(self, kind: Kind, object_id: str) -> None:
        """Take every direct level on an object away."""
        self._delete(_on(kind, [object_id]))

    def forget_grantee(self, grantee: Grantee) -> None:
        self._delete(of_grantees(object_permissions, [grantee]))

    def _entries(self, where: ColumnElement[bool]) -> list[Entry]:
        return [_entry(row) for row in self._connection.execute(select(object_permissions).where(where))]

    def _delete(self, where: ColumnElement[bool]) -> None:
        self._connection.execute(delete(object_permissions).where(where))


def ids_of_names(connection: Connection, names: Collection[str]) -> Mapping[str, str]:
    """Name -> id, of the users and service principals that are called so."""
    rows = connection.execute(select(users.c.name, users.c.id).where(users.c.name.in_(names)))
    return {row.name: row.id for row in rows}


def of_grantees(table: Table, grantees: Collection[Grantee]) -> ColumnElement[bool]:
    """Rows of `table`, with its columns `grantee_type` and `grantee_id`, that are about one of `grantees`."""
    by_type: dict[GranteeType, list[str]] = {}
    for grantee in grantees:
        by_type.setdefault(grantee.type, []).append(grantee.id)
    return or_(
        false(),
        *((table.c.grantee_type == type.value) & table.c.grantee_id.in_(ids) for type, ids in by_type.items()),
    )


def _on(kind: Kind, object_ids: Collection[str]) -> ColumnElement[bool]:
    return (object_permissions.c.object_kind == kind.value) & object_permissions.c.object_id.in_(object_ids)


def _entry(row: Row[tuple[str, ...]]) -> Entry:
    return Entry(
        Kind(row.object_kind), row.object_id, Grantee(GranteeType(row.grantee_type), row.grantee_id), Level(row.level)
    )
