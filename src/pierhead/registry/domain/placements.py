"""Where versions stood, and since when: the memory that `models history` reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pierhead.registry.domain.targets import Place


@dataclass(frozen=True, slots=True)
class Emergency:
    """A promotion that went through a closed gate, for a reason: somebody of `groups` reviews it until `due`."""

    reason: str
    groups: tuple[str, ...]
    due: datetime
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    review_comment: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A version stands at a place, under a name, from `since` on, `until` it left.

    `by` moved it there, `person` is the human behind; `request_id` is the request that this fulfilled. `policy` is
    SET/POLICY@REVISION, `evidence` what was known when the gate opened, as plain JSON, with the version's `authors` and
    the persons who let it in, `approved_by`. A later way back is judged by `passed` and `content_digest`.
    """

    id: str
    model_id: str
    model_name: str
    version_id: str
    number: int
    place: Place
    since: datetime
    until: datetime | None
    by: str
    person: str
    ended_by: str | None
    comment: str | None
    request_id: str | None
    policy: str | None
    subject_digest: str
    content_digest: str
    passed: bool
    evidence: Mapping[str, Any]
    notes: tuple[str, ...]
    emergency: Emergency | None
