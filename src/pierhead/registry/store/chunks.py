"""Long lists of ids: in pieces, as databases bound the number of values in one statement."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, String, any_, func, literal, select, true

_SIZE = 500


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """
    >>> [len(some) for some in chunks(["id"] * 501)]
    [500, 1]
    """
    for start in range(0, len(ids), _SIZE):
        yield ids[start : start + _SIZE]


def among(connection: Connection, column: ColumnElement[str], ids: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column's value is one of `ids`.

    Postgres gets them as one text: hundreds of single values take it longer to read than to look up, and an array takes
    its driver longer to write.
    """
    if connection.dialect.name == "postgresql":
        return column == any_(_array(ids))
    return column.in_(ids)


def select_of_each(
    connection: Connection, column: ColumnElement[str], ids: Sequence[str], *others: ColumnElement[Any]
) -> Select[Any]:
    """`column` and `others` of the rows in which `column` has one of these values, in no order.

    Postgres looks each id up by itself: left to choose, its planner reads the whole of another table, or of an index
    that begins with another column.
    """
    if connection.dialect.name != "postgresql":
        return select(column, *others).where(column.in_(ids))
    wanted: FromClause = func.unnest(_array(ids)).table_valued("id", name="wanted").render_derived()
    # OFFSET keeps the planner from taking it apart.
    rows = select(column, *others).where(column == wanted.c.id).offset(0).lateral("found")
    return select(rows).select_from(wanted.join(rows, true()))


def _array(ids: Sequence[str]) -> ColumnElement[Any]:
    return func.string_to_array(literal(",".join(ids), String), literal(",", String))
