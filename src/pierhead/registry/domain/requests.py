"""Requests to move a version: who asked, who approved, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pierhead.registry.domain.gate import Approval, Request
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.targets import Place


class RequestState(Enum):
    """Values are kept in rows; nothing but OPEN can still be approved."""

    OPEN = "OPEN"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"
    """Somebody else's request brought the version there, or the version is gone."""
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Closing:
    """How a request ended, by whose hand."""

    state: RequestState
    at: datetime
    by: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """One approval; `approver` is who gave it, `approval.person` the human behind."""

    id: str
    approver: str
    comment: str | None
    approval: Approval


@dataclass(frozen=True, slots=True)
class TransitionRequest:
    """`creator` is who asked, `person` the human behind. It ends by itself at `expires_at`, if that is set."""

    id: str
    model_id: str
    model_name: str
    version_id: str
    number: int
    from_stage: Stage
    place: Place
    creator: str
    person: str
    comment: str | None
    created_at: datetime
    expires_at: datetime | None
    closing: Closing | None
    approvals: tuple[GivenApproval, ...] = ()

    def state(self, now: datetime) -> RequestState:
        """What has become of it at `now`."""
        if self.closing is not None:
            return self.closing.state
        has_expired = self.expires_at is not None and now >= self.expires_at
        return RequestState.EXPIRED if has_expired else RequestState.OPEN

    def as_gate_sees_it(self) -> Request:
        return Request(self.id, self.person, self.created_at, tuple(given.approval for given in self.approvals))


def open_ones(requests: Sequence[TransitionRequest], now: datetime) -> list[TransitionRequest]:
    """Those that can be approved now, in the same order."""
    return [request for request in requests if request.state(now) is RequestState.OPEN]
