"""Models and versions as MLflow's own server and the Databricks workspace registry write them."""

from collections.abc import Mapping, Sequence
from typing import Any

from pierhead.identity.domain.levels import Level
from pierhead.kit.clock import to_ms
from pierhead.registry.domain.models import Failed, ModelVersion, Pending, Ready, RegisteredModel, State


def model_json(model: RegisteredModel, latest: Sequence[ModelVersion]) -> dict[str, Any]:
    return {
        "name": model.name,
        "creation_timestamp": to_ms(model.created_at),
        "last_updated_timestamp": to_ms(model.updated_at),
        "user_id": model.user_name,
        "description": model.description or "",
        "latest_versions": [version_json(version) for version in latest],
        "tags": tags_json(model.tags),
        "aliases": [{"alias": alias, "version": str(number)} for alias, number in model.aliases.items()],
    }


def version_json(version: ModelVersion) -> dict[str, Any]:
    content = {
        "name": version.model_name,
        "version": str(version.number),
        "creation_timestamp": to_ms(version.created_at),
        "last_updated_timestamp": to_ms(version.updated_at),
        "user_id": version.user_name,
        "current_stage": version.stage.value,
        "description": version.description or "",
        "source": version.source,
        "run_id": version.run_id or "",
        "run_link": version.run_link or "",
        "status": status_word(version.state),
        "tags": tags_json(version.tags),
        "aliases": list(version.aliases),
    }
    # Pages hold thousands of these: only what may be missing is looked at.
    if version.logged_model_id is not None:
        content["model_id"] = version.logged_model_id
    if isinstance(version.state, Failed):
        content["status_message"] = version.state.reason
    return content


def databricks_model_json(
    model: RegisteredModel, latest: Sequence[ModelVersion], level: Level | None
) -> dict[str, Any]:
    """What `w.model_registry.get_model` reads; `level` is the caller's."""
    return model_json(model, latest) | {"id": model.id} | _level_json(level)


def databricks_version_json(
    version: ModelVersion, open_requests: Sequence[Mapping[str, Any]], level: Level | None
) -> dict[str, Any]:
    """What `w.model_registry.transition_stage` reads; `level` is the caller's."""
    return version_json(version) | {"open_requests": list(open_requests)} | _level_json(level)


def _level_json(level: Level | None) -> dict[str, Any]:
    return {} if level is None else {"permission_level": level.value}


def tags_json(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def status_word(state: State) -> str:
    match state:
        case Pending():
            return "PENDING_REGISTRATION"
        case Ready():
            return "READY"
        case Failed():
            return "FAILED_REGISTRATION"


def status_message(state: State) -> str | None:
    return state.reason if isinstance(state, Failed) else None


def page_json(key: str, items: Sequence[Any], token: str | None) -> dict[str, Any]:
    """A page of a listing; the last one has no token."""
    return without_none({key: items, "next_page_token": token})


def without_none(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value is not None}
