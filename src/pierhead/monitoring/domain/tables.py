"""What can be said of a Delta table without reading its rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pierhead.kit.names import FullName

_SQL_NAMES = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}


@dataclass(frozen=True, slots=True)
class Column:
    """`delta_type` is the type as the table's log writes it: a name, or an object for nested types."""

    name: str
    delta_type: str | dict[str, Any]
    is_nullable: bool


@dataclass(frozen=True, slots=True)
class TableDescription:
    """`created_ms` is milliseconds since 1970."""

    id: str
    full_name: FullName
    location: Path
    version: int
    created_ms: int | None
    properties: dict[str, str]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class InferenceTable:
    """An inference table and what is on its way into it; no version and no rows before the first commit.

    `problem` says why the table cannot be read, if so.
    """

    full_name: FullName
    location: Path
    version: int | None
    rows: int | None
    backlog_bytes: int
    problem: str | None = None


def sql_type(delta_type: str | dict[str, Any]) -> str:
    """The type as SQL writes it.

    >>> sql_type({"type": "array", "elementType": "long", "containsNull": True})
    'array<bigint>'
    >>> sql_type({"type": "struct", "fields": [{"name": "a", "type": "string"}]})
    'struct<a:string>'
    """
    if isinstance(delta_type, str):
        return _SQL_NAMES.get(delta_type, delta_type)
    match delta_type["type"]:
        case "array":
            return f"array<{sql_type(delta_type['elementType'])}>"
        case "map":
            return f"map<{sql_type(delta_type['keyType'])},{sql_type(delta_type['valueType'])}>"
        case _:
            fields = (f"{field['name']}:{sql_type(field['type'])}" for field in delta_type["fields"])
            return f"struct<{','.join(fields)}>"
