"""Results on standard output, as a table or as JSON; narration on standard error."""

import json
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import click


class Format(Enum):
    TABLE = "table"
    JSON = "json"


def show_json(body: Any) -> None:
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print aligned columns; `empty` is said to the person instead when there is no row."""
    lines = table_lines(headings, rows)
    if len(lines) == 1:
        say(empty)
        return
    for line in lines:
        click.echo(line)


def table_lines(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Columns as wide as their widest cell; cells are never cut, so that pipes see all of them.

    >>> table_lines(["NAME", "N"], [["a", 1], ["long", None]])
    ['NAME  N', 'a     1', 'long  -']
    """
    cells = [list(headings)] + [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print one object, a field a line; fields without value are left out."""
    shown = [(name, _cell(value)) for name, value in fields if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{name.ljust(width)}  {value}")


def say(line: str) -> None:
    """Tell the person something that is not the result."""
    click.echo(line, err=True)


def moment(ms: Any) -> str:
    """A wire time (milliseconds since 1970, number or string) for reading.

    >>> moment("1000")
    '1970-01-01 00:00:01Z'
    """
    from datetime import UTC, datetime

    if not ms:
        return ""
    return datetime.fromtimestamp(int(ms) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return " ".join(str(value).split())
