"""A version, people and evidence that pass the shipped default policy, to be changed one thing at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pierhead.registry.domain.authorize import authorize_promotion
from pierhead.registry.domain.digests import subject_digest
from pierhead.registry.domain.gate import (
    Actor,
    Approval,
    Decision,
    EndpointTarget,
    Evidence,
    PromotionTarget,
    ProvenanceState,
    Request,
    Scan,
    StageTarget,
    Subject,
    WasLive,
)
from pierhead.registry.domain.policies import PolicySet
from pierhead.registry.domain.policy_yaml import parse_policies
from pierhead.registry.domain.shipped_policies import SHIPPED
from pierhead.registry.domain.stages import Stage

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PRODUCTION = StageTarget(Stage.PRODUCTION)
DEFAULT = parse_policies(SHIPPED["default"].encode(), revision=1)
SOLO = parse_policies(SHIPPED["solo"].encode(), revision=1)

SUBJECT = Subject(
    model_id="m1",
    model_name="main.fraud.classifier",
    version_id="v3",
    number=3,
    stage=Stage.STAGING,
    aliases=(),
    created_by="sam",
    authors=frozenset({"sam"}),
)
EVIDENCE = Evidence(
    files_digest="f" * 64,
    has_signature=True,
    provenance=ProvenanceState.COMPLETE,
    provenance_message="",
    provenance_digest="p" * 64,
    scan=Scan(4, ()),
)

SAM = Actor("sam", "sam", frozenset({"data-scientists"}), may_move=False)
"""The author."""
LEA = Actor("lea", "lea", frozenset({"ml-leads"}), may_move=True)
LOU = Actor("lou", "lou", frozenset({"ml-leads"}), may_move=True)
ADA = Actor("ada", "ada", frozenset({"admins"}), may_move=True)
RIA = Actor("ria", "ria", frozenset(), may_move=False)
"""A reader."""


def policies(body: str) -> PolicySet:
    """A set of one policy `p` for Production, with these further lines."""
    lines = "".join(f"  {line}\n" for line in body.strip().splitlines())
    return parse_policies(f"name: test\npolicies:\n- name: p\n  match: {{stages: [Production]}}\n{lines}".encode())


def request(
    *, by: str = "sam", at: datetime = NOW - timedelta(hours=1), approvals: tuple[Approval, ...] = ()
) -> Request:
    return Request("r1", by, at, approvals)


def approval(
    actor: Actor,
    of: PolicySet = DEFAULT,
    *,
    evidence: Evidence = EVIDENCE,
    target: PromotionTarget = PRODUCTION,
    subject: Subject = SUBJECT,
) -> Approval:
    """An approval for exactly this evidence, target and policy."""
    digest = subject_digest(subject, target, evidence, of.find(subject.model_name, target))
    return Approval(actor.person, actor.groups, NOW, digest)


def decide(
    actor: Actor,
    *,
    by: PolicySet = DEFAULT,
    subject: Subject = SUBJECT,
    target: PromotionTarget = PRODUCTION,
    asked: Request | None = None,
    evidence: Evidence = EVIDENCE,
    history: tuple[WasLive, ...] = (),
    now: datetime = NOW,
) -> Decision:
    return authorize_promotion(by, subject, target, actor, asked, evidence, history, now)


def endpoint(**tags: str) -> EndpointTarget:
    return EndpointTarget("fraud", tags)


def without(**changes: Any) -> Evidence:
    """The good evidence, with these things otherwise."""
    return replace(EVIDENCE, **changes)


def codes(decision: Decision) -> list[str]:
    """The codes of what stands in the way; empty for an open gate."""
    return [condition.code for condition in getattr(decision, "conditions", ())]
