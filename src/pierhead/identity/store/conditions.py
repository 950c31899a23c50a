"""Conditions of the domain as SQL."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, String, and_, exists, func, not_, or_, select

from pierhead.identity.domain.names import fold
from pierhead.identity.domain.queries import And, Compare, Comparison, Condition, Field, Not, Or
from pierhead.identity.store.accounts import groups, memberships, users
from pierhead.kit.errors import InvalidArgument

Columns = Mapping[Field, ColumnElement[str]]

ACCOUNT_COLUMNS: Columns = {
    Field.ID: users.c.id,
    Field.NAME: users.c.folded_name,
    Field.DISPLAY_NAME: func.coalesce(users.c.display_name, users.c.name, type_=String),
    Field.EXTERNAL_ID: users.c.external_id,
    Field.APPLICATION_ID: users.c.application_id,
}
GROUP_COLUMNS: Columns = {
    Field.ID: groups.c.id,
    Field.NAME: groups.c.folded_name,
    Field.DISPLAY_NAME: groups.c.folded_name,
    Field.EXTERNAL_ID: groups.c.external_id,
}


def accounts_where(condition: Condition) -> ColumnElement[bool]:
    """Raises InvalidArgument for a field that accounts do not have."""
    return _where(condition, ACCOUNT_COLUMNS)


def groups_where(condition: Condition) -> ColumnElement[bool]:
    """Raises InvalidArgument for a field that groups do not have."""
    return _where(condition, GROUP_COLUMNS)


def _where(condition: Condition, columns: Columns) -> ColumnElement[bool]:
    match condition:
        case And(parts):
            return and_(*(_where(part, columns) for part in parts))
        case Or(parts):
            return or_(*(_where(part, columns) for part in parts))
        case Not(part):
            # Without this, what has no value would be neither equal nor unequal.
            return not_(func.coalesce(_where(part, columns), False))
        case Compare():
            return _compare(condition, columns)


def _compare(compare: Compare, columns: Columns) -> ColumnElement[bool]:
    if compare.field in columns:
        return _compare_text(columns[compare.field], compare)
    if columns is ACCOUNT_COLUMNS and compare.field is Field.IS_ACTIVE:
        return users.c.is_active if _is_true(compare) else not_(users.c.is_active)
    if columns is ACCOUNT_COLUMNS and compare.field in (Field.GROUP_ID, Field.GROUP_NAME):
        column = groups.c.id if compare.field is Field.GROUP_ID else groups.c.folded_name
        joined = select(1).select_from(memberships.join(groups))
        return exists(joined.where(memberships.c.user_id == users.c.id, _compare_text(column, compare)))
    if columns is GROUP_COLUMNS and compare.field is Field.MEMBER_ID:
        inner = select(1).where(memberships.c.group_name == groups.c.name)
        return exists(inner.where(_compare_text(memberships.c.user_id, compare)))
    raise InvalidArgument(f"nothing of this kind can be found by its {compare.field.value}")


def _is_true(compare: Compare) -> bool:
    if compare.comparison is not Comparison.EQUALS or not isinstance(compare.value, bool):
        raise InvalidArgument(f"{compare.field.value} is compared with eq true or eq false")
    return compare.value


def _compare_text(column: ColumnElement[str], compare: Compare) -> ColumnElement[bool]:
    if compare.comparison is Comparison.IS_PRESENT:
        return column.is_not(None)
    if not isinstance(compare.value, str):
        raise InvalidArgument(f"the {compare.field.value} is a text: put it in quotes")
    text = fold(compare.value)
    # Folded names are folded already; lower() keeps to ASCII on SQLite, which names need not.
    lowered = column if column in (users.c.folded_name, groups.c.folded_name) else func.lower(column)
    match compare.comparison:
        case Comparison.EQUALS:
            return lowered == text
        case Comparison.CONTAINS:
            return lowered.contains(text, autoescape=True)
        case Comparison.STARTS_WITH:
            return lowered.startswith(text, autoescape=True)
        case Comparison.ENDS_WITH:
            return lowered.endswith(text, autoescape=True)
