"""What happened to a version, in the words of the Databricks registry."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ActivityKind(Enum):
    """Values are the words of the wire, and are kept in rows."""

    REQUESTED = "REQUESTED_TRANSITION"
    APPROVED = "APPROVED_REQUEST"
    REJECTED = "REJECTED_REQUEST"
    CANCELLED = "CANCELLED_REQUEST"
    APPLIED = "APPLIED_TRANSITION"
    SYSTEM = "SYSTEM_TRANSITION"
    """A side effect, like the archiving of the version that was live before."""
    COMMENT = "NEW_COMMENT"


@dataclass(frozen=True, slots=True)
class Activity:
    """`from_place` and `to_place` are stages or, after an `@`, aliases; None for comments, and where a version comes
    from or goes to nowhere. `by` is the name of who did it; `system_comment` is ours, `comment` is theirs."""

    id: str
    kind: ActivityKind
    model_id: str
    model_name: str
    version_id: str
    number: int
    from_place: str | None
    to_place: str | None
    by: str
    comment: str | None
    system_comment: str | None
    created_at: datetime
    updated_at: datetime
