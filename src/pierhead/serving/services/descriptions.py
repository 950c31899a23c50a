"""What a version's own files say about its inputs and outputs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pierhead.kit.errors import InvalidState, NotFound
from pierhead.serving.domain.endpoints import EntitySpec
from pierhead.serving.ports import ModelVersions

_MOST_EXAMPLE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """From an MLflow model folder: its signature's parts as written there, and a request that it can answer.

    `inputs`, `outputs` and `params` are lists of column or tensor specs, None where the model does not say.
    """

    inputs: list[Any] | None = None
    outputs: list[Any] | None = None
    params: list[Any] | None = None
    example: Any = None


def describe(versions: ModelVersions, spec: EntitySpec) -> ModelDescription:
    """What is known of a version; an empty description if its files are gone or say nothing."""
    try:
        folder = versions.folder(versions.get(spec.model_name, spec.model_version).digest)
    except (NotFound, InvalidState):
        return ModelDescription()
    return read_description(folder)


def read_description(folder: Path) -> ModelDescription:
    """Read `MLmodel` and the serving example beside it. They come from users: what cannot be read is left out."""
    try:
        model = yaml.safe_load((folder / "MLmodel").read_bytes())
    except (OSError, yaml.YAMLError):
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
    try:
        specs = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return specs if isinstance(specs, list) and specs else None


def _example(folder: Path, about: object) -> Any:
    name = about.get("serving_input_path") if isinstance(about, dict) else None
    if not isinstance(name, str):
        return None
    path = (folder / name).resolve()
    try:
        if not path.is_relative_to(folder.resolve()) or path.stat().st_size > _MOST_EXAMPLE_BYTES:
            return None
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
