"""An endpoint's OpenAPI document: the four JSON forms of a request, typed by the model's own signature."""

from collections.abc import Mapping
from typing import Any

from pierhead.serving.api.signature_wire import column_schemas, outputs_schema, params_schema, tensor_schema
from pierhead.serving.services.descriptions import ModelDescription

_ERROR = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
}
_FAILURES = {
    "400": "The request does not fit the model.",
    "401": "The token is missing, unknown or expired.",
    "404": "There is no such endpoint.",
    "413": "The body is too large.",
    "429": "Too many requests wait.",
    "504": "The answer did not come in time.",
}


def document(endpoint: str, config_version: int, base_url: str, description: ModelDescription) -> dict[str, Any]:
    """`description` is of the entity with the most traffic: it stands for the endpoint."""
    return {
        "openapi": "3.1.0",
        "info": {"title": endpoint, "version": str(config_version)},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": {f"/serving-endpoints/{endpoint}/invocations": _path(endpoint, description)},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
        },
    }


def _path(endpoint: str, description: ModelDescription) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"oneOf": _forms(description)}}
    if description.example is not None:
        content["example"] = description.example
    failures = {
        status: {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, text in _FAILURES.items()
    }
    predictions = outputs_schema(description.outputs)
    answer = {"type": "object", "required": ["predictions"], "properties": {"predictions": predictions}}
    return {
        "post": {
            "operationId": "query",
            "summary": f"Query {endpoint}",
            "requestBody": {"required": True, "content": {"application/json": content}},
            "responses": {
                "200": {
                    "description": "The predictions, one for each row.",
                    "content": {"application/json": {"schema": answer}},
                }
            }
            | failures,
        }
    }


def _forms(description: ModelDescription) -> list[dict[str, Any]]:
    columns = column_schemas(description.inputs)
    tensor = tensor_schema(description.inputs)
    beside: dict[str, Any] = {"client_request_id": {"type": "string"}}
    if description.params:
        beside["params"] = params_schema(description.params)
    if tensor is not None:
        return [_form("inputs", tensor, beside), _form("instances", tensor, beside)]
    records = {"type": "array", "items": _record(columns)}
    by_column = {"type": "object", "additionalProperties": {"type": "array"}}
    if columns:
        by_column = {
            "type": "object",
            "properties": {name: {"type": "array", "items": schema} for name, (schema, _) in columns.items()},
        }
    split = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "columns": {"type": "array", "items": {"enum": list(columns)} if columns else {"type": "string"}},
            "data": {"type": "array", "items": {"type": "array"}},
            "index": {"type": "array"},
        },
    }
    return [
        _form("dataframe_split", split, beside),
        _form("dataframe_records", records, beside),
        _form("instances", records, beside),
        _form("inputs", {"oneOf": [by_column, records]}, beside),
    ]


def _record(columns: Mapping[str, tuple[dict[str, Any], bool]]) -> dict[str, Any]:
    if not columns:
        return {}
    return {
        "type": "object",
        "required": [name for name, (_, is_required) in columns.items() if is_required],
        "properties": {name: schema for name, (schema, _) in columns.items()},
    }


def _form(key: str, schema: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": key, "type": "object", "required": [key], "properties": {key: schema, **beside}}
