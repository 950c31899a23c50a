"""Bodies of requests that create or change an endpoint."""

import json
from pathlib import Path
from typing import Any

import click

_CONFIG_KEYS = ("served_entities", "served_models")


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


def like_current(endpoint: dict[str, Any], model: str, size: str | None, scale_to_zero: bool | None) -> dict[str, Any]:
    """Size and scaling for a new version of `model`: as asked for, else as it is served now, else Small."""
    config = endpoint.get("pending_config") or endpoint.get("config") or {}
    entities: list[dict[str, Any]] = config.get("served_entities") or []
    current: dict[str, Any] = next((entity for entity in entities if entity.get("entity_name") == model), {})
    return {
        "size": size or current.get("workload_size") or "Small",
        "scale_to_zero": current.get("scale_to_zero_enabled", True) if scale_to_zero is None else scale_to_zero,
    }


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
