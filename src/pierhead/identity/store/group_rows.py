"""Rows of groups."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pierhead.identity.domain.accounts import Group
from pierhead.identity.domain.names import fold
from pierhead.identity.domain.queries import Condition, Field, Page
from pierhead.identity.store.accounts import groups
from pierhead.identity.store.conditions import GROUP_COLUMNS, groups_where
from pierhead.identity.store.words import from_column, to_column
from pierhead.kit.errors import AlreadyExists


class GroupStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_by_name(self, name: str) -> Group | None:
        found = self._select(or_(groups.c.name == name, groups.c.folded_name == fold(name)))
        return min(found, key=lambda group: group.name != name, default=None)

    def find_by_id(self, group_id: str) -> Group | None:
        return next(iter(self._select(groups.c.id == group_id)), None)

    def list_all(self) -> list[Group]:
        """By name."""
        return self._select()

    def search(self, condition: Condition | None, page: Page) -> tuple[list[Group], int]:
        """One page, and how many there are in all."""
        where = [] if condition is None else [groups_where(condition)]
        total = self._connection.scalar(select(func.count()).select_from(groups).where(*where)) or 0
        column = groups.c.name if page.order_by is Field.NAME else GROUP_COLUMNS[page.order_by]
        order = column.desc() if page.is_descending else column.asc()
        query = select(groups).where(*where).order_by(order, groups.c.name).offset(page.skip).limit(page.limit)
        return [_group(row) for row in self._connection.execute(query)], total

    def add(self, group: Group) -> None:
        """Raises AlreadyExists if somebody else took the name in this very moment."""
        row = insert(groups).values(
            name=group.name,
            id=group.id,
            folded_name=fold(group.name),
            external_id=group.external_id,
            entitlements=to_column(group.entitlements),
        )
        try:
            with self._connection.begin_nested():
                self._connection.execute(row)
        except IntegrityError:
            raise AlreadyExists(f"group {group.name!r} exists already") from None

    def set_profile(self, name: str, *, external_id: str | None, entitlements: frozenset[str]) -> None:
        self._set(name, external_id=external_id, entitlements=to_column(entitlements))

    def delete(self, name: str) -> None:
        self._connection.execute(delete(groups).where(groups.c.name == name))

    def list_names_without_id(self) -> Sequence[str]:
        """Groups of older releases, as these left them."""
        return self._connection.scalars(select(groups.c.name).where(groups.c.id.is_(None))).all()

    def complete(self, name: str, *, group_id: str, entitlements: frozenset[str]) -> None:
        """Give a group of an older release what it lacks."""
        self._set(name, id=group_id, folded_name=fold(name), entitlements=to_column(entitlements))

    def _set(self, name: str, **values: Any) -> None:
        self._connection.execute(update(groups).where(groups.c.name == name).values(**values))

    def _select(self, *where: ColumnElement[bool]) -> list[Group]:
        return [_group(row) for row in self._connection.execute(select(groups).where(*where).order_by(groups.c.name))]


def _group(row: Any) -> Group:
    # Only before the first start of this release has a group no id.
    return Group(row.id or "", row.name, from_column(row.entitlements), row.external_id)
