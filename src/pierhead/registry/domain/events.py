"""What happens in the registry that somebody outside may want to hear of."""

from dataclasses import dataclass
from enum import Enum

from pierhead.registry.domain.stages import Stage


class EventKind(Enum):
    """What really happens, one word for each; rows of the outbox keep it. Values are the words of the wire."""

    MODEL_CREATED = "REGISTERED_MODEL_CREATED"
    VERSION_CREATED = "MODEL_VERSION_CREATED"
    VERSION_TAG_SET = "MODEL_VERSION_TAG_SET"
    COMMENT_CREATED = "COMMENT_CREATED"
    TRANSITION_REQUESTED = "TRANSITION_REQUEST_CREATED"
    STAGE_CHANGED = "MODEL_VERSION_TRANSITIONED_STAGE"


class EventName(Enum):
    """What webhooks subscribe to: every kind, and for stages also names of their own. Values are the wire's words."""

    MODEL_VERSION_CREATED = "MODEL_VERSION_CREATED"
    MODEL_VERSION_TRANSITIONED_STAGE = "MODEL_VERSION_TRANSITIONED_STAGE"
    TRANSITION_REQUEST_CREATED = "TRANSITION_REQUEST_CREATED"
    COMMENT_CREATED = "COMMENT_CREATED"
    REGISTERED_MODEL_CREATED = "REGISTERED_MODEL_CREATED"
    MODEL_VERSION_TAG_SET = "MODEL_VERSION_TAG_SET"
    MODEL_VERSION_TRANSITIONED_TO_STAGING = "MODEL_VERSION_TRANSITIONED_TO_STAGING"
    MODEL_VERSION_TRANSITIONED_TO_PRODUCTION = "MODEL_VERSION_TRANSITIONED_TO_PRODUCTION"
    MODEL_VERSION_TRANSITIONED_TO_ARCHIVED = "MODEL_VERSION_TRANSITIONED_TO_ARCHIVED"
    TRANSITION_REQUEST_TO_STAGING_CREATED = "TRANSITION_REQUEST_TO_STAGING_CREATED"
    TRANSITION_REQUEST_TO_PRODUCTION_CREATED = "TRANSITION_REQUEST_TO_PRODUCTION_CREATED"
    TRANSITION_REQUEST_TO_ARCHIVED_CREATED = "TRANSITION_REQUEST_TO_ARCHIVED_CREATED"


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """`by` is the name of who did it. Stages are set for requests and transitions; key and value for tags."""

    kind: EventKind
    model_id: str
    model_name: str
    by: str
    version: int | None = None
    from_stage: Stage | None = None
    to_stage: Stage | None = None
    comment: str = ""
    tag_key: str | None = None
    tag_value: str | None = None


_REQUESTS = {
    Stage.STAGING: EventName.TRANSITION_REQUEST_TO_STAGING_CREATED,
    Stage.PRODUCTION: EventName.TRANSITION_REQUEST_TO_PRODUCTION_CREATED,
    Stage.ARCHIVED: EventName.TRANSITION_REQUEST_TO_ARCHIVED_CREATED,
}
_TRANSITIONS = {
    Stage.STAGING: EventName.MODEL_VERSION_TRANSITIONED_TO_STAGING,
    Stage.PRODUCTION: EventName.MODEL_VERSION_TRANSITIONED_TO_PRODUCTION,
    Stage.ARCHIVED: EventName.MODEL_VERSION_TRANSITIONED_TO_ARCHIVED,
}


def names_of(kind: EventKind, to_stage: Stage | None) -> tuple[EventName, ...]:
    """The general name of an event, and the one for its stage if there is one.

    >>> [name.value for name in names_of(EventKind.STAGE_CHANGED, Stage.STAGING)]
    ['MODEL_VERSION_TRANSITIONED_STAGE', 'MODEL_VERSION_TRANSITIONED_TO_STAGING']
    >>> [name.value for name in names_of(EventKind.STAGE_CHANGED, Stage.NONE)]
    ['MODEL_VERSION_TRANSITIONED_STAGE']
    """
    general = EventName(kind.value)
    match kind, to_stage:
        case EventKind.TRANSITION_REQUESTED, Stage():
            special = _REQUESTS.get(to_stage)
        case EventKind.STAGE_CHANGED, Stage():
            special = _TRANSITIONS.get(to_stage)
        case _:
            special = None
    return (general,) if special is None else (general, special)
