"""Tables of Unity Catalog's grants, and of who owns catalogs and schemas."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Column, ColumnElement, Connection, Index, String, Table, delete, insert, or_, select, update

from pierhead.identity.domain.grantees import Grantee, GranteeType
from pierhead.identity.domain.privileges import Grant, Privilege, Securable, SecurableType
from pierhead.identity.store.permissions import of_grantees
from pierhead.kit.db import metadata

_FULL_NAME = String(800)

grants = Table(
    "grants",
    metadata,
    Column("securable_type", String(20), primary_key=True),
    Column("securable_id", _FULL_NAME, primary_key=True),
    Column("grantee_type", String(20), primary_key=True),
    Column("grantee_id", String(255), primary_key=True),
    Column("privilege", String(40), primary_key=True),
    Column("place", _FULL_NAME, nullable=False),
    Index("ix_grants_grantee", "grantee_type", "grantee_id"),
)
securable_owners = Table(
    "securable_owners",
    metadata,
    Column("securable_type", String(20), primary_key=True),
    Column("securable_id", _FULL_NAME, primary_key=True),
    Column("grantee_type", String(20), nullable=False),
    Column("grantee_id", String(255), nullable=False),
)


class GrantStore:
    """Rows to grants and owners and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_on(self, securables: Collection[Securable]) -> list[Grant]:
        """Everybody's grants on these."""
        return self._grants(_on(grants, securables))

    def list_for(self, grantees: Collection[Grantee], securables: Collection[Securable] | None) -> list[Grant]:
        """Grants of these grantees, on these securables or (None) on all."""
        where = of_grantees(grants, grantees)
        return self._grants(where if securables is None else where & _on(grants, securables))

    def add(self, given: Iterable[Grant]) -> None:
        """Harmless for what is there already."""
        for grant in given:
            self.remove([grant])
            self._connection.execute(
                insert(grants).values(
                    securable_type=grant.securable.type.value,
                    securable_id=grant.securable.id,
                    grantee_type=grant.grantee.type.value,
                    grantee_id=grant.grantee.id,
                    privilege=grant.privilege.value,
                    place=grant.place,
                )
            )

    def remove(self, taken: Iterable[Grant]) -> None:
        """Harmless for what is not there."""
        for grant in taken:
            where = _on(grants, [grant.securable]) & of_grantees(grants, [grant.grantee])
            self._connection.execute(delete(grants).where(where, grants.c.privilege == grant.privilege.value))

    def owners_of(self, securables: Collection[Securable]) -> Mapping[Securable, Grantee]:
        return self._owners(_on(securable_owners, securables))

    def owned_by(self, grantees: Collection[Grantee]) -> Mapping[Securable, Grantee]:
        return self._owners(of_grantees(securable_owners, grantees))

    def drop_owner(self, securable: Securable) -> None:
        self._connection.execute(delete(securable_owners).where(_on(securable_owners, [securable])))

    def set_owner(self, securable: Securable, owner: Grantee) -> None:
        self.drop_owner(securable)
        self._connection.execute(
            insert(securable_owners).values(
                securable_type=securable.type.value,
                securable_id=securable.id,
                grantee_type=owner.type.value,
                grantee_id=owner.id,
            )
        )

    def list_below(self, full_name: str) -> list[Securable]:
        """What has grants or an owner and lies inside the catalog or schema of this name. Models are not listed."""
        found: set[Securable] = set()
        for table in (grants, securable_owners):
            inside = table.c.securable_id.startswith(f"{full_name}.", autoescape=True)
            named = table.c.securable_type.not_in([SecurableType.METASTORE.value, SecurableType.MODEL.value])
            rows = self._connection.execute(
                select(table.c.securable_type, table.c.securable_id).where(inside, named).distinct()
            )
            # Databases compare what begins alike without regard to case.
            found |= {
                Securable(SecurableType(row.securable_type), row.securable_id)
                for row in rows
                if row.securable_id.startswith(f"{full_name}.")
            }
        return sorted(found, key=lambda securable: (securable.type.value, securable.id))

    def list_places_below(self, full_name: str) -> list[str]:
        """Schemas, inside the catalog of this name, in which something has grants."""
        places = self._connection.scalars(select(grants.c.place).distinct())
        return sorted(place for place in places if place.startswith(f"{full_name}."))

    def rename(self, securable: Securable, new_id: str) -> None:
        for table in (grants, securable_owners):
            self._connection.execute(update(table).where(_on(table, [securable])).values(securable_id=new_id))

    def move(self, place: str, new_place: str) -> None:
        """Say that a schema has another full name now."""
        self._connection.execute(update(grants).where(grants.c.place == place).values(place=new_place))

    def set_place(self, securable: Securable, place: str) -> None:
        self._connection.execute(update(grants).where(_on(grants, [securable])).values(place=place))

    def forget(self, securables: Collection[Securable]) -> None:
        for table in (grants, securable_owners):
            self._connection.execute(delete(table).where(_on(table, securables)))

    def forget_grantee(self, grantee: Grantee) -> None:
        for table in (grants, securable_owners):
            self._connection.execute(delete(table).where(of_grantees(table, [grantee])))

    def _grants(self, where: ColumnElement[bool]) -> list[Grant]:
        return [
            Grant(
                Securable(SecurableType(row.securable_type), row.securable_id),
                Grantee(GranteeType(row.grantee_type), row.grantee_id),
                Privilege(row.privilege),
                row.place,
            )
            for row in self._connection.execute(select(grants).where(where))
        ]

    def _owners(self, where: ColumnElement[bool]) -> Mapping[Securable, Grantee]:
        return {
            Securable(SecurableType(row.securable_type), row.securable_id): Grantee(
                GranteeType(row.grantee_type), row.grantee_id
            )
            for row in self._connection.execute(select(securable_owners).where(where))
        }


def _on(table: Table, securables: Collection[Securable]) -> ColumnElement[bool]:
    return or_(
        *(
            (table.c.securable_type == securable.type.value) & (table.c.securable_id == securable.id)
            for securable in securables
        )
    )
