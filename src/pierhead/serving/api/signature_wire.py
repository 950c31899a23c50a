"""MLflow signatures, as they stand in `MLmodel`, in the words of JSON schema."""

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
}
_MOST_DIMENSIONS = 32
_TENSOR_TYPES = {"bool": "boolean", "str": "string", "object": "string", "int": "integer", "uint": "integer"}


def column_schemas(inputs: Sequence[Any] | None) -> dict[str, tuple[dict[str, Any], bool]]:
    """Schema, and whether it is required, by column; empty if the signature has no named columns."""
    return {
        spec["name"]: (type_schema(spec), bool(spec.get("required", True)))
        for spec in inputs or ()
        if isinstance(spec, dict) and isinstance(spec.get("name"), str) and spec.get("type") != "tensor"
    }


def tensor_schema(inputs: Sequence[Any] | None) -> dict[str, Any] | None:
    """The schema of tensor inputs: one nested array, or one by name; None if the inputs are no tensors."""
    specs = [spec for spec in inputs or () if isinstance(spec, dict) and spec.get("type") == "tensor"]
    if not specs:
        return None
    named = {str(spec["name"]): _tensor(spec) for spec in specs if spec.get("name")}
    if named:
        return {"type": "object", "required": list(named), "properties": named}
    return _tensor(specs[0])


def outputs_schema(outputs: Sequence[Any] | None) -> dict[str, Any]:
    """The schema of `predictions`; anything goes if the model does not say."""
    tensor = tensor_schema(outputs)
    if tensor is not None:
        return tensor
    specs = [spec for spec in outputs or () if isinstance(spec, dict)]
    if not specs:
        return {}
    if len(specs) == 1 and not specs[0].get("name"):
        return {"type": "array", "items": type_schema(specs[0])}
    properties = {str(spec.get("name", i)): type_schema(spec) for i, spec in enumerate(specs)}
    return {"type": "array", "items": {"type": "object", "properties": properties}}


def params_schema(params: Sequence[Any]) -> dict[str, Any]:
    """The schema of `params`, with the defaults that the model was logged with."""
    properties = {}
    for spec in params:
        if isinstance(spec, dict) and isinstance(spec.get("name"), str):
            schema = type_schema(spec)
            if spec.get("shape"):
                schema = {"type": "array", "items": schema}
            properties[spec["name"]] = schema | {"default": spec.get("default")}
    return {"type": "object", "properties": properties}


def type_schema(spec: Mapping[str, Any]) -> dict[str, Any]:
    """One MLflow type, nested ones too.

    >>> type_schema({"type": "array", "items": {"type": "long"}})
    {'type': 'array', 'items': {'type': 'integer', 'format': 'int64'}}
    """
    kind = spec.get("type")
    if kind == "array":
        return {"type": "array", "items": _nested(spec.get("items"))}
    if kind == "map":
        return {"type": "object", "additionalProperties": _nested(spec.get("values"))}
    if kind == "object":
        properties = spec.get("properties")
        fields = properties if isinstance(properties, Mapping) else {}
        return {
            "type": "object",
            "required": [name for name, field in fields.items() if _is_required(field)],
            "properties": {name: _nested(field) for name, field in fields.items()},
        }
    return dict(_TYPES.get(str(kind), {}))


def _nested(spec: object) -> dict[str, Any]:
    return type_schema(spec) if isinstance(spec, Mapping) else {}


def _is_required(field: object) -> bool:
    return isinstance(field, Mapping) and bool(field.get("required", True))


def _tensor(spec: Mapping[str, Any]) -> dict[str, Any]:
    about = spec.get("tensor-spec")
    tensor = about if isinstance(about, Mapping) else {}
    schema: dict[str, Any] = {"type": _tensor_type(str(tensor.get("dtype", "")))}
    shape = tensor.get("shape")
    # Each dimension is a level of the document, which must stay one that can be written.
    for length in reversed(shape[:_MOST_DIMENSIONS] if isinstance(shape, list) else [-1]):
        schema = {"type": "array", "items": schema}
        if isinstance(length, int) and length >= 0:
            schema |= {"minItems": length, "maxItems": length}
    return schema


def _tensor_type(dtype: str) -> str:
    """
    >>> _tensor_type("uint8"), _tensor_type("float32")
    ('integer', 'number')
    """
    return _TENSOR_TYPES.get(dtype.rstrip("0123456789"), "number")
