"""What a rollout says of its version to the promotion gate."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from pierhead.rollouts.domain.decisions import Decision, Outcome
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.ports import Evidence

SHADOW, CANARY = "shadow", "canary"

ALL_PASSED = "gates"
"""The rule of decisions that fell because all gates were passed."""

_LONGEST = 2000


def tell_evidence(
    connection: Connection, evidence: Evidence, rollout: Rollout, decision: Decision, now: datetime
) -> None:
    """Report what the look at `rollout`, as it was before, has proved or disproved."""
    for check, passed, message in reports_of(rollout, decision):
        evidence.tell(connection, rollout.candidate, check, passed=passed, message=message[:_LONGEST], at=now)


def tell_breakdown(connection: Connection, evidence: Evidence, rollout: Rollout, reason: str, now: datetime) -> None:
    """Report that the version's workers did not stand the requests of the step that `rollout` was in."""
    check = SHADOW if rollout.spec.steps[rollout.state.step].is_shadow else CANARY
    message = f"{_where(rollout)}: {reason}"
    evidence.tell(connection, rollout.candidate, check, passed=False, message=message[:_LONGEST], at=now)


def reports_of(rollout: Rollout, decision: Decision) -> Iterator[tuple[str, bool, str]]:
    """Check, whether it passed, and why with numbers.

    A shadow that was passed is evidence at once, and again while it goes on without an end; a canary when all of its
    steps were passed by themselves.
    """
    step = rollout.spec.steps[rollout.state.step]
    where = _where(rollout)
    numbers = "; ".join(f"{gate.name}: {gate.message}" for gate in decision.gates)
    match decision.outcome:
        case Outcome.ROLL_BACK:
            yield (SHADOW if step.is_shadow else CANARY), False, f"{where}: {decision.reason}"
        case Outcome.ADVANCE | Outcome.PROMOTE if step.is_shadow:
            yield SHADOW, True, f"{where}: {numbers}"
        case Outcome.WAIT if rollout.spec.is_open_ended and decision.rule == ALL_PASSED:
            yield SHADOW, True, f"{where}: {numbers}"
    if decision.outcome is Outcome.PROMOTE and decision.state.is_proof and not rollout.spec.is_open_ended:
        yield CANARY, True, f"{where}, {len(rollout.spec.steps)} steps: {decision.reason}; {numbers}"


def _where(rollout: Rollout) -> str:
    return f"rollout {rollout.id} of endpoint '{rollout.endpoint_name}'"
