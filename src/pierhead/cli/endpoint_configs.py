"""Bodies of requests that create or change an endpoint."""

import json
from pathlib import Path
from typing import Any

import click

from pierhead.cli.failures import ExitCode, Failure

_CONFIG_KEYS = ("served_entities", "served_models")
_PROVISIONED = ("min_provisioned_concurrency", "max_provisioned_concurrency")
# What the server shows of a config and takes from nobody; served_models are the entities once more, in older words.
_TOLD_OF_CONFIGS = ("config_version", "config_revision", "start_time", "served_models")
_TOLD_OF_ENTITIES = ("state", "creator", "creation_timestamp")
_TOLD_OF_CAPTURES = ("state",)


def config_of(model: str, version: str, size: str, *, scale_to_zero: bool) -> dict[str, Any]:
    """A config that serves one version with all the traffic."""
    return {
        "served_entities": [
            {
                "entity_name": model,
                "entity_version": version,
                "workload_size": size,
                "scale_to_zero_enabled": scale_to_zero,
            }
        ]
    }


def capture_of(text: str) -> dict[str, Any]:
    """The inference table `catalog.schema[.prefix]` as a config's `auto_capture_config`. Raises UsageError.

    >>> capture_of("main.logs.fraud")["table_name_prefix"]
    'fraud'
    """
    parts = text.split(".")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise click.UsageError(f"--capture must be catalog.schema or catalog.schema.prefix, not {text!r}")
    capture: dict[str, Any] = {"catalog_name": parts[0], "schema_name": parts[1], "enabled": True}
    if len(parts) == 3:
        capture["table_name_prefix"] = parts[2]
    return capture


def read_body(path: Path) -> dict[str, Any]:
    """A file that holds a request to create an endpoint, or its `config` alone; as such a request.

    Raises UsageError.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from None
    body = _parse(path, text)
    if not isinstance(body, dict):
        raise click.UsageError(f"{path} must hold one object with `served_entities`, or with `config`")
    if any(key in body for key in _CONFIG_KEYS):
        return {"config": body}
    if not isinstance(body.get("config"), dict):
        raise click.UsageError(f"{path} has neither `served_entities` nor `config`")
    return body


def with_version(
    endpoint: dict[str, Any], model: str, version: str, *, size: str | None, scale_to_zero: bool | None
) -> dict[str, Any]:
    """The endpoint's config with another version of `model`; all else stays, but for size and scaling where given.

    Raises Failure unless exactly one served entity is of that model.
    """
    config = endpoint.get("config") or endpoint.get("pending_config") or {}
    entities = [_asked(entity, _TOLD_OF_ENTITIES) for entity in config.get("served_entities") or []]
    matching = [entity for entity in entities if entity.get("entity_name") == model]
    if len(matching) != 1:
        raise _unclear(endpoint.get("name", ""), model, entities, len(matching))
    (entity,) = matching
    entity["entity_version"] = version
    if size is not None:
        # One of the two says how many replicas there are: the server takes no entity with both.
        for key in _PROVISIONED:
            entity.pop(key, None)
        entity["workload_size"] = size
    if scale_to_zero is not None:
        entity["scale_to_zero_enabled"] = scale_to_zero
    body = _asked(config, _TOLD_OF_CONFIGS) | {"served_entities": entities}
    if "auto_capture_config" in body:
        body["auto_capture_config"] = _asked(body["auto_capture_config"], _TOLD_OF_CAPTURES)
    return body


def _asked(shown: dict[str, Any], told: tuple[str, ...]) -> dict[str, Any]:
    """What somebody asked for, out of what the server shows: without what it tells on its own."""
    return {key: value for key, value in shown.items() if key not in told}


def _unclear(name: str, model: str, entities: list[dict[str, Any]], count: int) -> Failure:
    served = ", ".join(f"{entity.get('entity_name')}/{entity.get('entity_version')}" for entity in entities)
    which = f"has {count} served entities of {model}" if count else f"serves no {model}"
    return Failure(
        f"endpoint {name!r} {which}, so that --model and --version do not say what to replace; it serves "
        f"{served or 'nothing'}",
        code=ExitCode.CONFLICT,
        remedy=f"write the whole config, and give it with --file: pierhead endpoints update {name} --file CONFIG.json",
    )


def _parse(path: Path, text: str) -> Any:
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise click.UsageError(f"{path} is not valid JSON: {error}") from None
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise click.UsageError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
