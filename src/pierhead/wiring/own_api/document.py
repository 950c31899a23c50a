"""The OpenAPI document of Pierhead's own API."""

import re
from typing import Any

from pierhead import __version__
from pierhead.kit import errors
from pierhead.kit.web.errors import status_of
from pierhead.wiring.own_api.descriptions import Fields, Operation, Topic
from pierhead.wiring.own_api.notation import BadDescription, object_schema, schema_of

_ERROR = object_schema(
    {
        "error_code*": "string, for programs",
        "message*": "string, names the thing, the fact and the remedy",
    }
)
_FAILURE = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_NO_TOKEN = "the token is missing, unknown or expired"
_NO_RIGHT = "the caller lacks the right"


def document(topics: tuple[Topic, ...], base_url: str) -> dict[str, Any]:
    """OpenAPI 3.1, with schemas of what is sent and answered. Raises BadDescription."""
    paths: dict[str, dict[str, Any]] = {}
    for topic in topics:
        for operation in topic.operations:
            paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, topic.title)
    schemas = {name: object_schema(fields) for topic in topics for name, fields in topic.schemas.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pierhead's own calls",
            "version": __version__,
            "description": "What the official clients of MLflow and Databricks have no method for.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "tags": [{"name": topic.title} for topic in topics],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR, **schemas},
        },
    }


def _operation(operation: Operation, tag: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": _name(operation),
        "tags": [tag],
        "summary": operation.summary,
        "description": " ".join(filter(None, (operation.note, f"Who may: {operation.right}."))),
        "parameters": [
            *_parameters("path", operation.path_fields),
            *_parameters("query", operation.query),
            *_parameters("header", operation.headers),
        ],
        "responses": _responses(operation),
    }
    if operation.is_public:
        told["security"] = []
    if operation.body or operation.takes:
        told["requestBody"] = _body(operation)
    return told


def _name(operation: Operation) -> str:
    """Unique, as method and path are.

    Of `GET models/{name}/history` it is `get_models_name_history`.
    """
    return "_".join([operation.method.lower(), *re.findall(r"\w+", operation.short_path.replace("-", "_"))])


def _parameters(place: str, fields: Fields) -> list[dict[str, Any]]:
    return [_parameter(place, name, text) for name, text in fields.items()]


def _parameter(place: str, name: str, text: str) -> dict[str, Any]:
    schema = schema_of(text)
    told = {"name": name.removesuffix("*"), "in": place, "required": place == "path" or name.endswith("*")}
    return {**told, "description": schema.pop("description", ""), "schema": schema}


def _body(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": object_schema(operation.body)}}
    for media in operation.takes:
        content[media] = {"schema": {"type": "string"}}
    return {"required": any(name.endswith("*") for name in operation.body) or bool(operation.takes), "content": content}


def _responses(operation: Operation) -> dict[str, Any]:
    is_json = operation.media == "application/json"
    schema = object_schema(operation.answer) if is_json else {"type": "string"}
    told: dict[str, Any] = {"200": {"description": "Done.", "content": {operation.media: {"schema": schema}}}}
    failures: dict[int, list[str]] = {}
    for name, words in (_usual(operation) | dict(operation.errors)).items():
        kind = getattr(errors, name, None)
        if not (isinstance(kind, type) and issubclass(kind, errors.PierheadError)):
            raise BadDescription(f"{operation.method} {operation.path}: there is no error {name!r}")
        failures.setdefault(status_of(kind()), []).append(f"`{kind.code}`: {words}")
    for status in sorted(failures):
        told[str(status)] = {"description": "; ".join(failures[status]), "content": _FAILURE}
    return told


def _usual(operation: Operation) -> dict[str, str]:
    """What can be wrong with every call that needs a token, and with every one that needs a right."""
    if operation.is_public:
        return {}
    is_for_all = operation.right.startswith("everybody")
    return {"Unauthenticated": _NO_TOKEN} | ({} if is_for_all else {"PermissionDenied": _NO_RIGHT})
