"""Searches as SQL: conditions, order and the place where the last page ended."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeGuard, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
)

from pierhead.identity.domain.objects import Readable
from pierhead.registry.domain.models import ModelVersion, RegisteredModel
from pierhead.registry.domain.names import PROMPT_TAG
from pierhead.registry.domain.pages import Position
from pierhead.registry.domain.queries import Attribute, Condition, Field, Namespace, Operator, Order, Query
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.tables import (
    model_version_tags,
    model_versions,
    registered_model_tags,
    registered_models,
)
from pierhead.registry.store.versions import VersionStore, select_versions

_MOMENTS = frozenset({Field.CREATED_AT, Field.UPDATED_AT})
_Columns = Mapping[Field, ColumnElement[Any]]


Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Page(Generic[Found]):
    """`end` is where the next page begins; None if this is the last."""

    items: Sequence[Found]
    end: Position | None


def kinds_of(order: Sequence[Order]) -> list[type]:
    """The types of a position's values under this order."""
    return [str if order.field is Field.NAME else int for order in order]


class SearchStore:
    """Finds what a query describes."""

    def __init__(self, connection: Connection, readable: Readable) -> None:
        self._connection = connection
        self._readable = readable
        self._is_sqlite = connection.dialect.name == "sqlite"

    def find_models(
        self, query: Query, after: Position | None, limit: int, within: Namespace | None
    ) -> Page[RegisteredModel]:
        columns = {
            Field.NAME: registered_models.c.name,
            Field.CREATED_AT: registered_models.c.created_at,
            Field.UPDATED_AT: registered_models.c.updated_at,
        }
        tags = _Tags(registered_model_tags, registered_model_tags.c.model_id == registered_models.c.id)
        where = [self._condition(condition, columns, tags) for condition in query.conditions]
        where += [*_without_prompts(query, tags), *_within(within), *_shown(self._readable)]
        rows, end = self._page(select(registered_models).where(*where), columns, query.order, after, limit)
        return Page(ModelStore(self._connection).load(rows), end)

    def find_versions(
        self, query: Query, after: Position | None, limit: int, within: Namespace | None = None
    ) -> Page[ModelVersion]:
        columns = {
            Field.NAME: registered_models.c.name,
            Field.RUN_ID: model_versions.c.run_id,
            Field.SOURCE: model_versions.c.source,
            Field.NUMBER: model_versions.c.number,
            Field.CREATED_AT: model_versions.c.created_at,
            Field.UPDATED_AT: model_versions.c.updated_at,
        }
        tags = _Tags(model_version_tags, model_version_tags.c.version_id == model_versions.c.id)
        where = [
            _of_model(condition.value) if _names_model(condition) else self._condition(condition, columns, tags)
            for condition in query.conditions
        ]
        where += [*_without_prompts(query, tags), *_within(within), *_shown(self._readable)]
        fixed = frozenset({Field.NAME}) if any(map(_names_model, query.conditions)) else frozenset()
        rows, end = self._page(select_versions().where(*where), columns, query.order, after, limit, fixed)
        return Page(VersionStore(self._connection).load(rows), end)

    def _page(
        self,
        select_: Select[Any],
        columns: _Columns,
        order: Sequence[Order],
        after: Position | None,
        limit: int,
        fixed: frozenset[Field] = frozenset(),
    ) -> tuple[list[Row[Any]], Position | None]:
        """`fixed` have one value in all rows: an index without them has the right order."""
        keys = [_key(each.field, columns[each.field]) for each in order]
        sorting = [(key, each) for key, each in zip(keys, order, strict=True) if each.field not in fixed]
        if after is not None:
            values = [value for value, each in zip(after, order, strict=True) if each.field not in fixed]
            select_ = select_.where(_beyond(sorting, values))
        select_ = select_.order_by(*(key if each.is_ascending else key.desc() for key, each in sorting))
        # One row more than asked for tells whether there is another page.
        select_ = select_.add_columns(*(key.label(f"key_{at}") for at, key in enumerate(keys))).limit(limit + 1)
        rows = list(self._connection.execute(select_).all())
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]._mapping
        return rows[:limit], tuple(last[f"key_{at}"] for at in range(len(keys)))

    def _condition(self, condition: Condition, columns: _Columns, tags: "_Tags") -> ColumnElement[bool]:
        if isinstance(condition, Attribute):
            return self._compare(columns[condition.field], condition.operator, condition.value)
        return tags.having(condition.key, self._compare(tags.value, condition.operator, condition.value))

    def _compare(self, column: ColumnElement[Any], comparison: Operator, value: Any) -> ColumnElement[bool]:
        # SQLite's LIKE takes upper and lower case for the same; its GLOB does not.
        if comparison is Operator.LIKE and self._is_sqlite:
            return column.op("GLOB", is_comparison=True)(_glob(value))
        return _COMPARISONS[comparison](column, value)


@dataclass(frozen=True, slots=True)
class _Tags:
    """A table of tags and how it belongs to what is searched."""

    table: Table
    belongs: ColumnElement[bool]

    @property
    def value(self) -> ColumnElement[Any]:
        return self.table.c.value

    def having(self, key: str, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(self.belongs, self.table.c.key == key, condition)


def _without_prompts(query: Query, tags: _Tags) -> list[ColumnElement[bool]]:
    return [] if query.wants_prompts else [~tags.having(PROMPT_TAG, func.lower(tags.value) == "true")]


def _names_model(condition: Condition) -> TypeGuard[Attribute]:
    return isinstance(condition, Attribute) and (condition.field, condition.operator) == (Field.NAME, Operator.EQUAL)


def _of_model(name: object) -> ColumnElement[bool]:
    """Versions of one model. By its id: an index gives them in the order that is mostly asked for."""
    return model_versions.c.model_id == (
        select(registered_models.c.id).where(registered_models.c.name == name).scalar_subquery()
    )


def _within(namespace: Namespace | None) -> list[ColumnElement[bool]]:
    if namespace is None:
        return []
    where: list[ColumnElement[bool]] = [registered_models.c.catalog_name.is_not(None)]
    if namespace.catalog is not None:
        where.append(registered_models.c.catalog_name == namespace.catalog)
    if namespace.schema is not None:
        where.append(registered_models.c.schema_name == namespace.schema)
    return where


def _shown(readable: Readable) -> list[ColumnElement[bool]]:
    if readable.everything:
        return []
    columns = registered_models.c
    ways = [
        func.coalesce(columns.owner, columns.user_name).in_(sorted(readable.owners)),
        columns.id.in_(sorted(readable.ids)),
        columns.catalog_name.in_(sorted(readable.catalogs)),
        tuple_(columns.catalog_name, columns.schema_name).in_(sorted(readable.schemas)),
    ]
    if readable.every_catalog:
        ways.append(columns.catalog_name.is_not(None))
    return [or_(*ways)]


def _beyond(sorting: Sequence[tuple[ColumnElement[Any], Order]], after: Sequence[str | int]) -> ColumnElement[bool]:
    """Rows that come after these values: equal in the first keys, beyond them in the next."""
    ways = []
    for at, (key, each) in enumerate(sorting):
        same = [sorting[i][0] == after[i] for i in range(at)]
        ways.append(and_(*same, key > after[at] if each.is_ascending else key < after[at]))
    # The first key alone bounds the search in an index, which the ways together do not.
    first, each = sorting[0]
    return and_(first >= after[0] if each.is_ascending else first <= after[0], or_(*ways))


def _key(field: Field, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What is sorted by: a moment as the number that it is kept as."""
    return type_coerce(column, BigInteger) if field in _MOMENTS else column


def _plain_backslashes(pattern: str) -> str:
    r"""A LIKE pattern in which a backslash means itself, as MLflow has it.

    >>> _plain_backslashes("a\\b%")
    'a\\\\b%'
    """
    return pattern.replace("\\", "\\\\")


def _glob(pattern: str) -> str:
    """A LIKE pattern as a GLOB pattern.

    >>> _glob("50*_%")
    '50[*]?*'
    """
    return "".join({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}.get(c, c) for c in pattern)


_COMPARISONS: Mapping[Operator, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    Operator.EQUAL: operator.eq,
    Operator.NOT_EQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.LESS_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_EQUAL: operator.ge,
    Operator.IN: lambda column, values: column.in_(values),
    Operator.NOT_IN: lambda column, values: column.not_in(values),
    Operator.LIKE: lambda column, pattern: column.like(_plain_backslashes(pattern), escape="\\"),
    Operator.ILIKE: lambda column, pattern: column.ilike(_plain_backslashes(pattern), escape="\\"),
}
