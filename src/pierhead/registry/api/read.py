"""What all dialects write alike in their requests."""

from collections.abc import Iterable, Mapping
from typing import Any

from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.kit.web.routes import Call
from pierhead.registry.domain.models import VersionDraft
from pierhead.registry.domain.names import version_number


def read_number(call: Call, key: str = "version") -> int:
    """A version's number, as a number or as text."""
    return version_number(call.text(key))


def read_version(call: Call) -> tuple[str, int]:
    """A version by the name of its model and its number."""
    return call.text("name"), read_number(call)


def read_texts(call: Call, key: str) -> list[str]:
    """A list of texts: in JSON, as a parameter given several times, or once."""
    value = call.params.get(key)
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in values):
        raise InvalidArgument(f"parameter '{key}' must be a list of strings")
    return values


def read_tags(value: Any) -> dict[str, str]:
    """`[{"key": ..., "value": ...}]`; of two tags with one key the later one counts."""
    if value is None:
        return {}
    if not isinstance(value, list) or not all(isinstance(tag, dict) for tag in value):
        raise InvalidArgument("parameter 'tags' must be a list of objects with 'key' and 'value'")
    return dict(_tag(tag) for tag in value)


def _tag(tag: Mapping[str, Any]) -> tuple[str, str]:
    key, value = tag.get("key"), tag.get("value", "")
    if not isinstance(key, str) or not isinstance(value, str):
        raise InvalidArgument("key and value of a tag must be strings")
    return key, value


def read_draft(call: Call, model_name: str, *, description: str = "description") -> VersionDraft:
    """What a client says of a new version."""
    return VersionDraft(
        model_name=model_name,
        source=call.text("source"),
        run_id=call.find_text("run_id") or None,
        run_link=call.find_text("run_link") or None,
        run_workspace_id=call.find_text("run_tracking_server_id") or None,
        logged_model_id=call.find_text("model_id") or None,
        description=call.find_text(description),
        tags=read_tags(call.params.get("tags")),
    )


def refuse_changes(call: Call, fixed: Iterable[str], present: Mapping[str, Any]) -> None:
    """Raises NotImplementedYet for fields that an update names with another value than they have at `present`.

    Clients send back what they read, so a field that stays as it is does no harm.
    """
    asked = {key: call.params.get(key) for key in fixed}
    changed = sorted(key for key, value in asked.items() if value is not None and value != present.get(key))
    if changed:
        raise NotImplementedYet(f"{', '.join(changed)}: an update cannot change this yet; leave it out")


def refuse_deployment_job(call: Call) -> None:
    """Raises NotImplementedYet instead of silently forgetting the job."""
    if call.find_text("deployment_job_id"):
        raise NotImplementedYet("deployment jobs of registered models are not supported; leave deployment_job_id out")
