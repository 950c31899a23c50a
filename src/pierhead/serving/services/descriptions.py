"""What a version's own files say about its inputs and outputs."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pierhead.kit.bounded_yaml import UnreadableYaml, read_yaml
from pierhead.kit.errors import NotFound
from pierhead.serving.ports import ModelVersions

_MOST_EXAMPLE_BYTES = 256 * 1024
_MOST_JSON_DEPTH = 50


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """From an MLflow model folder: its signature's parts as written there, and a request that it can answer.

    `inputs`, `outputs` and `params` are lists of column or tensor specs, None where the model does not say.
    """

    inputs: list[Any] | None = None
    outputs: list[Any] | None = None
    params: list[Any] | None = None
    example: Any = None


def describe(versions: ModelVersions, digest: str) -> ModelDescription:
    """What the files with this digest say; an empty description if they are gone or say nothing."""
    try:
        folder = versions.folder(digest)
    except NotFound:
        return ModelDescription()
    return read_description(folder)


def read_description(folder: Path) -> ModelDescription:
    """Read `MLmodel` and the serving example beside it. They come from users: what cannot be read is left out."""
    try:
        model = read_yaml(folder / "MLmodel")
    except (OSError, UnreadableYaml):
        return ModelDescription()
    if not isinstance(model, dict):
        return ModelDescription()
    signature = model.get("signature")
    parts = signature if isinstance(signature, dict) else {}
    return ModelDescription(
        inputs=_specs(parts.get("inputs")),
        outputs=_specs(parts.get("outputs")),
        params=_specs(parts.get("params")),
        example=_example(folder, model.get("saved_input_example_info")),
    )


def _specs(text: object) -> list[Any] | None:
    specs = _json(text) if isinstance(text, str) else None
    return specs if isinstance(specs, list) and specs else None


def _example(folder: Path, about: object) -> Any:
    name = about.get("serving_input_path") if isinstance(about, dict) else None
    if not isinstance(name, str):
        return None
    path = (folder / name).resolve()
    try:
        if not path.is_relative_to(folder.resolve()) or path.stat().st_size > _MOST_EXAMPLE_BYTES:
            return None
        return _json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _json(text: str | bytes) -> Any:
    """None for what is no JSON, or none that could be sent on: too deep, or with numbers beyond 64 bits."""
    try:
        value = json.loads(text)
        orjson.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return None
    return value if _is_shallow(value) else None


def _is_shallow(value: Any) -> bool:
    layer = [value]
    for _ in range(_MOST_JSON_DEPTH):
        layer = [child for each in layer for child in _children(each)]
    return not layer


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
