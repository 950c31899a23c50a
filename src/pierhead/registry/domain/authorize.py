"""The gate: may this version become live, or stop being so? Pure functions behind every door.

`authorize_promotion` is for what makes a version live: a stage, an alias, an endpoint. `authorize_leaving` is for what
takes it away or frees its name. `authorize_request` is for asking. All judge by the first policy that speaks of the
model and the target; where no policy speaks, rights alone decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.registry.domain.conclusions import Matter, conclude, in_mode
from pierhead.registry.domain.digests import leaving_digest, subject_digest
from pierhead.registry.domain.examination import (
    Case,
    find_rollback,
    of_approvals,
    of_evidence,
    of_permission,
    of_request,
)
from pierhead.registry.domain.findings import Finding, conditions_of, met, unmet
from pierhead.registry.domain.four_eyes import Tally, belongs, group_words, is_approver, tally
from pierhead.registry.domain.gate import (
    Actor,
    Closed,
    Counted,
    Decision,
    Evidence,
    Open,
    PromotionTarget,
    Request,
    Requestable,
    Subject,
    WasLive,
)
from pierhead.registry.domain.policies import Mode, Policy, PolicySet, canonical, words_of


@dataclass(frozen=True, slots=True)
class Examination:
    """A decision with all that was looked at, met or not. `policy` is SET/POLICY@REVISION, None where none speaks;
    `approvers` are the persons whose approvals counted."""

    policy: str | None
    findings: tuple[Finding, ...]
    decision: Decision
    approvers: frozenset[str] = frozenset()


def authorize_promotion(  # noqa: PLR0913  # a decision takes all of this, and nothing else
    policies: PolicySet,
    subject: Subject,
    target: PromotionTarget,
    actor: Actor,
    request: Request | None,
    evidence: Evidence,
    history: Sequence[WasLive],
    now: datetime,
) -> Decision:
    """May `actor` make the version live at `target` now?

    `request` is the open request to do so, if there is one; an actor other than the requester approves it by acting.
    `history` is what was live at this target before, of the same model. `now` is aware. Every unmet condition is in the
    answer, each with what to do about it.
    """
    return examine_promotion(policies, Case(subject, target, actor, request, evidence, history, now)).decision


def examine_promotion(policies: PolicySet, case: Case) -> Examination:
    """As `authorize_promotion`, with everything that was looked at."""
    target = canonical(case.target)
    policy = policies.find(case.subject.model_name, target)
    digest = subject_digest(case.subject, target, case.evidence, policy)
    matter = Matter(policies, policy, case.subject, target, case.actor, case.request, digest, case.now)
    permission = of_permission(case.actor, case.subject, target)
    if policy is None:
        return Examination(None, (permission,), conclude(matter, (permission,)))
    life = find_rollback(case, policy)
    if life is not None:
        said = f"it was live here before, from {life.at:%Y-%m-%d %H:%M} UTC, with the same files and training data"
        findings: tuple[Finding, ...] = (permission, met("rollback", said))
        decision: Decision = conclude(matter, findings, (f"fast way back by one approver: {said}",))
        return Examination(matter.reference, findings, decision)
    counted = tally(policy, case.subject, case.actor, case.request, digest)
    findings = in_mode(
        policy,
        (
            permission,
            *of_request(policy, case.request, case.now),
            *counted.findings,
            *of_approvals(policy, counted),
            *of_evidence(policy, case.subject, case.evidence, case.now),
        ),
    )
    return Examination(matter.reference, findings, _decide(matter, findings, counted), counted.persons)


def _decide(matter: Matter, findings: tuple[Finding, ...], counted: Tally) -> Decision:
    codes = [condition.code for condition in conditions_of(findings)]
    if codes == ["approvals"] and matter.actor.break_glass is None and matter.reference is not None:
        return Counted(matter.reference, matter.digest, counted.missing, counted.notes)
    return conclude(matter, findings, counted.notes)


def authorize_leaving(
    policies: PolicySet, subject: Subject, target: PromotionTarget, actor: Actor, now: datetime
) -> Open | Closed:
    """May `actor` take the version away from `target`, where it is live now, or free a name that leads to it?

    It takes an approver of the policy, but no evidence, no second person and no waiting: what is wrong must be able to
    go. `Open.subject_digest` is that of the leaving.
    """
    target = canonical(target)
    policy = policies.find(subject.model_name, target)
    digest = leaving_digest(subject, target, policy)
    matter = Matter(policies, policy, subject, target, actor, None, digest, now)
    findings = (of_permission(actor, subject, target), *_of_leaver(policy, target, actor))
    return conclude(matter, in_mode(policy, findings))


def _of_leaver(policy: Policy | None, target: PromotionTarget, actor: Actor) -> tuple[Finding, ...]:
    if policy is None or policy.approve is None:
        return ()
    who = group_words(policy.approve.groups)
    if is_approver(actor.groups, policy.approve):
        return (met("approver_group", f"{actor.name} is in {who}"),)
    said = f"only {who} may take a version away from {words_of(target)} or free its name; {actor.name} is not in it"
    return (unmet("approver_group", said),)


def authorize_request(  # see above
    policies: PolicySet,
    subject: Subject,
    target: PromotionTarget,
    actor: Actor,
    evidence: Evidence,
    now: datetime,
) -> Requestable | Closed:
    """May `actor` ask for this move? What the evidence lacks today does not keep anybody from asking."""
    target = canonical(target)
    policy = policies.find(subject.model_name, target)
    digest = subject_digest(subject, target, evidence, policy)
    if policy is None:
        return Requestable(None, digest, (), None)
    if policy.mode is Mode.ENFORCE and not belongs(actor.groups, policy.request_groups):
        said = f"only {group_words(policy.request_groups)} may ask for {words_of(target)}; {actor.name} is not in it"
        condition = unmet("requester_group", said).as_condition()
        approvers = tuple(sorted(policy.approve.groups)) if policy.approve else ()
        return Closed(
            policies.reference(policy), (condition,), approvers, f"let {group_words(policy.request_groups)} ask"
        )
    findings = in_mode(policy, tuple(of_evidence(policy, subject, evidence, now)))
    return Requestable(policies.reference(policy), digest, conditions_of(findings), now + policy.expires)
