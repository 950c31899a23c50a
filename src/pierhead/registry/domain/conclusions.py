"""From findings to a decision: modes, break-glass, and what a refusal says."""

from dataclasses import dataclass, replace
from datetime import datetime

from pierhead.registry.domain.findings import Finding, Outcome, conditions_of, unmet, warnings_of
from pierhead.registry.domain.four_eyes import belongs, group_words
from pierhead.registry.domain.gate import Actor, Closed, Open, PromotionTarget, Request, Review, Subject
from pierhead.registry.domain.policies import BreakGlass, Mode, Policy, PolicySet, words_of
from pierhead.registry.domain.remedies import remedy_for


@dataclass(frozen=True, slots=True)
class Matter:
    """What is decided on, and the policy that decides; `policy` is None where rights alone do."""

    policies: PolicySet
    policy: Policy | None
    subject: Subject
    target: PromotionTarget
    actor: Actor
    request: Request | None
    digest: str
    now: datetime

    @property
    def reference(self) -> str | None:
        return None if self.policy is None else self.policies.reference(self.policy)


def in_mode(policy: Policy | None, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Under mode warn, nothing but a missing right stands in the way."""
    if policy is None or policy.mode is not Mode.WARN:
        return findings
    return tuple(_softened(finding) if finding.code != "permission" else finding for finding in findings)


def _softened(finding: Finding) -> Finding:
    return replace(finding, outcome=Outcome.WARNING) if finding.outcome is Outcome.UNMET else finding


def conclude(matter: Matter, findings: tuple[Finding, ...], notes: tuple[str, ...] = ()) -> Open | Closed:
    """Open if nothing stands in the way, or if somebody may break the glass; `findings` are those `in_mode`."""
    unmet_conditions = conditions_of(findings)
    if unmet_conditions:
        return _past(matter, findings)
    is_soft = matter.policy is not None and matter.policy.mode is Mode.WARN
    warnings = warnings_of(findings)
    if is_soft:
        notes = (f"policy {matter.reference} warns and refuses nothing", *notes)
    return Open(matter.reference, matter.digest, (*notes, *warnings), passed=not is_soft)


def _past(matter: Matter, findings: tuple[Finding, ...]) -> Open | Closed:
    reason = matter.actor.break_glass
    if reason is None:
        return _closed(matter, findings)
    glass = matter.policy.break_glass if matter.policy is not None else None
    flaw = _find_flaw(matter, glass, reason)
    if glass is None or flaw is not None or not matter.actor.may_move:
        return _closed(matter, findings if flaw is None else (*findings, flaw))
    who = matter.actor.name
    loud = f"BREAK-GLASS: {who} went past policy {matter.reference} to {words_of(matter.target)}: {reason.strip()}"
    ignored = tuple(f"not met: {each.code}: {each.message}" for each in conditions_of(findings))
    due = matter.now + glass.review_within
    review = Review(tuple(sorted(glass.review_by)), due)
    return Open(matter.reference, matter.digest, (loud, *ignored, *warnings_of(findings)), passed=False, review=review)


def _find_flaw(matter: Matter, glass: BreakGlass | None, reason: str) -> Finding | None:
    if glass is None:
        return unmet("break_glass", f"no policy lets anybody break the glass for {words_of(matter.target)}")
    if not belongs(matter.actor.groups, glass.groups):
        return unmet("break_glass", f"only {group_words(glass.groups)} may break the glass, not {matter.actor.name}")
    if not reason.strip():
        return unmet("break_glass", "breaking the glass takes a reason, and none was given")
    return None


def _closed(matter: Matter, findings: tuple[Finding, ...]) -> Closed:
    conditions = conditions_of(findings)
    approve = None if matter.policy is None else matter.policy.approve
    remedy = remedy_for(
        matter.policy,
        matter.subject,
        matter.target,
        matter.actor,
        matter.request,
        [condition.code for condition in conditions],
    )
    return Closed(matter.reference, conditions, tuple(sorted(approve.groups)) if approve else (), remedy)
