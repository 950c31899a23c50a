"""What webhooks are told: the JSON that Databricks documents for its registry webhooks."""

from typing import Any

from pierhead.registry.domain.events import EventKind, EventName, RegistryEvent
from pierhead.registry.domain.stages import Stage

_LONGEST_QUOTE = 200


def body_of(event: RegistryEvent, name: EventName, webhook_id: str, happened_at_ms: int) -> dict[str, Any]:
    """The fields of one delivery; those that say nothing of this event are left out."""
    fields = {
        "event": name.value,
        "webhook_id": webhook_id,
        "event_timestamp": happened_at_ms,
        "model_name": event.model_name,
        "version": None if event.version is None else str(event.version),
        "from_stage": None if event.from_stage is None else event.from_stage.value,
        "to_stage": None if event.to_stage is None else event.to_stage.value,
        "comment": event.comment or None,
        "tags": None if event.tag_key is None else [{"key": event.tag_key, "value": event.tag_value or ""}],
        "user_name": event.by,
        "text": text_of(event),
    }
    return {key: value for key, value in fields.items() if value is not None}


def text_of(event: RegistryEvent) -> str:
    """One sentence for a chat.

    >>> text_of(RegistryEvent(EventKind.VERSION_CREATED, "1", "main.a.b", "ann", 3))
    "ann created version 3 of registered model 'main.a.b'."
    """
    version = f"version {event.version} of registered model '{event.model_name}'"
    match event.kind:
        case EventKind.MODEL_CREATED:
            return f"{event.by} created registered model '{event.model_name}'."
        case EventKind.VERSION_CREATED:
            return f"{event.by} created {version}."
        case EventKind.VERSION_TAG_SET:
            return f"{event.by} set tag '{event.tag_key}' => '{_short(event.tag_value or '')}' of {version}."
        case EventKind.COMMENT_CREATED:
            return f"{event.by} commented on {version}: {_short(event.comment)}"
        case EventKind.TRANSITION_REQUESTED:
            to = "an alias" if event.to_stage is None else event.to_stage.value
            return f"{event.by} asked for a transition of {version} from {_stage(event.from_stage)} to {to}."
        case EventKind.STAGE_CHANGED:
            stages = f"from {_stage(event.from_stage)} to {_stage(event.to_stage)}"
            return f"{event.by} transitioned {version} {stages}."


def example_of(name: EventName, model_name: str | None, by: str) -> RegistryEvent:
    """An event that never happened, to try a webhook with."""
    kind = next((kind for kind in EventKind if kind.value == name.value), None)
    if kind is None:
        is_request = name.value.startswith("TRANSITION_REQUEST")
        kind = EventKind.TRANSITION_REQUESTED if is_request else EventKind.STAGE_CHANGED
    moves = kind in (EventKind.TRANSITION_REQUESTED, EventKind.STAGE_CHANGED)
    to_stage = next((stage for stage in Stage if f"_TO_{stage.value.upper()}" in name.value), Stage.PRODUCTION)
    from_stage = Stage.NONE if to_stage is not Stage.ARCHIVED else Stage.PRODUCTION
    is_tag = kind is EventKind.VERSION_TAG_SET
    return RegistryEvent(
        kind,
        "",
        model_name or "example",
        by,
        None if kind is EventKind.MODEL_CREATED else 1,
        from_stage if moves else None,
        to_stage if moves else None,
        "This is a test." if kind is EventKind.COMMENT_CREATED else "",
        "test" if is_tag else None,
        "yes" if is_tag else None,
    )


def _stage(stage: Stage | None) -> str:
    return Stage.NONE.value if stage is None else stage.value


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."
