"""Names of users, service principals and groups, for rights: names in calls, ids in rows."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import EVERYBODY, Account
from pierhead.identity.domain.grantees import Grantee, GranteeType, group
from pierhead.identity.store.account_rows import AccountStore
from pierhead.identity.store.grants import GrantStore
from pierhead.identity.store.group_rows import GroupStore
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import PrincipalKind

_TYPES = {
    PrincipalKind.USER: GranteeType.USER,
    PrincipalKind.SERVICE_PRINCIPAL: GranteeType.SERVICE_PRINCIPAL,
}


class Grantees:
    """Looks up both ways. No two of all users, service principals and groups have the same name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._accounts = AccountStore(connection)
        self._groups = GroupStore(connection)

    def get(self, name: str, type: GranteeType | None = None) -> Grantee:
        """By name, spelt exactly so, or a service principal by its application id; of any type for None.

        Raises InvalidArgument.
        """
        found = self._find_group(name) or self._find_account(name)
        if found is None or type not in (None, found.type):
            what = "user, service principal or group" if type is None else type.value
            raise InvalidArgument(f"{what} {name!r} does not exist")
        return found

    def names_of(self, grantees: Iterable[Grantee]) -> Mapping[Grantee, str]:
        """What each is called, service principals by their names. Those that were deleted are left out."""
        wanted = set(grantees)
        return {grantee: account.name for grantee, account in self.accounts_of(wanted).items()} | {
            grantee: grantee.id for grantee in wanted if grantee.type is GranteeType.GROUP
        }

    def accounts_of(self, grantees: Iterable[Grantee]) -> Mapping[Grantee, Account]:
        """Users and service principals that are not deleted."""
        ids = {grantee.id for grantee in grantees if grantee.type is not GranteeType.GROUP}
        return {grantee_of(account): account for account in self._accounts.list_by_ids(ids)}

    def forget(self, grantee: Grantee) -> None:
        """Take away everything that was given to one who is no more."""
        PermissionStore(self._connection).forget_grantee(grantee)
        GrantStore(self._connection).forget_grantee(grantee)

    def _find_group(self, name: str) -> Grantee | None:
        if name in EVERYBODY:
            return group(name)
        found = self._groups.find_by_name(name)
        return None if found is None or found.name != name else group(name)

    def _find_account(self, name: str) -> Grantee | None:
        account = self._accounts.find_by_name(name)
        if account is None or account.name != name:
            account = self._accounts.find_by_application_id(name)
        return None if account is None or account.deleted_at is not None else grantee_of(account)


def grantee_of(account: Account) -> Grantee:
    return Grantee(_TYPES[account.kind], account.id)
