"""Models and versions as the Unity Catalog REST API 2.1 writes them."""

from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.kit.names import FullName
from pierhead.registry.api.oss_wire import status_word, tags_json, without_none
from pierhead.registry.api.uc_wire import storage_location
from pierhead.registry.domain.models import ModelVersion, RegisteredModel


def model_json(model: RegisteredModel) -> dict[str, Any]:
    name = FullName.parse(model.name)
    return {
        "id": model.id,
        "name": name.name,
        "catalog_name": name.catalog,
        "schema_name": name.schema,
        "full_name": model.name,
        "comment": model.description or "",
        "owner": model.owner,
        "created_at": to_ms(model.created_at),
        "created_by": model.user_name,
        "updated_at": to_ms(model.updated_at),
        "updated_by": model.user_name,
        "aliases": [alias_json(name, alias, number) for alias, number in model.aliases.items()],
        "tags": tags_json(model.tags),
    }


def version_json(version: ModelVersion) -> dict[str, Any]:
    name = FullName.parse(version.model_name)
    return without_none(
        {
            "id": version.id,
            "model_name": name.name,
            "catalog_name": name.catalog,
            "schema_name": name.schema,
            "version": version.number,
            "comment": version.description or "",
            "source": version.source,
            "run_id": version.run_id or "",
            "run_workspace_id": _whole_number(version.run_workspace_id),
            "status": status_word(version.state),
            "storage_location": storage_location(version),
            "created_at": to_ms(version.created_at),
            "created_by": version.user_name,
            "updated_at": to_ms(version.updated_at),
            "updated_by": version.user_name,
            "aliases": [alias_json(name, alias, version.number) for alias in version.aliases],
            "tags": tags_json(version.tags),
            "model_id": version.logged_model_id,
        }
    )


def alias_json(name: FullName, alias: str, number: int) -> dict[str, Any]:
    return {
        "alias_name": alias,
        "version_num": number,
        "model_name": name.name,
        "catalog_name": name.catalog,
        "schema_name": name.schema,
    }


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 18 else None
