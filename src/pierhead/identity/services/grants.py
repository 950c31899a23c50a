"""Unity Catalog's grants: who holds which privilege, and where it comes from.

Who owns catalogs and schemas, and what becomes of grants when something is renamed or dropped: `place_owners.py`,
`PlaceOwners(connection).set_owner / find_owner / list_owners / rename / forget / move_model`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from pierhead.identity.domain.grantees import Grantee, GranteeType, Who
from pierhead.identity.domain.objects import Action, Asset, Model, Platform, Target
from pierhead.identity.domain.privileges import (
    GRANTABLE,
    Grant,
    Privilege,
    Securable,
    SecurableType,
    chain_of,
)
from pierhead.identity.ports import Objects
from pierhead.identity.services.access import Access, who_is
from pierhead.identity.services.grantees import Grantees
from pierhead.identity.store.grants import GrantStore
from pierhead.kit.audit_context import note
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.web.caller import Caller


@dataclass(frozen=True, slots=True)
class Place:
    """A securable with the name that clients know."""

    type: SecurableType
    full_name: str


@dataclass(frozen=True, slots=True)
class Held:
    """One privilege; `inherited_from` is None for one that was granted on the securable itself."""

    privilege: Privilege
    inherited_from: Place | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """`principal` is the name of a user or group, or the application id of a service principal."""

    principal: str
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Change:
    principal: str
    add: frozenset[Privilege] = frozenset()
    remove: frozenset[Privilege] = frozenset()


class Grants:
    """Use cases on grants, for one caller within one transaction.

    Who manages a securable, and every admin, sees and changes all of its grants; others see their own.
    """

    def __init__(self, connection: Connection, objects: Objects, caller: Caller) -> None:
        self._connection = connection
        self._objects = objects
        self._who: Who = who_is(caller)
        self._access = Access(connection, caller)
        self._store = GrantStore(connection)
        self._grantees = Grantees(connection)

    def list_on(self, place: Place, principal: str | None = None) -> list[Assignment]:
        """What is granted on the securable itself, by principal; of one principal or (None) of all.

        Raises InvalidArgument, NotFound, or PermissionDenied unless the caller may read the securable.
        """
        target = self._readable_target(place)
        return self._assignments(target, chain_of(target)[-1:], principal)

    def list_effective(self, place: Place, principal: str | None = None) -> list[Assignment]:
        """As `list_on`, with what is inherited from above."""
        target = self._readable_target(place)
        return self._assignments(target, chain_of(target), principal)

    def change(self, place: Place, changes: Sequence[Change]) -> list[Assignment]:
        """Grant and revoke; gives what is granted on the securable then.

        Raises InvalidArgument, NotFound, or PermissionDenied unless the caller manages the securable.
        """
        target = self._target(place)
        self._access.require(Action.MANAGE, target)
        securable, within = chain_of(target)[-1], _place_of(target)
        _refuse_meaningless(place, changes)
        before = self._assignments(target, [securable], None)
        for change in changes:
            grantee = self._grantees.get(change.principal)
            self._store.add(Grant(securable, grantee, privilege, within) for privilege in _sorted(change.add))
            self._store.remove(Grant(securable, grantee, privilege) for privilege in _sorted(change.remove))
        after = self._assignments(target, [securable], None)
        note(object=f"{place.type.value.lower()}/{place.full_name}", before=_told(before), after=_told(after))
        return after

    def _target(self, place: Place) -> Target:
        """Raises NotFound."""
        if place.type is SecurableType.METASTORE:
            return Platform()
        found = self._objects.find_securable(self._connection, place.type, place.full_name)
        if found is None or not chain_of(found):
            what = "registered model" if place.type is SecurableType.MODEL else place.type.value.lower()
            raise NotFound(f"{what} {place.full_name!r} does not exist")
        return found

    def _readable_target(self, place: Place) -> Target:
        target = self._target(place)
        if target != Platform():
            self._access.require(Action.READ, target)
        return target

    def _assignments(self, target: Target, securables: Sequence[Securable], principal: str | None) -> list[Assignment]:
        grants = self._store.list_on(securables)
        if principal is not None:
            wanted = self._grantees.get(principal)
            grants = [grant for grant in grants if grant.grantee == wanted]
        if not self._access.may(Action.MANAGE, target):
            grants = [grant for grant in grants if self._who.counts_as(grant.grantee)]
        called = self._names_of({grant.grantee for grant in grants})
        itself = chain_of(target)[-1]
        held: dict[str, list[Held]] = {}
        for grant in sorted(grants, key=lambda grant: (-securables.index(grant.securable), grant.privilege.value)):
            if grant.grantee in called:
                above = None if grant.securable == itself else Place(grant.securable.type, grant.securable.id)
                held.setdefault(called[grant.grantee], []).append(Held(grant.privilege, above))
        return [Assignment(name, tuple(held[name])) for name in sorted(held)]

    def _names_of(self, grantees: set[Grantee]) -> dict[Grantee, str]:
        accounts = self._grantees.accounts_of(grantees)
        names = {grantee: account.application_id or account.name for grantee, account in accounts.items()}
        return names | {grantee: grantee.id for grantee in grantees if grantee.type is GranteeType.GROUP}


def _told(found: Sequence[Assignment]) -> dict[str, list[str]]:
    return {one.principal: [held.privilege.value for held in one.held] for one in found}


def _refuse_meaningless(place: Place, changes: Sequence[Change]) -> None:
    grantable = GRANTABLE[place.type]
    for change in changes:
        for privilege in _sorted(change.add - grantable):
            known = ", ".join(known.value for known in _sorted(grantable))
            raise InvalidArgument(
                f"{privilege.value} has no meaning on a {place.type.value.lower()}; there can be granted {known}"
            )


def _place_of(target: Target) -> str:
    """The full name of the schema that an object lies in; empty for places."""
    match target:
        case Model(catalog=str(catalog), schema=str(schema)) | Asset(catalog=catalog, schema=schema):
            return f"{catalog}.{schema}"
    return ""


def _sorted(privileges: frozenset[Privilege]) -> list[Privilege]:
    return sorted(privileges, key=lambda privilege: privilege.value)
