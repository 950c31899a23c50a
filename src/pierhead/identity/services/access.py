"""May this caller do this? Every door asks here before it acts."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from pierhead.identity.domain.grantees import Grantee, GranteeType, Who, group
from pierhead.identity.domain.levels import LADDERS, ROOT, Entry, Level, highest
from pierhead.identity.domain.objects import Action, Endpoint, Experiment, Kind, Model, Readable, Target, kind_of
from pierhead.identity.domain.privileges import OPENS, Grant, Securable, chain_of
from pierhead.identity.domain.refusals import refusal
from pierhead.identity.domain.rights import Facts, allowed, privileges, readable
from pierhead.identity.store.grants import GrantStore
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller, PrincipalKind

Chain = tuple[Securable, ...]

_Key = TypeVar("_Key")
_Row = TypeVar("_Row")


class Access:
    """Answers for one caller, within one transaction.

    It remembers the rows that it read: make a new one after rights were changed.
    """

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self._who = who_is(caller)
        self._title = f"{'user' if caller.kind is PrincipalKind.USER else 'service principal'} {caller.user_name!r}"
        self._rows = _Rows(connection, _grantees(caller, self._who))

    def may(self, action: Action, target: Target) -> bool:
        """Whether the caller may."""
        return action in self.allowed(target)

    def require(self, action: Action, target: Target) -> None:
        """Raises PermissionDenied: who may not do what to which object, what right is missing, and who can give it."""
        granted = self.allowed(target)
        if action in granted:
            return
        held = privileges(self._who, chain_of(target), self._rows.about(target).grants)
        raise PermissionDenied(refusal(self._title, action, target, may_read=Action.READ in granted, held=held))

    def allowed(self, target: Target) -> frozenset[Action]:
        """Everything that the caller may do to `target`."""
        return allowed(self._who, target, Facts() if self._who.is_admin else self._rows.about(target))

    def level(self, target: Model | Endpoint | Experiment) -> Level | None:
        """The highest level that the caller's rights amount to, wherever they come from; None for no rights."""
        return highest(kind_of(target), self.allowed(target))

    def readable(self, kind: Kind) -> Readable:
        """What of `kind` (MODEL, ENDPOINT, EXPERIMENT, ...) the caller may read."""
        return readable(self._who, kind, Facts() if self._who.is_admin else self._rows.about_kind(kind))


def who_is(caller: Caller) -> Who:
    """The caller as rights see them."""
    return Who(caller.user_id, caller.user_name, caller.groups, caller.entitlements)


def _grantees(caller: Caller, who: Who) -> list[Grantee]:
    kind = GranteeType.USER if caller.kind is PrincipalKind.USER else GranteeType.SERVICE_PRINCIPAL
    return [Grantee(kind, who.id), *(group(name) for name in sorted(who.all_groups))]


class _Rows:
    """The caller's rows. The first object of a kind costs a query for itself, the second one for all of the kind."""

    def __init__(self, connection: Connection, grantees: Collection[Grantee]) -> None:
        self._permissions = PermissionStore(connection)
        self._grants = GrantStore(connection)
        self._grantees = grantees
        self._first_object: dict[Kind, tuple[str, list[Entry]]] = {}
        self._kinds: dict[Kind, Mapping[str, list[Entry]]] = {}
        self._first_chain: tuple[Chain, Facts] | None = None
        self._everywhere: _Places | None = None

    def about(self, target: Target) -> Facts:
        chain = chain_of(target)
        places = self._about_chain(chain) if chain else Facts()
        match target:
            case Model(id):
                entries = self._on(Kind.MODEL, id)
            case Endpoint(id):
                entries = self._on(Kind.ENDPOINT, id)
            case Experiment(id):
                entries = self._on(Kind.EXPERIMENT, id)
            case _:
                entries = []
        return Facts(entries, places.grants, places.owners)

    def about_kind(self, kind: Kind) -> Facts:
        by_object = self._of_kind(kind) if kind in LADDERS else {}
        entries = [entry for found in by_object.values() for entry in found]
        if kind not in OPENS:
            return Facts(entries)
        everywhere = self._all_places()
        grants = [grant for found in everywhere.grants.values() for grant in found]
        return Facts(entries, grants, everywhere.owners)

    def _on(self, kind: Kind, object_id: str) -> list[Entry]:
        if kind not in self._first_object:
            found = self._permissions.list_for(self._grantees, kind, [object_id, ROOT])
            self._first_object[kind] = (object_id, found)
        first_id, found = self._first_object[kind]
        if object_id == first_id:
            return found
        by_object = self._of_kind(kind)
        return [*by_object.get(object_id, ()), *by_object.get(ROOT, ())]

    def _of_kind(self, kind: Kind) -> Mapping[str, list[Entry]]:
        if kind not in self._kinds:
            found = self._permissions.list_for(self._grantees, kind, None)
            self._kinds[kind] = _by(lambda entry: entry.object_id, found)
        return self._kinds[kind]

    def _about_chain(self, chain: Chain) -> Facts:
        if self._first_chain is None:
            grants = self._grants.list_for(self._grantees, chain)
            self._first_chain = (chain, Facts(grants=grants, owners=self._grants.owners_of(chain)))
        first_chain, facts = self._first_chain
        if chain == first_chain:
            return facts
        everywhere = self._all_places()
        grants = [grant for securable in chain for grant in everywhere.grants.get(securable, ())]
        return Facts(grants=grants, owners=everywhere.owners)

    def _all_places(self) -> "_Places":
        if self._everywhere is None:
            grants = self._grants.list_for(self._grantees, None)
            owners = self._grants.owned_by(self._grantees)
            self._everywhere = _Places(_by(lambda grant: grant.securable, grants), owners)
        return self._everywhere


@dataclass(frozen=True, slots=True)
class _Places:
    grants: Mapping[Securable, list[Grant]]
    owners: Mapping[Securable, Grantee]


def _by(key: Callable[[_Row], _Key], rows: Iterable[_Row]) -> dict[_Key, list[_Row]]:
    found: dict[_Key, list[_Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found
