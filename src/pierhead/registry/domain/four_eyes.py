"""Who counts as an approver, and how many approvals that makes."""

from collections.abc import Iterator
from dataclasses import dataclass

from pierhead.registry.domain.findings import Finding, Outcome, met, unmet
from pierhead.registry.domain.gate import Actor, Approval, Request, Subject
from pierhead.registry.domain.policies import EVERYBODY, Approve, Policy, Role


@dataclass(frozen=True, slots=True)
class Tally:
    """`findings` are about the actor as an approver; `missing` is how many approvals are needed besides the good ones,
    the actor's own among them if the findings are all met; `notes` say which approvals are no good, and why; `persons`
    are behind the good ones."""

    findings: tuple[Finding, ...]
    missing: int
    notes: tuple[str, ...]
    persons: frozenset[str] = frozenset()


def tally(policy: Policy, subject: Subject, actor: Actor, request: Request | None, subject_digest: str) -> Tally:
    """Count approvals. Who moves a version without a request asks and approves in one step."""
    approve = policy.approve
    if approve is None:
        return Tally((), 0, ())
    findings = tuple(_of_actor(policy, approve, subject, actor, request))
    persons: set[str] = set()
    notes: list[str] = []
    if request is not None:
        for approval in request.approvals:
            reason = _find_flaw(approval, approve, subject, request, subject_digest)
            if reason is None:
                persons.add(approval.person)
            else:
                notes.append(f"the approval by {approval.person} of {approval.at:%Y-%m-%d %H:%M} UTC {reason}")
    if all(finding.outcome is Outcome.MET for finding in findings):
        persons.add(actor.person)
    return Tally(findings, max(0, approve.count - len(persons)), tuple(notes), frozenset(persons))


def is_approver(groups: frozenset[str], approve: Approve) -> bool:
    return belongs(groups, approve.groups)


def belongs(groups: frozenset[str], allowed: frozenset[str]) -> bool:
    """Whether who is in `groups` is in one of `allowed`."""
    return EVERYBODY in allowed or bool(groups & allowed)


def group_words(groups: frozenset[str]) -> str:
    """Groups in a sentence.

    >>> group_words(frozenset({"ml-leads", "admins"}))
    'group admins or ml-leads'
    """
    if EVERYBODY in groups:
        return "any user"
    return f"group {' or '.join(sorted(groups))}" if groups else "nobody"


def _of_actor(
    policy: Policy, approve: Approve, subject: Subject, actor: Actor, request: Request | None
) -> Iterator[Finding]:
    who = actor.name if actor.name == actor.person else f"{actor.name} (for {actor.person})"
    if is_approver(actor.groups, approve):
        yield met("approver_group", f"{who} is in {group_words(approve.groups)}")
    else:
        yield unmet("approver_group", f"only {group_words(approve.groups)} may approve this, and {who} is not in it")
    if Role.AUTHOR in approve.distinct_from:
        if actor.person in subject.authors:
            yield unmet("author", f"{actor.person} made this version or its run, and nobody approves their own work")
        else:
            yield met("author", f"{actor.person} did not make this version or its run")
    if Role.REQUESTER in approve.distinct_from and request is not None:
        if request.requester == actor.person:
            yield unmet("requester", f"{actor.person} asked for this, and nobody approves their own request")
        else:
            yield met("requester", f"asked for by {request.requester}")
    if request is None:
        yield from _of_direct_move(policy, approve)


def _of_direct_move(policy: Policy, approve: Approve) -> Iterator[Finding]:
    if approve.count > 1:
        yield unmet(
            "request", f"this takes approvals of {approve.count} persons, so that somebody has to request it first"
        )
    elif not policy.direct:
        yield unmet(
            "request", "nobody has requested this, and the policy does not let approvers move a version by themselves"
        )
    else:
        yield met("request", "an approver may move this without a request")


def _find_flaw(
    approval: Approval, approve: Approve, subject: Subject, request: Request, subject_digest: str
) -> str | None:
    """Why an approval does not count; None if it does."""
    if approval.subject_digest != subject_digest:
        return (
            "is stale: the files, the training data, the evaluation, the policy or the target changed since; "
            "it has to be given again"
        )
    if not is_approver(approval.groups, approve):
        return f"does not count: who gave it is not in {group_words(approve.groups)}"
    if Role.AUTHOR in approve.distinct_from and approval.person in subject.authors:
        return "does not count: it is by an author of the version"
    if Role.REQUESTER in approve.distinct_from and approval.person == request.requester:
        return "does not count: it is by who asked"
    return None
