"""A name is one account's or one group's, for ever: rights and records stand under it."""

from sqlalchemy import Connection

from pierhead.identity.domain.accounts import EVERYBODY, Account
from pierhead.identity.domain.names import check_name, fold
from pierhead.identity.store.account_rows import AccountStore
from pierhead.identity.store.group_rows import GroupStore
from pierhead.kit.errors import AlreadyExists
from pierhead.kit.web.caller import PrincipalKind


def claim_name(connection: Connection, what: str, name: str) -> str:
    """The name, free for a new `what` (user, group, ...). Raises InvalidArgument or AlreadyExists."""
    check_name(what, name)
    accounts = AccountStore(connection)
    account = accounts.find_by_name(name) or accounts.find_by_application_id(name)
    if account is not None:
        raise AlreadyExists(_of_account(account))
    if fold(name) in EVERYBODY:
        raise AlreadyExists(f"{name!r} stands for everybody: rights can be given to it, but nobody joins or leaves it")
    group = GroupStore(connection).find_by_name(name)
    if group is not None:
        raise AlreadyExists(
            f"group {group.name!r} exists already" + ("" if what == "group" else "; choose another name")
        )
    return name


def _of_account(account: Account) -> str:
    if account.deleted_at is None:
        return f"{account.title} exists already"
    return (
        f"{account.title} was deleted, and its name stays with what was done under it; "
        f"bring it back with `pierhead {commands_of(account.kind)} restore {account.name}`"
    )


def commands_of(kind: PrincipalKind) -> str:
    """The group of commands for accounts of a kind."""
    return "users" if kind is PrincipalKind.USER else "service-principals"
