"""Types of columns: as Delta's log writes them, checked, and in the words of SQL and Unity Catalog."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pierhead.kit.errors import InvalidArgument

DeltaType = str | dict[str, Any]

SQL_NAMES = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}
_NUMBERS = frozenset({"long", "integer", "short", "byte", "float", "double"})
PRIMITIVES = _NUMBERS | {"string", "boolean", "binary", "date", "timestamp", "timestamp_ntz"}
_TYPE_NAMES = {"integer": "INT"}
_DELTA_OF_TYPE_NAME = {"INT": "integer", "CHAR": "string"}
_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s?(\d{1,2})\)")
_LARGEST_PRECISION = 38
DEEPEST = 32


def sql_type(delta_type: DeltaType) -> str:
    """The type as SQL writes it.

    >>> sql_type({"type": "array", "elementType": "long", "containsNull": True})
    'array<bigint>'
    >>> sql_type({"type": "struct", "fields": [{"name": "a", "type": "string"}]})
    'struct<a:string>'
    """
    if isinstance(delta_type, str):
        return SQL_NAMES.get(delta_type, delta_type)
    match delta_type["type"]:
        case "array":
            return f"array<{sql_type(delta_type['elementType'])}>"
        case "map":
            return f"map<{sql_type(delta_type['keyType'])},{sql_type(delta_type['valueType'])}>"
        case _:
            fields = (f"{field['name']}:{sql_type(field['type'])}" for field in delta_type["fields"])
            return f"struct<{','.join(fields)}>"


def type_name(delta_type: DeltaType) -> str:
    """The type as one of Unity Catalog's words.

    >>> type_name("decimal(10,2)"), type_name("integer")
    ('DECIMAL', 'INT')
    """
    kind = delta_type if isinstance(delta_type, str) else delta_type["type"]
    base = str(kind).partition("(")[0]
    return _TYPE_NAMES.get(base, base.upper())


def from_delta(value: Any, depth: int = 0) -> DeltaType:
    """A type as a log writes it, checked. Raises InvalidArgument.

    >>> from_delta("long")
    'long'
    """
    if depth > DEEPEST:
        raise InvalidArgument(f"a column's type is nested more than {DEEPEST} deep")
    match value:
        case str():
            return _from_name(value)
        case {"type": "array", "elementType": element}:
            return array(from_delta(element, depth + 1), bool(value.get("containsNull", True)))
        case {"type": "map", "keyType": key, "valueType": item}:
            contains_null = bool(value.get("valueContainsNull", True))
            return map_(from_delta(key, depth + 1), from_delta(item, depth + 1), contains_null)
        case {"type": "struct", "fields": [*fields]} if fields:
            return {"type": "struct", "fields": [_field(field, depth + 1) for field in fields]}
    raise InvalidArgument(f"{json.dumps(value)[:200]} is not a type of a column")


def from_type_name(name: str, precision: int | None, scale: int | None) -> DeltaType:
    """The type of one of Unity Catalog's words. Raises InvalidArgument for nested types: those need more than a word.

    >>> from_type_name("DECIMAL", 10, 2), from_type_name("INT", None, None)
    ('decimal(10,2)', 'integer')
    """
    if name == "DECIMAL" and precision:
        return decimal(precision, scale or 0)
    delta = _DELTA_OF_TYPE_NAME.get(name, name.lower())
    if delta not in PRIMITIVES:
        raise InvalidArgument(f"type {name} needs a type_text, like 'decimal(10,2)' or 'array<string>'")
    return delta


def _from_name(name: str) -> str:
    if name in PRIMITIVES:
        return name
    if found := _DECIMAL.fullmatch(name):
        return decimal(int(found[1]), int(found[2]))
    raise InvalidArgument(f"{name!r} is not a type of a column")


def _field(field: Any, depth: int) -> dict[str, Any]:
    if not isinstance(field, Mapping) or not isinstance(field.get("name"), str) or not field["name"]:
        raise InvalidArgument("each field of a struct needs a name and a type")
    nullable = bool(field.get("nullable", True))
    return struct_field(field["name"], from_delta(field.get("type"), depth), nullable)


def struct_field(name: str, delta_type: DeltaType, nullable: bool = True) -> dict[str, Any]:
    return {"name": name, "type": delta_type, "nullable": nullable, "metadata": {}}


def array(element: DeltaType, contains_null: bool = True) -> DeltaType:
    return {"type": "array", "elementType": element, "containsNull": contains_null}


def map_(key: DeltaType, value: DeltaType, contains_null: bool = True) -> DeltaType:
    return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": contains_null}


def decimal(precision: int, scale: int) -> str:
    if not 0 < precision <= _LARGEST_PRECISION or not 0 <= scale <= precision:
        raise InvalidArgument(f"decimal({precision},{scale}) is not a type of a column")
    return f"decimal({precision},{scale})"
