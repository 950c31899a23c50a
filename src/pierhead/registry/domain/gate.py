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
    permission levels alone would let the actor do it; `permission` names the one it takes, for the message.

    `break_glass` is the reason given for going past the policy in an emergency; None for everybody who does not.
    """

    name: str
    person: str
    groups: frozenset[str]
    may_move: bool
    permission: str = "CAN_MANAGE_PRODUCTION_VERSIONS"
    break_glass: str | None = None


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
    """What somebody else says: an external webhook, parity, a shadow or a canary, drift.

    `digest` is what of it an approval is bound to, next to whether it passed; counters that rise by themselves do not
    belong there, a document that somebody read does.
    """

    passed: bool
    message: str
    at: datetime
    digest: str | None = None


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
    """An open request to move a version to a target. `requester` is the human who asks, as `Actor.person`."""

    id: str
    requester: str
    requested_at: datetime
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class WasLive:
    """That a version went live at the target at some time before, and with what: see `content_digest`.

    `passed` is `Open.passed` of that time: who got in by break-glass or with warnings never passed the gate.
    """

    version_id: str
    content_digest: str
    at: datetime
    passed: bool = True


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is not met. `is_check` tells a failed check (400) from a missing right or approval (403)."""

    code: str
    message: str
    is_check: bool


@dataclass(frozen=True, slots=True)
class Review:
    """Who looks at a break-glass afterwards, and until when."""

    groups: tuple[str, ...]
    due: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """The actor may do it now. `policy` is SET/POLICY@REVISION or None if no policy speaks of it; `notes` are what the
    solo policy warns of, break-glass, or a fast rollback: they go into the activity and the audit trail.

    `passed` is False if it is open although the policy was not satisfied: in mode warn, or by break-glass. `review` is
    there for break-glass alone.
    """

    policy: str | None
    subject_digest: str
    notes: tuple[str, ...] = ()
    passed: bool = True
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """The actor's approval counts, but more approvals are needed. `notes` tell of approvals that do not count."""

    policy: str
    subject_digest: str
    missing: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """Everything that stands in the way, who could approve, and the command that asks them."""

    policy: str | None
    conditions: tuple[Condition, ...]
    approvers: tuple[str, ...]
    remedy: str


Decision = Open | Counted | Closed


@dataclass(frozen=True, slots=True)
class Requestable:
    """Somebody may ask for this move. `unmet` is what stands in the way today besides an approval; the request ends at
    `expires_at`. Policy and end are None if no policy speaks of the move."""

    policy: str | None
    subject_digest: str
    unmet: tuple[Condition, ...]
    expires_at: datetime | None
