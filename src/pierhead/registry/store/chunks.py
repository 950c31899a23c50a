"""Long lists of ids: in pieces, as databases bound the number of values in one statement."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ARRAY, ColumnElement, Connection, String, any_, literal

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

    Postgres gets them as one array: hundreds of single values take it longer to read than to look up.
    """
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(ids), ARRAY(String)))
    return column.in_(ids)
