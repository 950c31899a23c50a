"""Who owns catalogs and schemas, and what happens to rights when something is renamed or ends.

The areas that keep catalogs, schemas, tables, volumes and models call this within their transaction.
"""

from sqlalchemy import Connection

from pierhead.identity.domain.privileges import Securable, SecurableType
from pierhead.identity.services.grantees import Grantees
from pierhead.identity.store.grants import GrantStore


class PlaceOwners:
    """`name` is the full name of a securable; of a MODEL it is the registered model's id."""

    def __init__(self, connection: Connection) -> None:
        self._store = GrantStore(connection)
        self._grantees = Grantees(connection)

    def set_owner(self, type: SecurableType, name: str, owner: str) -> None:
        """Give a catalog or schema to a user, service principal or group, by its name.

        '' leaves it to the admins alone. Raises InvalidArgument if nobody has this name.
        """
        securable = Securable(type, name)
        if owner:
            self._store.set_owner(securable, self._grantees.get(owner))
        else:
            self._store.drop_owner(securable)

    def find_owner(self, type: SecurableType, name: str) -> str | None:
        """The owner's name; None where nobody is."""
        return self.list_owners(type, [name]).get(name)

    def list_owners(self, type: SecurableType, names: list[str]) -> dict[str, str]:
        """Name -> owner's name, of those that have one, in two queries."""
        owners = self._store.owners_of([Securable(type, name) for name in names])
        called = self._grantees.names_of(owners.values())
        return {securable.id: called[owner] for securable, owner in owners.items() if owner in called}

    def rename(self, type: SecurableType, name: str, new_name: str) -> None:
        """Let owner and grants follow to a new name, with those of all that lies inside."""
        self._store.rename(Securable(type, name), new_name)
        if type is SecurableType.SCHEMA:
            self._store.move(name, new_name)
        for inside in self._store.list_below(name) if type in _PLACES else ():
            self._store.rename(inside, new_name + inside.id.removeprefix(name))
        for place in self._store.list_places_below(name) if type is SecurableType.CATALOG else ():
            self._store.move(place, new_name + place.removeprefix(name))

    def move_model(self, model_id: str, schema: str) -> None:
        """Say that a model that was renamed lies in another schema (full name, '' for none) now."""
        self._store.set_place(Securable(SecurableType.MODEL, model_id), schema)

    def forget(self, type: SecurableType, name: str) -> None:
        """Drop owner and grants of what is no more, with those of all that lay inside."""
        inside = self._store.list_below(name) if type in _PLACES else []
        self._store.forget([Securable(type, name), *inside])


_PLACES = (SecurableType.CATALOG, SecurableType.SCHEMA)
