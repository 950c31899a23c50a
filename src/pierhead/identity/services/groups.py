"""Groups: what they are called, who is in them, what they entitle to."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import FIRST_GROUPS, WORKSPACE_ACCESS, Account, Group
from pierhead.identity.domain.grantees import group as grantee_group
from pierhead.identity.domain.names import check_entitlements
from pierhead.identity.domain.queries import Condition, Page
from pierhead.identity.services.account_ids import new_account_id
from pierhead.identity.services.directory import Accounts
from pierhead.identity.services.grantees import Grantees
from pierhead.identity.services.taken_names import claim_name
from pierhead.identity.store.account_rows import AccountStore
from pierhead.identity.store.group_rows import GroupStore
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound

_FIRST_ENTITLEMENTS = frozenset({WORKSPACE_ACCESS})


class Groups:
    """Use cases on groups. Whoever calls has checked that they may."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._store = GroupStore(connection)
        self._rows = AccountStore(connection)
        self._accounts = Accounts(connection, clock)

    def set_up(self) -> None:
        """Make the first groups, and complete those of older releases; harmless when all is there."""
        for name in self._store.list_names_without_id():
            entitlements = _FIRST_ENTITLEMENTS if name in FIRST_GROUPS else frozenset()
            self._store.complete(name, group_id=new_account_id(), entitlements=entitlements)
        for name in FIRST_GROUPS:
            if self._store.find_by_name(name) is None:
                self._store.add(Group(new_account_id(), name, _FIRST_ENTITLEMENTS))

    def create(
        self,
        name: str,
        *,
        entitlements: frozenset[str] = frozenset(),
        external_id: str | None = None,
        member_ids: Iterable[str] = (),
    ) -> Group:
        """Raises InvalidArgument (also for an unknown member) or AlreadyExists."""
        group = Group(
            new_account_id(), claim_name(self._connection, "group", name), check_entitlements(entitlements), external_id
        )
        self._store.add(group)
        for account in self._members_of(member_ids):
            self._accounts.join(account, group.name)
        note(object=group.name)
        return group

    def get(self, name: str) -> Group:
        """Raises NotFound."""
        group = self._store.find_by_name(name)
        if group is None:
            raise NotFound(f"group {name!r} does not exist; there are {', '.join(one.name for one in self.list_all())}")
        return group

    def get_by_id(self, group_id: str) -> Group:
        """Raises NotFound."""
        group = self._store.find_by_id(group_id)
        if group is None:
            raise NotFound(f"there is no group with id {group_id!r}")
        return group

    def list_all(self) -> list[Group]:
        """By name."""
        return self._store.list_all()

    def search(self, condition: Condition | None, page: Page) -> tuple[list[Group], int]:
        """One page of those that match, and how many match in all. Raises InvalidArgument."""
        return self._store.search(condition, page)

    def list_members(self, group: Group) -> list[Account]:
        """By name."""
        return self._rows.list_members([group.name])

    def members_of_all(self, groups: Collection[Group]) -> Mapping[str, list[Account]]:
        """Name of each group -> its members, by name."""
        names = [group.name for group in groups]
        accounts = self._rows.list_members(names)
        return {name: [account for account in accounts if name in account.groups] for name in names}

    def list_ids(self, names: Collection[str]) -> dict[str, str]:
        """Name -> id."""
        return {group.name: group.id for group in self._store.list_all() if group.name in names}

    def save(self, wanted: Group, member_ids: Iterable[str]) -> Group:
        """Make the stored group and its members like this. Raises InvalidArgument or InvalidState."""
        stored = self.get_by_id(wanted.id)
        if wanted.name != stored.name:
            raise InvalidArgument(
                f"group {stored.name!r} cannot be renamed to {wanted.name!r}: rights and policies name it; "
                "create another"
            )
        self._store.set_profile(
            stored.name,
            external_id=wanted.external_id,
            entitlements=check_entitlements(wanted.entitlements),
        )
        members = {account.id: account for account in self._members_of(member_ids)}
        present = {account.id: account for account in self.list_members(stored)}
        # First in, then out: so `admins` can pass from one to another.
        for account_id in sorted(members.keys() - present.keys()):
            self._accounts.join(members[account_id], stored.name)
        for account_id in sorted(present.keys() - members.keys()):
            self._accounts.leave(present[account_id], stored.name)
        note(object=stored.name, before=_state(stored, present.values()), after=_state(wanted, members.values()))
        return wanted

    def delete(self, group: Group) -> None:
        """Raises InvalidState for a group that exists from the start."""
        if group.name in FIRST_GROUPS:
            raise InvalidState(f"group {group.name!r} is built in and cannot be deleted")
        note(object=group.name, before=_state(group, self.list_members(group)))
        # A later group of this name must not come into its rights.
        Grantees(self._connection).forget(grantee_group(group.name))
        self._store.delete(group.name)

    def _members_of(self, ids: Iterable[str]) -> list[Account]:
        wanted = set(ids)
        found = self._rows.list_by_ids(wanted)
        unknown = wanted - {account.id for account in found}
        if unknown:
            raise InvalidArgument(
                f"no user or service principal has the id {', '.join(map(repr, sorted(unknown)))}; "
                "members are given by their ids, and groups cannot be members"
            )
        return found


def _state(group: Group, members: Iterable[Account]) -> dict[str, object]:
    """What the audit trail keeps of a group."""
    return {"members": sorted(account.name for account in members), "entitlements": sorted(group.entitlements)}
