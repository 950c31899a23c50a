"""Access control lists of models, endpoints and experiments: who holds which level, and where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMINS, Account
from pierhead.identity.domain.grantees import Grantee, GranteeType, group
from pierhead.identity.domain.levels import LADDERS, OBJECT_TYPES, ROOT, Entry, Level
from pierhead.identity.domain.objects import Action, Endpoint, Experiment, Kind, Model, kind_of
from pierhead.identity.services.access import Access
from pierhead.identity.services.grantees import Grantees, grantee_of
from pierhead.identity.store.account_rows import AccountStore
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.audit_context import note
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import Caller

Listed = Model | Endpoint | Experiment
"""What has an access control list."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A level that somebody shall have, by the name that the client sent."""

    type: GranteeType
    name: str
    level: Level


@dataclass(frozen=True, slots=True)
class Holder:
    """One line of a list. `own` is the level on the object itself, `inherited` those from the root of its kind."""

    grantee: Grantee
    account: Account | None
    own: Level | None
    inherited: tuple[Level, ...]

    @property
    def name(self) -> str:
        return self.account.name if self.account else self.grantee.id


@dataclass(frozen=True, slots=True)
class AccessList:
    kind: Kind
    object_id: str
    holders: tuple[Holder, ...]


class Permissions:
    """Use cases on access control lists, for one caller within one transaction."""

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self._connection = connection
        self._access = Access(connection, caller)
        self._store = PermissionStore(connection)
        self._grantees = Grantees(connection)

    def get(self, listed: Listed) -> AccessList:
        """Raises PermissionDenied unless the caller may read the object."""
        self._access.require(Action.READ, listed)
        return self._list(listed)

    def replace(self, listed: Listed, asked: Sequence[Asked]) -> AccessList:
        """Make these the only levels on the object itself; its owner keeps CAN_MANAGE.

        Raises InvalidArgument, or PermissionDenied unless the caller manages the object.
        """
        self._access.require(Action.MANAGE, listed)
        entries = self._entries(listed, asked)
        before = self._list(listed)
        self._store.clear(kind_of(listed), listed.id)
        self._store.put(entries)
        return _told(before, self._list(listed))

    def add(self, listed: Listed, asked: Sequence[Asked]) -> AccessList:
        """Give these levels on the object itself, in place of those that the same grantees had on it.

        Raises InvalidArgument, or PermissionDenied unless the caller manages the object.
        """
        self._access.require(Action.MANAGE, listed)
        entries = self._entries(listed, asked)
        before = self._list(listed)
        self._store.put(entries)
        return _told(before, self._list(listed))

    def _entries(self, listed: Listed, asked: Sequence[Asked]) -> list[Entry]:
        """Raises InvalidArgument with everything that is wrong."""
        kind = kind_of(listed)
        levels = [rung.level for rung in LADDERS[kind]]
        problems: list[str] = []
        entries: dict[Grantee, Entry] = {}
        for one in asked:
            if one.level not in levels:
                known = ", ".join(level.value for level in levels)
                problems.append(f"a {kind.value} has no permission level {one.level.value}; there are {known}")
                continue
            try:
                grantee = self._grantees.get(one.name, one.type)
            except InvalidArgument as error:
                problems.append(error.message)
                continue
            if grantee in entries:
                problems.append(f"{one.type.value} {one.name!r} is named twice; give the highest level alone")
            entries[grantee] = Entry(kind, listed.id, grantee, one.level)
        if problems:
            raise InvalidArgument("; ".join(problems))
        return list(entries.values())

    def _list(self, listed: Listed) -> AccessList:
        kind, object_id, owner = kind_of(listed), listed.id, listed.owner
        own: dict[Grantee, Level] = {}
        inherited: dict[Grantee, Level] = {}
        for entry in self._store.list_of(kind, {object_id, ROOT}):
            (own if entry.object_id == object_id else inherited)[entry.grantee] = entry.level
        inherited[group(ADMINS)] = Level.CAN_MANAGE
        if object_id == ROOT:
            own |= inherited
            inherited = {}
        account = AccountStore(self._connection).find_by_name(owner) if owner else None
        if account is not None:
            own[grantee_of(account)] = Level.CAN_MANAGE
        accounts = self._grantees.accounts_of([*own, *inherited])
        holders = [
            Holder(
                grantee,
                accounts.get(grantee),
                own.get(grantee),
                (inherited[grantee],) if grantee in inherited else (),
            )
            for grantee in {**own, **inherited}
            if grantee.type is GranteeType.GROUP or grantee in accounts
        ]
        return AccessList(kind, object_id, tuple(sorted(holders, key=_order)))


def _told(before: AccessList, after: AccessList) -> AccessList:
    note(object=f"{OBJECT_TYPES[after.kind]}/{after.object_id}", before=_own_levels(before), after=_own_levels(after))
    return after


def _own_levels(found: AccessList) -> dict[str, str]:
    return {holder.name: holder.own.value for holder in found.holders if holder.own}


def root_of(kind: Kind) -> Listed:
    """The object that stands for all of a kind. It has no owner."""
    match kind:
        case Kind.ENDPOINT:
            return Endpoint(ROOT, ROOT, "")
        case Kind.EXPERIMENT:
            return Experiment(ROOT, None)
    return Model(ROOT, ROOT, "")


def _order(holder: Holder) -> tuple[int, str]:
    return list(GranteeType).index(holder.grantee.type), holder.name
