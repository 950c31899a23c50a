"""What to do about a closed gate: the command that asks those who can open it."""

from collections.abc import Collection

from pierhead.registry.domain.four_eyes import group_words
from pierhead.registry.domain.gate import Actor, AliasTarget, PromotionTarget, Request, StageTarget, Subject
from pierhead.registry.domain.policies import Policy, words_of
from pierhead.registry.domain.stages import Stage

_ABOUT_PEOPLE = frozenset({"approver_group", "author", "requester", "request", "approvals", "request_expired"})


def remedy_for(
    policy: Policy | None,
    subject: Subject,
    target: PromotionTarget,
    actor: Actor,
    request: Request | None,
    codes: Collection[str],
) -> str:
    """One sentence, with a command where there is one. `codes` are those of the conditions that are not met."""
    if policy is None or set(codes) == {"permission"}:
        return f"ask who manages model '{subject.model_name}' for {actor.permission}"
    if "from_stages" in codes:
        return f"promote the version first: {_command('request', subject, _first(policy.from_stages))}"
    if _ABOUT_PEOPLE.isdisjoint(codes):
        return f"mend that, then look again: {_command('promote', subject, target)} --dry-run"
    if policy.approve is not None and _stands_at(subject, target):
        return f"let somebody of {group_words(policy.approve.groups)} take it away from {words_of(target)} first"
    if request is not None and "request_expired" not in codes and policy.approve is not None:
        who = group_words(policy.approve.groups)
        return f"let another person of {who} run: {_command('approve', subject, target)}"
    return f"ask for approval: {_command('request', subject, target)}"


def _stands_at(subject: Subject, target: PromotionTarget) -> bool:
    match target:
        case StageTarget(stage):
            return subject.stage is stage
        case AliasTarget(alias):
            return alias in subject.aliases
        case _:
            return False


def _first(stages: Collection[Stage]) -> StageTarget:
    return StageTarget(next(stage for stage in reversed(Stage) if stage in stages))


def _command(verb: str, subject: Subject, target: PromotionTarget) -> str:
    match target:
        case StageTarget(stage):
            place = stage.value
        case AliasTarget(alias):
            place = f"@{alias}"
        case _:
            return f"pierhead models {verb} {subject.model_name} {subject.number}"
    return f"pierhead models {verb} {subject.model_name} {subject.number} --to {place}"
