"""A payload made up from a signature, for versions that were logged without an input example.

Works on the signature's dictionary form, so that it needs no MLflow.
"""

from typing import Any

_VALUES: dict[str, Any] = {
    "boolean": False,
    "integer": 0,
    "long": 0,
    "float": 0.0,
    "double": 0.0,
    "string": "",
    "binary": "",
    "datetime": "2000-01-01T00:00:00",
    "any": None,
    "sparkml_vector": [0.0],
}


def made_up_payload(inputs: list[dict[str, Any]], *, from_type_hint: bool) -> dict[str, Any]:
    """One row of zeros, empty strings, False and dates in the serving format that suits the signature's `inputs`.

    >>> made_up_payload([{"type": "double", "name": "a"}, {"type": "string", "name": "b"}], from_type_hint=False)
    {'dataframe_split': {'columns': ['a', 'b'], 'data': [[0.0, '']]}}
    >>> made_up_payload([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}],
    ...                 from_type_hint=False)
    {'inputs': [[0.0, 0.0]]}
    """
    if from_type_hint:
        return {"inputs": [_value(inputs[0])]}
    if inputs[0]["type"] == "tensor":
        return {"inputs": _tensors(inputs)}
    row = [_value(column) for column in inputs]
    if all("name" in column for column in inputs):
        return {"dataframe_split": {"columns": [column["name"] for column in inputs], "data": [row]}}
    return {"dataframe_split": {"data": [row]}}


def _value(kind: dict[str, Any]) -> Any:
    name = kind["type"]
    if name == "object":
        return {key: _value(kind["properties"][key]) for key in kind["properties"]}
    if name == "array":
        return [_value(kind["items"])]
    if name == "map":
        return {"key": _value(kind["values"])}
    return _VALUES[name]


def _tensors(inputs: list[dict[str, Any]]) -> Any:
    tensors = [_tensor(column["tensor-spec"]) for column in inputs]
    if all("name" in column for column in inputs):
        return {column["name"]: tensor for column, tensor in zip(inputs, tensors, strict=True)}
    return tensors[0]


def _tensor(spec: dict[str, Any]) -> Any:
    value: Any = _tensor_element(spec["dtype"])
    for length in reversed(spec["shape"]):
        value = [value] * abs(length)
    return value


def _tensor_element(dtype: str) -> Any:
    if dtype.startswith(("float", "complex")):
        return 0.0
    if dtype.startswith(("int", "uint")):
        return 0
    if dtype == "bool":
        return False
    return "2000-01-01" if dtype.startswith("datetime") else ""
