"""Types by the names that Spark, and so Databricks, has for them."""

import json
import re
from enum import Enum
from typing import Any

import pyarrow as pa

from pierhead.kit.errors import InvalidArgument

_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
_TYPES = {
    "double": pa.float64(),
    "float": pa.float32(),
    "long": pa.int64(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "short": pa.int16(),
    "smallint": pa.int16(),
    "tinyint": pa.int8(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_NAMES = {type: name for name, type in _TYPES.items() if name not in ("long", "integer", "short")}


class Kind(Enum):
    """How a column is profiled."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    """Text and truth values."""
    TIME = "time"
    OTHER = "other"
    """Lists, maps and such: counted, no more."""


def kind_of(type: pa.DataType) -> Kind:
    if pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type):
        return Kind.NUMERIC
    if pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_boolean(type):
        return Kind.CATEGORICAL
    if pa.types.is_timestamp(type) or pa.types.is_date(type):
        return Kind.TIME
    return Kind.OTHER


def spark_name(type: pa.DataType) -> str:
    """
    >>> spark_name(pa.int64()), spark_name(pa.list_(pa.float64())), spark_name(pa.decimal128(10, 2))
    ('bigint', 'array<double>', 'decimal(10,2)')
    """
    if pa.types.is_timestamp(type):
        return "timestamp" if type.tz is not None else "timestamp_ntz"
    if pa.types.is_decimal(type):
        return f"decimal({type.precision},{type.scale})"
    if pa.types.is_list(type) or pa.types.is_large_list(type):
        return f"array<{spark_name(type.value_type)}>"
    if pa.types.is_map(type):
        return f"map<{spark_name(type.key_type)},{spark_name(type.item_type)}>"
    if pa.types.is_struct(type):
        return f"struct<{','.join(f'{field.name}:{spark_name(field.type)}' for field in type)}>"
    if pa.types.is_large_string(type):
        return "string"
    return _NAMES.get(type, "binary" if pa.types.is_binary(type) else str(type))


def arrow_type(output_data_type: str) -> pa.DataType:
    """The type that a Spark type's name, or the JSON of a field, stands for.

    >>> arrow_type('{"name":"x","type":"double","nullable":true}')
    DataType(double)

    Raises InvalidArgument for others than plain types.
    """
    name = str(_type_name(output_data_type)).strip().lower()
    decimal = _DECIMAL.fullmatch(name)
    if decimal is not None and 1 <= int(decimal[1]) <= 38 and int(decimal[2]) <= int(decimal[1]):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    found = _TYPES.get(name.removesuffix("type"))
    if found is None:
        raise InvalidArgument(f"output_data_type {output_data_type!r} is none of {', '.join(_TYPES)}, decimal(p,s)")
    return found


def _type_name(text: str) -> Any:
    """Also out of what the SDK's examples send: `StructField("x", DoubleType()).json()`."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text).get("type")
    except ValueError as error:
        raise InvalidArgument(f"output_data_type {text!r} is no JSON: {error}") from None
