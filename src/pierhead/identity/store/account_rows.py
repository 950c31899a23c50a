"""Rows of users and service principals."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from pierhead.identity.domain.accounts import ADMINS, Account
from pierhead.identity.domain.names import fold
from pierhead.identity.domain.queries import Condition, Field, Page
from pierhead.identity.store.accounts import groups, memberships, users
from pierhead.identity.store.conditions import ACCOUNT_COLUMNS, accounts_where
from pierhead.identity.store.words import from_column, to_column
from pierhead.kit.errors import AlreadyExists
from pierhead.kit.web.caller import PrincipalKind

owners = users.alias("owners")
with_owner = users.outerjoin(owners, owners.c.id == users.c.owner_id)
columns = (*users.c, owners.c.name.label("owner"))
can_act = and_(
    users.c.is_active,
    users.c.deleted_at.is_(None),
    or_(users.c.kind == PrincipalKind.USER.value, and_(owners.c.is_active, owners.c.deleted_at.is_(None))),
)
"""Whether an account may log in: a service principal only while its owner may. Needs `with_owner`."""

_IDS_PER_QUERY = 500


class AccountStore:
    """Rows to domain objects and back; never commits. Deleted accounts are found only where it says so."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_by_name(self, name: str) -> Account | None:
        """By name, deleted or not. One that is spelt so comes before one that differs by case."""
        found = self._select(or_(users.c.name == name, users.c.folded_name == fold(name)))
        return min(found, key=lambda account: account.name != name, default=None)

    def find_by_application_id(self, application_id: str) -> Account | None:
        """A service principal, deleted or not."""
        return next(iter(self._select(users.c.application_id == application_id.lower())), None)

    def find_by_id(self, account_id: str) -> Account | None:
        """Deleted or not."""
        return next(iter(self._select(users.c.id == account_id)), None)

    def list_by_ids(self, ids: Iterable[str]) -> list[Account]:
        """Those that are not deleted."""
        wanted = sorted(set(ids))
        found: list[Account] = []
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            some = wanted[start : start + _IDS_PER_QUERY]
            found += self._select(users.c.id.in_(some), users.c.deleted_at.is_(None))
        return found

    def list_all(self, kind: PrincipalKind | None = None) -> list[Account]:
        """All that are not deleted, by name."""
        return self._select(users.c.deleted_at.is_(None), true() if kind is None else users.c.kind == kind.value)

    def list_members(self, groups: Collection[str]) -> list[Account]:
        """Those in at least one of these groups, by name."""
        inside = select(memberships.c.user_id).where(memberships.c.group_name.in_(groups))
        return self._select(users.c.id.in_(inside))

    def lock_admins(self) -> list[Account]:
        """The members of `admins`; until the transaction ends, nobody else changes who is one."""
        self._connection.execute(select(groups.c.name).where(groups.c.name == ADMINS).with_for_update())
        return self.list_members([ADMINS])

    def search(self, kind: PrincipalKind, condition: Condition | None, page: Page) -> tuple[list[Account], int]:
        """One page of those that are not deleted, and how many there are in all."""
        where = [users.c.kind == kind.value, users.c.deleted_at.is_(None)]
        if condition is not None:
            where.append(accounts_where(condition))
        total = self._connection.scalar(select(func.count()).select_from(users).where(*where)) or 0
        column = users.c.name if page.order_by is Field.NAME else ACCOUNT_COLUMNS[page.order_by]
        order = column.desc() if page.is_descending else column.asc()
        rows = self._connection.execute(
            select(*columns)
            .select_from(with_owner)
            .where(*where)
            .order_by(order, users.c.id)
            .offset(page.skip)
            .limit(page.limit)
        ).all()
        return self._accounts(rows), total

    def add(self, account: Account, owner_id: str | None) -> None:
        """Raises AlreadyExists if somebody else took the name or the application id in this very moment."""
        row = insert(users).values(
            id=account.id,
            name=account.name,
            folded_name=fold(account.name),
            kind=account.kind.value,
            is_active=account.is_active,
            created_at=account.created_at,
            display_name=account.display_name,
            external_id=account.external_id,
            owner_id=owner_id,
            application_id=account.application_id,
            entitlements=to_column(account.entitlements),
        )
        try:
            with self._connection.begin_nested():
                self._connection.execute(row)
        except IntegrityError:
            raise AlreadyExists(f"{account.title} exists already") from None
        for group in sorted(account.groups):
            self.join(account.id, group)

    def set_active(self, account_id: str, is_active: bool) -> None:
        self._set(account_id, is_active=is_active)

    def set_deleted(self, account_id: str, at: datetime | None) -> None:
        self._set(account_id, deleted_at=at, is_active=at is None)

    def set_owner(self, account_id: str, owner_id: str) -> None:
        self._set(account_id, owner_id=owner_id)

    def set_profile(
        self,
        account_id: str,
        *,
        display_name: str | None,
        external_id: str | None,
        entitlements: frozenset[str],
    ) -> None:
        self._set(
            account_id,
            display_name=display_name,
            external_id=external_id,
            entitlements=to_column(entitlements),
        )

    def fold_names(self) -> None:
        """Give rows of older releases their folded name, except where another row has it."""
        taken = set(self._connection.scalars(select(users.c.folded_name).where(users.c.folded_name.is_not(None))))
        unfolded = select(users.c.id, users.c.name).where(users.c.folded_name.is_(None)).order_by(users.c.created_at)
        for row in self._connection.execute(unfolded).all():
            if fold(row.name) not in taken:
                taken.add(fold(row.name))
                self._set(row.id, folded_name=fold(row.name))

    def join(self, account_id: str, group: str) -> None:
        """Harmless if it is there already, even if somebody else does it in this very moment."""
        with suppress(IntegrityError), self._connection.begin_nested():
            self._connection.execute(insert(memberships).values(user_id=account_id, group_name=group))

    def leave(self, account_id: str, group: str) -> None:
        self._connection.execute(
            delete(memberships).where(memberships.c.user_id == account_id, memberships.c.group_name == group)
        )

    def _set(self, account_id: str, **values: Any) -> None:
        self._connection.execute(update(users).where(users.c.id == account_id).values(**values))

    def _select(self, *where: ColumnElement[bool]) -> list[Account]:
        rows = self._connection.execute(
            select(*columns).select_from(with_owner).where(*where).order_by(users.c.name)
        ).all()
        return self._accounts(rows)

    def _accounts(self, rows: Iterable[Any]) -> list[Account]:
        rows = list(rows)
        groups_of = self.groups_of([row.id for row in rows])
        return [account_of(row, groups_of.get(row.id, frozenset())) for row in rows]

    def groups_of(self, ids: list[str]) -> dict[str, frozenset[str]]:
        """Account's id -> names of groups, in one query for up to 500 of them and one for more."""
        query = select(memberships)
        if len(ids) <= _IDS_PER_QUERY:
            query = query.where(memberships.c.user_id.in_(ids))
        found: dict[str, set[str]] = {}
        for row in self._connection.execute(query) if ids else ():
            found.setdefault(row.user_id, set()).add(row.group_name)
        return {account_id: frozenset(names) for account_id, names in found.items()}


def account_of(row: Any, groups_of_it: frozenset[str]) -> Account:
    """A account from a row of `columns`."""
    return Account(
        id=row.id,
        name=row.name,
        kind=PrincipalKind(row.kind),
        is_active=row.is_active,
        created_at=row.created_at,
        groups=groups_of_it,
        entitlements=from_column(row.entitlements),
        display_name=row.display_name,
        external_id=row.external_id,
        owner=row.owner,
        application_id=row.application_id,
        deleted_at=row.deleted_at,
    )
