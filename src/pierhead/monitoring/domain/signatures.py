"""What a model version says of its inputs: the `signature` of an `MLmodel` file, as columns of a table."""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pierhead.kit.bounded_yaml import UnreadableYaml, parse_yaml


class Kind(Enum):
    """What a column holds. Values are the words of Delta; JSON is the text of anything that is no single value."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    TIMESTAMP = "timestamp"
    JSON = "json"


_KINDS = {
    "boolean": Kind.BOOLEAN,
    "integer": Kind.INTEGER,
    "long": Kind.LONG,
    "float": Kind.FLOAT,
    "double": Kind.DOUBLE,
    "string": Kind.STRING,
    # As it was sent: Base64.
    "binary": Kind.STRING,
    "datetime": Kind.TIMESTAMP,
}
_TENSOR_KINDS = {"bool": Kind.BOOLEAN, "str": Kind.STRING, "object": Kind.STRING, "int": Kind.LONG, "uint": Kind.LONG}


@dataclass(frozen=True, slots=True)
class Signature:
    """`columns` are name and kind, in order; no columns for a tensor without a name, whose numbers are `tensor`."""

    columns: tuple[tuple[str, Kind], ...] = ()
    tensor: Kind | None = None

    def kind(self, name: str) -> Kind | None:
        return next((kind for known, kind in self.columns if known == name), self.tensor)


def signature_of(mlmodel: bytes) -> Signature | None:
    r"""The inputs that an `MLmodel` file names; None if it names none, or cannot be read.

    >>> signature_of(b'signature:\n  inputs: \'[{"name": "age", "type": "long"}]\'').columns
    (('age', <Kind.LONG: 'long'>),)
    """
    try:
        content = parse_yaml(mlmodel)
        parts = content.get("signature") if isinstance(content, dict) else None
        text = parts.get("inputs") if isinstance(parts, dict) else None
        inputs = json.loads(text) if isinstance(text, str) else None
    except (UnreadableYaml, ValueError, RecursionError):
        return None
    if not isinstance(inputs, list) or not inputs or not all(isinstance(spec, dict) for spec in inputs):
        return None
    if any(spec.get("type") == "tensor" and not spec.get("name") for spec in inputs):
        return Signature(tensor=_tensor_kind(inputs[0]))
    return Signature(tuple((str(spec.get("name") or position), _kind(spec)) for position, spec in enumerate(inputs)))


def _kind(spec: dict[str, Any]) -> Kind:
    if spec.get("type") == "tensor":
        about = spec.get("tensor-spec")
        shape = about.get("shape") if isinstance(about, dict) else None
        return _tensor_kind(spec) if isinstance(shape, list) and len(shape) <= 1 else Kind.JSON
    return _KINDS.get(str(spec.get("type")), Kind.JSON)


def _tensor_kind(spec: dict[str, Any]) -> Kind:
    """Every real number is a double: what a tensor holds is rounded by its model alone."""
    about = spec.get("tensor-spec")
    dtype = str(about.get("dtype", "")) if isinstance(about, dict) else ""
    if dtype.startswith("datetime"):
        return Kind.STRING
    return _TENSOR_KINDS.get(dtype.rstrip("0123456789"), Kind.DOUBLE)
