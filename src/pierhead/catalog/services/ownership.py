"""Who owns what: catalogs and schemas by rows of the rights, tables and volumes by a name in their own rows."""

from contextlib import suppress

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName
from pierhead.identity.domain.grantees import GranteeType
from pierhead.identity.domain.objects import Kind
from pierhead.identity.domain.privileges import SecurableType
from pierhead.identity.services.grantees import Grantees
from pierhead.identity.services.place_owners import PlaceOwners
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName

Place = str | SchemaName
"""A catalog, by its name, or a schema."""


class Ownership:
    """Rights follow what they are about: they move with a new name, and end with the thing."""

    def __init__(self, connection: Connection) -> None:
        self._places = PlaceOwners(connection)
        self._grantees = Grantees(connection)

    def begin(self, place: Place, owner: str) -> None:
        """The first owner; nobody if '' or if whoever it was is no more."""
        with suppress(InvalidArgument):
            self.give(place, owner)

    def give(self, place: Place, owner: str) -> None:
        """Raises InvalidArgument if nobody has this name."""
        self._places.set_owner(_type(place), str(place), owner)

    def owners_of(self, catalogs: list[str]) -> dict[str, str]:
        """Catalog -> owner, of those that have one."""
        return self._places.list_owners(SecurableType.CATALOG, catalogs) if catalogs else {}

    def owners_of_schemas(self, schemas: list[SchemaName]) -> dict[str, str]:
        """Full name -> owner, of those that have one."""
        names = [str(schema) for schema in schemas]
        return self._places.list_owners(SecurableType.SCHEMA, names) if names else {}

    def check_asset_owner(self, owner: str) -> str:
        """The name of somebody who can own a table or volume. Raises InvalidArgument."""
        if self._grantees.get(owner).type is GranteeType.GROUP:
            raise InvalidArgument(
                f"{owner!r} is a group; a table or volume belongs to one user or service principal. "
                "Give the schema to the group, or grant it MANAGE"
            )
        return owner

    def rename(self, place: Place, new: Place) -> None:
        self._places.rename(_type(place), str(place), str(new))

    def rename_asset(self, kind: Kind, name: FullName, new_name: FullName) -> None:
        self._places.rename(SecurableType[kind.name], str(name), str(new_name))

    def forget(self, place: Place) -> None:
        self._places.forget(_type(place), str(place))

    def forget_asset(self, kind: Kind, name: FullName) -> None:
        self._places.forget(SecurableType[kind.name], str(name))


def _type(place: Place) -> SecurableType:
    return SecurableType.SCHEMA if isinstance(place, SchemaName) else SecurableType.CATALOG
