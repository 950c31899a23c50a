"""Types of fields as descriptions write them: short words, which become JSON schemas."""

from typing import Any

_WORDS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "time": {"type": "integer", "description": "milliseconds since 1970"},
    "any": {},
}


class BadDescription(ValueError):
    """A description says something that has no meaning."""


def schema_of(text: str) -> dict[str, Any]:
    """The JSON schema of `TYPE` or `TYPE, words`.

    A type is one of the words above, the name of a schema (with a capital), `list of TYPE`, `map of TYPE`,
    `one of a | b`, or any of them with `or null` behind. Raises BadDescription.

    >>> schema_of("list of string, names")
    {'type': 'array', 'items': {'type': 'string'}, 'description': 'names'}
    >>> schema_of("one of A | B or null")
    {'anyOf': [{'type': 'string', 'enum': ['A', 'B']}, {'type': 'null'}]}
    >>> schema_of("Rollout, the newest")
    {'$ref': '#/components/schemas/Rollout', 'description': 'the newest'}
    """
    kind, _, words = text.partition(", ")
    schema = _type(kind.strip())
    if not words:
        return schema
    # What `time` says of itself stays.
    said = schema.get("description")
    return {**schema, "description": f"{words}; {said}" if said else words}


def object_schema(fields: dict[str, str]) -> dict[str, Any]:
    """The schema of an object; a field whose name ends with `*` is required.

    >>> object_schema({"to*": "string", "comment": "string"})["required"]
    ['to']
    """
    required = [name[:-1] for name in fields if name.endswith("*")]
    properties = {name.removesuffix("*"): schema_of(text) for name, text in fields.items()}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _type(kind: str) -> dict[str, Any]:
    if kind.endswith(" or null"):
        return {"anyOf": [_type(kind.removesuffix(" or null")), {"type": "null"}]}
    if kind.startswith("list of "):
        return {"type": "array", "items": _type(kind.removeprefix("list of "))}
    if kind.startswith("map of "):
        return {"type": "object", "additionalProperties": _type(kind.removeprefix("map of "))}
    if kind.startswith("one of "):
        return {"type": "string", "enum": [each.strip() for each in kind.removeprefix("one of ").split("|")]}
    if kind in _WORDS:
        return dict(_WORDS[kind])
    if kind[:1].isupper():
        return {"$ref": f"#/components/schemas/{kind}"}
    raise BadDescription(f"there is no type {kind!r}")
