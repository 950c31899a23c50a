"""Users and service principals: who there is, and who may still come in."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import uuid4

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import ADMIN, ADMINS, Account, is_last_admin, title_of
from pierhead.identity.domain.names import check_application_id, check_entitlements
from pierhead.identity.domain.queries import Condition, Page
from pierhead.identity.services.account_ids import new_account_id
from pierhead.identity.services.grantees import Grantees, grantee_of
from pierhead.identity.services.taken_names import claim_name, commands_of
from pierhead.identity.store.account_rows import AccountStore
from pierhead.identity.store.group_rows import GroupStore
from pierhead.identity.store.token_rows import TokenStore
from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import AlreadyExists, InvalidArgument, InvalidState, NotFound
from pierhead.kit.web.caller import PrincipalKind


class Accounts:
    """Use cases on users and service principals. Whoever calls has checked that they may."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._store = AccountStore(connection)
        self._groups = GroupStore(connection)
        self._clock = clock

    def create_user(
        self,
        name: str,
        groups: Iterable[str] = (),
        *,
        display_name: str | None = None,
        external_id: str | None = None,
        entitlements: frozenset[str] = frozenset(),
        is_active: bool = True,
    ) -> Account:
        """Raises InvalidArgument, AlreadyExists (also for a deleted user), or NotFound for an unknown group."""
        account = Account(
            id=new_account_id(),
            name=claim_name(self._connection, "user", name),
            kind=PrincipalKind.USER,
            is_active=is_active,
            created_at=self._clock.now(),
            groups=self._known_groups(groups),
            entitlements=check_entitlements(entitlements),
            display_name=display_name,
            external_id=external_id,
        )
        self._store.add(account, None)
        note(object=account.name, after=_state(account))
        return account

    def create_service_principal(
        self,
        name: str,
        owner: str,
        groups: Iterable[str] = (),
        *,
        application_id: str | None = None,
        external_id: str | None = None,
        entitlements: frozenset[str] = frozenset(),
        is_active: bool = True,
    ) -> Account:
        """`owner` is a user's name. Raises InvalidArgument, AlreadyExists, or NotFound for owner or group."""
        answers_for_it = self._able_owner(owner)
        account = Account(
            id=new_account_id(),
            name=claim_name(self._connection, "service principal", name),
            kind=PrincipalKind.SERVICE_PRINCIPAL,
            is_active=is_active,
            created_at=self._clock.now(),
            groups=self._known_groups(groups),
            entitlements=check_entitlements(entitlements),
            external_id=external_id,
            owner=answers_for_it.name,
            application_id=self._free_application_id(application_id),
        )
        self._store.add(account, answers_for_it.id)
        note(object=account.name, after=_state(account))
        return account

    def find(self, name: str) -> Account | None:
        """By name, or a service principal by its application id; None if deleted."""
        account = self._store.find_by_name(name) or self._store.find_by_application_id(name)
        return None if account is None or account.deleted_at is not None else account

    def find_ever(self, name: str) -> Account | None:
        """By name, deleted or not: what was done under a name stays that account's."""
        return self._store.find_by_name(name)

    def may_act(self, account: Account) -> bool:
        """Whether it could log in now: a service principal only while its owner may."""
        if account.kind is PrincipalKind.USER:
            return account.is_active
        owner = None if account.owner is None else self.find(account.owner)
        return account.is_active and owner is not None and owner.is_active

    def get(self, name: str, kind: PrincipalKind | None = None) -> Account:
        """By name, or a service principal by its application id; of any kind for None. Raises NotFound."""
        account = self.find(name)
        if account is None or kind not in (None, account.kind):
            what = "user or service principal" if kind is None else title_of(kind)
            raise NotFound(f"{what} {name!r} does not exist")
        return account

    def get_by_id(self, account_id: str, kind: PrincipalKind) -> Account:
        """Raises NotFound, for deleted ones too."""
        account = self._store.find_by_id(account_id)
        if account is None or account.deleted_at is not None or account.kind is not kind:
            raise NotFound(f"there is no {title_of(kind)} with id {account_id!r}")
        return account

    def find_by_id(self, account_id: str) -> Account | None:
        """Of any kind; None if deleted."""
        account = self._store.find_by_id(account_id)
        return None if account is None or account.deleted_at is not None else account

    def list_all(self, kind: PrincipalKind | None = None) -> list[Account]:
        """By name, without deleted ones."""
        return self._store.list_all(kind)

    def list_owned_by(self, user: Account) -> list[Account]:
        """The service principals that this user answers for."""
        return [one for one in self._store.list_all(PrincipalKind.SERVICE_PRINCIPAL) if one.owner == user.name]

    def search(self, kind: PrincipalKind, condition: Condition | None, page: Page) -> tuple[list[Account], int]:
        """One page of those that match, and how many match in all. Raises InvalidArgument."""
        return self._store.search(kind, condition, page)

    def save(self, wanted: Account) -> Account:
        """Make the stored account like this one. Raises InvalidArgument, InvalidState or NotFound."""
        stored = self.get_by_id(wanted.id, wanted.kind)
        _refuse_new_name(stored, wanted)
        for group in sorted(self._known_groups(wanted.groups) - stored.groups):
            self.join(stored, group)
        for group in sorted(stored.groups - wanted.groups):
            self.leave(stored, group)
        if wanted.owner is not None and wanted.owner != stored.owner:
            self.set_owner(stored, wanted.owner)
        self._store.set_profile(
            stored.id,
            display_name=wanted.display_name,
            external_id=wanted.external_id,
            entitlements=check_entitlements(wanted.entitlements),
        )
        if wanted.is_active and not stored.is_active:
            self.activate(stored)
        if stored.is_active and not wanted.is_active:
            self.deactivate(stored)
        saved = self.get_by_id(stored.id, stored.kind)
        note(object=stored.name, before=_state(stored), after=_state(saved))
        return saved

    def activate(self, account: Account) -> None:
        """Let its tokens open doors again."""
        note(object=account.name)
        self._store.set_active(account.id, True)

    def deactivate(self, account: Account) -> None:
        """Close every door to it, and to the service principals it answers for. Raises InvalidState."""
        note(object=account.name)
        self._refuse_last_way_in(account, "be deactivated")
        self._store.set_active(account.id, False)

    def delete(self, account: Account) -> None:
        """End it with its tokens, memberships and rights; its name stays taken. Raises InvalidState."""
        note(object=account.name, before=_state(account))
        self._refuse_last_way_in(account, "be deleted")
        Grantees(self._connection).forget(grantee_of(account))
        TokenStore(self._connection).delete_of(account.id)
        for group in sorted(account.groups):
            self._store.leave(account.id, group)
        self._store.set_deleted(account.id, self._clock.now())

    def restore(self, name: str, kind: PrincipalKind) -> Account:
        """Bring a deleted account back, active, without groups, rights and tokens. Raises NotFound or InvalidState."""
        account = self._store.find_by_name(name)
        if account is None or account.kind is not kind:
            raise NotFound(f"there was never a {title_of(kind)} {name!r}")
        if account.deleted_at is None:
            raise InvalidState(
                f"{account.title} is not deleted; if it is not active: "
                f"`pierhead {commands_of(kind)} activate {account.name}`"
            )
        self._store.set_deleted(account.id, None)
        return replace(account, deleted_at=None, is_active=True)

    def set_owner(self, account: Account, owner: str) -> None:
        """Give a service principal to another user. Raises InvalidArgument or NotFound."""
        if account.kind is not PrincipalKind.SERVICE_PRINCIPAL:
            raise InvalidArgument(f"{account.title} answers for itself: only service principals have an owner")
        self._store.set_owner(account.id, self._able_owner(owner).id)
        note(object=account.name, before={"owner": account.owner}, after={"owner": owner})

    def join(self, account: Account, group: str) -> None:
        """Put it into a group; harmless if it is there. Raises NotFound."""
        (name,) = self._known_groups([group])
        self._store.join(account.id, name)

    def leave(self, account: Account, group: str) -> None:
        """Take it out of a group; harmless if it is not there. Raises NotFound or InvalidState."""
        (name,) = self._known_groups([group])
        if name == ADMINS and is_last_admin(account, self._store.lock_admins()):
            raise _last_admin(account, f"leave the group {ADMINS!r}")
        self._store.leave(account.id, name)

    def _refuse_last_way_in(self, account: Account, verb: str) -> None:
        if is_last_admin(account, self._store.lock_admins()):
            raise _last_admin(account, verb)
        if account.kind is PrincipalKind.USER and account.name == ADMIN:
            raise InvalidState(
                f"user {ADMIN!r} cannot {verb}: `pierhead up` and the commands of who owns the home act as it; "
                f"but it can leave the group {ADMINS!r}, as there is another admin"
            )

    def _known_groups(self, names: Iterable[str]) -> frozenset[str]:
        """The groups as they are spelt. Raises NotFound."""
        found = set()
        for name in sorted(set(names)):
            group = self._groups.find_by_name(name)
            if group is None:
                known = ", ".join(group.name for group in self._groups.list_all())
                raise NotFound(f"group {name!r} does not exist; there are {known}")
            found.add(group.name)
        return frozenset(found)

    def _able_owner(self, name: str) -> Account:
        owner = self.get(name, PrincipalKind.USER)
        if not owner.is_active:
            raise InvalidArgument(f"{owner.title} is deactivated and cannot answer for a service principal")
        return owner

    def _free_application_id(self, given: str | None) -> str:
        """Raises InvalidArgument or AlreadyExists."""
        if given is None:
            return str(uuid4())
        wanted = check_application_id(given)
        taken = self._store.find_by_application_id(wanted) or self._store.find_by_name(wanted)
        if taken is not None:
            raise AlreadyExists(f"{taken.title} has the application id {wanted} already")
        return wanted


def _state(account: Account) -> dict[str, object]:
    """What the audit trail keeps of an account."""
    return {
        "active": account.is_active,
        "groups": sorted(account.groups),
        "entitlements": sorted(account.entitlements),
        "owner": account.owner,
    }


def _refuse_new_name(stored: Account, wanted: Account) -> None:
    if wanted.name != stored.name:
        raise InvalidArgument(
            f"{stored.title} cannot be renamed to {wanted.name!r}: what it did stands under its name; create another"
        )
    if wanted.application_id != stored.application_id:
        raise InvalidArgument(f"{stored.title} keeps its application id {stored.application_id}")


def _last_admin(account: Account, verb: str) -> InvalidState:
    return InvalidState(
        f"{account.title} cannot {verb}: it is the last active admin; "
        f"make another one first with `pierhead users add-group NAME {ADMINS}`"
    )
