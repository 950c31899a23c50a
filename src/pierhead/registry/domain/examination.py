"""Looking at everything that a policy asks for, before anything is decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.registry.domain.check import Failed
from pierhead.registry.domain.checks import CHECKS
from pierhead.registry.domain.digests import content_digest
from pierhead.registry.domain.findings import Finding, Outcome, met, unmet
from pierhead.registry.domain.four_eyes import Tally, is_approver
from pierhead.registry.domain.gate import Actor, Evidence, PromotionTarget, Request, Subject, WasLive
from pierhead.registry.domain.policies import Mode, Policy, words_of


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision on a promotion is made of, but for the policy; see `authorize_promotion`."""

    subject: Subject
    target: PromotionTarget
    actor: Actor
    request: Request | None
    evidence: Evidence
    history: Sequence[WasLive]
    now: datetime


def of_permission(actor: Actor, subject: Subject, target: PromotionTarget) -> Finding:
    """Whether grants and permission levels alone would do; nothing makes up for them."""
    if actor.may_move:
        return met("permission", f"{actor.name} has {actor.permission}")
    return unmet(
        "permission",
        f"{actor.name} lacks {actor.permission}, which {words_of(target)} of model '{subject.model_name}' takes",
    )


def of_evidence(policy: Policy, subject: Subject, evidence: Evidence, now: datetime) -> Iterator[Finding]:
    """The version's stage, the freeze, and the checks."""
    if policy.from_stages:
        yield _of_stage(policy, subject)
    for window in policy.freeze_windows:
        end = window.find_end(now)
        if end is not None:
            yield unmet("freeze", f"nothing moves in {window}, until {end:%Y-%m-%d %H:%M} UTC", is_check=True)
    for use in policy.checks:
        verdict = CHECKS[use.name].judge(evidence, use.params, now)
        if not isinstance(verdict, Failed):
            yield met(use.name, CHECKS[use.name].summary, is_check=True)
        elif use.mode is Mode.WARN:
            yield Finding(use.name, verdict.message, Outcome.WARNING, is_check=True)
        else:
            yield unmet(use.name, verdict.message, is_check=True)


def _of_stage(policy: Policy, subject: Subject) -> Finding:
    wanted = " or ".join(stage.value for stage in type(subject.stage) if stage in policy.from_stages)
    if subject.stage in policy.from_stages:
        return met("from_stages", f"the version is in {subject.stage.value}")
    # What is missing is the approval for that stage, so this is no failed check.
    return unmet("from_stages", f"the version is in stage {subject.stage.value}, and must be in {wanted}")


def of_request(policy: Policy, request: Request | None, now: datetime) -> Iterator[Finding]:
    """Whether the request is still good."""
    if request is not None and now >= request.requested_at + policy.expires:
        yield unmet(
            "request_expired",
            f"the request by {request.requester} of {request.requested_at:%Y-%m-%d %H:%M} UTC has expired; ask again",
        )


def of_approvals(policy: Policy, tally: Tally) -> Iterator[Finding]:
    """How many approvals there are."""
    if policy.approve is None:
        return
    count = policy.approve.count
    said = "; ".join((f"{count - tally.missing} of {count} approvals", *tally.notes))
    yield unmet("approvals", said) if tally.missing else met("approvals", said)


def find_rollback(case: Case, policy: Policy) -> WasLive | None:
    """The former life at the target that lets one approver bring the version back without new evidence."""
    approve = policy.approve
    if approve is None or not is_approver(case.actor.groups, approve) or not case.actor.may_move:
        return None
    content = content_digest(case.evidence)
    lives = [
        life
        for life in case.history
        if life.passed and life.version_id == case.subject.version_id and life.content_digest == content
    ]
    last = max(lives, key=lambda life: life.at, default=None)
    if last is None or (policy.rollback_within is not None and case.now - last.at > policy.rollback_within):
        return None
    return last
