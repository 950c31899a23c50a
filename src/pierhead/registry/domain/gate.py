"""The gate: may this version become live, or stop being so? One pure function behind every door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pierhead.registry.domain.stages import Stage


@dataclass(frozen=True, slots=True)
class StageTarget:
    stage: Stage


@dataclass(frozen=True, slots=True)
class AliasTarget:
    alias: str


@dataclass(frozen=True, slots=True)
class EndpointTarget:
    """Serving a version under an endpoint."""

    name: str
    tags: Mapping[str, str]


PromotionTarget = StageTarget | AliasTarget | EndpointTarget


@dataclass(frozen=True, slots=True)
class Actor:
    """`person` is the human who acts: the owner of a service principal, or the user. `may_move` is whether grants and
    permission levels alone would let the actor do it."""

    name: str
    person: str
    groups: frozenset[str]
    may_move: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """The version in question. `authors` are the persons behind its creation and its run."""

    model_id: str
    model_name: str
    version_id: str
    number: int
    stage: Stage
    aliases: tuple[str, ...]
    created_by: str
    authors: frozenset[str]


class ProvenanceState(Enum):
    COMPLETE = "COMPLETE"
    PENDING = "PENDING"
    INVALID = "INVALID"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One number that was measured, on the data set `dataset`; None if no data set was named."""

    metric: str
    value: float
    dataset: str | None
    dataset_digest: str | None
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Scan:
    """What the safety scan of the files found: `dangers` is empty for safe files."""

    files_scanned: int
    dangers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody else says: an external webhook, parity, a shadow or a canary, drift."""

    passed: bool
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known of a version that a policy may ask for, gathered before the gate decides.

    `champion` holds the evaluations of the version that is live at the target now, empty if there is none. `reports` by
    the name of the check that they answer.
    """

    files_digest: str
    has_signature: bool
    provenance: ProvenanceState
    provenance_message: str
    provenance_digest: str | None
    evaluations: tuple[Evaluation, ...] = ()
    champion: tuple[Evaluation, ...] = ()
    scan: Scan | None = None
    reports: Mapping[str, Report] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """`person` is the human who approved; the approval counts for the evidence that `subject_digest` stands for."""

    person: str
    groups: frozenset[str]
    at: datetime
    subject_digest: str


@dataclass(frozen=True, slots=True)
class Request:
    """An open request to move a version to a target."""

    id: str
    requester: str
    requested_at: datetime
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is not met. `is_check` tells a failed check (400) from a missing right or approval (403)."""

    code: str
    message: str
    is_check: bool


@dataclass(frozen=True, slots=True)
class Open:
    """The actor may do it now. `policy` is NAME@REVISION or None if no policy speaks of it; `notes` are what the solo
    policy warns of, break-glass, or a fast rollback: they go into the activity and the audit trail."""

    policy: str | None
    subject_digest: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """The actor's approval counts, but more approvals are needed."""

    policy: str
    subject_digest: str
    missing: int


@dataclass(frozen=True, slots=True)
class Closed:
    """Everything that stands in the way, who could approve, and the command that asks them."""

    policy: str | None
    conditions: tuple[Condition, ...]
    approvers: tuple[str, ...]
    remedy: str


Decision = Open | Counted | Closed
