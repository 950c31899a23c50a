"""A closed gate as an error: everything that is missing, who could help, and the command that asks them."""

from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.registry.domain.gate import Closed, PromotionTarget, StageTarget
from pierhead.registry.domain.policies import words_of


class GateClosed(PermissionDenied):
    """A right or an approval is missing."""

    kind = "gate closed"


class ChecksFailed(InvalidArgument):
    """Nobody's word is missing, but the version does not pass its checks."""

    kind = "gate closed"


def refusal(
    closed: Closed,
    name: str,
    number: int,
    target: PromotionTarget,
    *,
    is_leaving: bool = False,
    is_asking: bool = False,
) -> GateClosed | ChecksFailed:
    """The error to raise.

    >>> from pierhead.registry.domain.gate import Condition
    >>> from pierhead.registry.domain.stages import Stage
    >>> closed = Closed("a/b@1", (Condition("signature", "no signature", True),), ("ml-leads",), "mend that")
    >>> print(refusal(closed, "main.a.b", 3, StageTarget(Stage.PRODUCTION)))
    version 3 of model 'main.a.b' cannot go to stage Production (policy a/b@1):
      - signature: no signature
    Who could approve: group ml-leads. Next: mend that
    """
    verb = "leave" if is_leaving else "be requested for" if is_asking else "go to"
    policy = f" (policy {closed.policy})" if closed.policy else ""
    lines = [f"version {number} of model '{name}' cannot {verb} {words_of(target)}{policy}:"]
    lines += [f"  - {condition.code}: {condition.message}" for condition in closed.conditions]
    last = [f"Next: {_next(closed, name, number, target)}"]
    if closed.approvers:
        last.insert(0, f"Who could approve: group {' or '.join(closed.approvers)}.")
    kind = ChecksFailed if all(condition.is_check for condition in closed.conditions) else GateClosed
    return kind("\n".join([*lines, " ".join(last)]))


def _next(closed: Closed, name: str, number: int, target: PromotionTarget) -> str:
    if "pierhead models request " in closed.remedy and isinstance(target, StageTarget):
        stage = target.stage.value
        return f'{closed.remedy}, or w.model_registry.create_transition_request("{name}", "{number}", "{stage}")'
    return closed.remedy
