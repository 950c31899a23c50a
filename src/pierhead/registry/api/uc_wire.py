"""Models and versions as MLflow's Unity Catalog dialect writes them (`/2.0/mlflow/unity-catalog`)."""

from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.registry.api.oss_wire import status_message, status_word, tags_json, without_none
from pierhead.registry.domain.addresses import path_by_parts
from pierhead.registry.domain.models import ModelVersion, RegisteredModel


def model_json(model: RegisteredModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "creation_timestamp": to_ms(model.created_at),
        "last_updated_timestamp": to_ms(model.updated_at),
        "user_id": model.user_name,
        "description": model.description or "",
        "aliases": [{"alias": alias, "version": str(number)} for alias, number in model.aliases.items()],
        "tags": tags_json(model.tags),
    }


def version_json(version: ModelVersion) -> dict[str, Any]:
    number = str(version.number)
    return without_none(
        {
            "name": version.model_name,
            "version": number,
            "creation_timestamp": to_ms(version.created_at),
            "last_updated_timestamp": to_ms(version.updated_at),
            "user_id": version.user_name,
            "description": version.description or "",
            "source": version.source,
            "run_id": version.run_id or "",
            "run_tracking_server_id": version.run_workspace_id,
            "status": status_word(version.state),
            "status_message": status_message(version.state),
            "storage_location": storage_location(version),
            "aliases": [{"alias": alias, "version": number} for alias in version.aliases],
            "tags": tags_json(version.tags),
            "model_id": version.logged_model_id,
        }
    )


def storage_location(version: ModelVersion) -> str:
    """Where the version's files are in the Files API."""
    return f"dbfs:/Models/{path_by_parts(version.model_name, version.number)}"


def credentials_json(expires_ms: int) -> dict[str, Any]:
    """Not credentials for a cloud, but the word that there is none: files go through this server."""
    return {"storage_mode": "DEFAULT_STORAGE", "expiration_time": expires_ms}
