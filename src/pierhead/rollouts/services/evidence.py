"""What a rollout says of its version to the promotion gate."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from pierhead.rollouts.domain.decisions import ALL_PASSED, Decision, Outcome
from pierhead.rollouts.domain.rollouts import Look, Rollout
from pierhead.rollouts.ports import Evidence

SHADOW, CANARY = "shadow", "canary"

_LONGEST = 2000


def tell_evidence(
    connection: Connection, evidence: Evidence, rollout: Rollout, decision: Decision, now: datetime
) -> None:
    """Report what the look at `rollout`, as it was before, has proved or disproved."""
    for check, passed, message in reports_of(rollout, decision):
        _tell(connection, evidence, rollout, check, passed, message, now)


def tell_promotion(
    connection: Connection, evidence: Evidence, rollout: Rollout, looks: Sequence[Look], now: datetime
) -> None:
    """Report that the version, live now, stood its canary; `looks` are the last ones."""
    gates = next((look.gates for look in looks if look.outcome == Outcome.PROMOTE.value), ())
    numbers = "; ".join(f"{gate['name']}: {gate['message']}" for gate in gates)
    message = f"{_where(rollout)}, {len(rollout.spec.steps)} steps: {rollout.state.reason}; {numbers}"
    _tell(connection, evidence, rollout, CANARY, True, message, now)


def tell_breakdown(connection: Connection, evidence: Evidence, rollout: Rollout, reason: str, now: datetime) -> None:
    """Report that the version's workers did not stand the requests of the step that `rollout` was in."""
    check = SHADOW if rollout.spec.steps[rollout.state.step].is_shadow else CANARY
    message = f"{_where(rollout)}: {reason}"
    _tell(connection, evidence, rollout, check, False, message, now)


def reports_of(rollout: Rollout, decision: Decision) -> Iterator[tuple[str, bool, str]]:
    """Check, whether it passed, and why with numbers.

    A shadow that was passed is evidence at once, and again while it goes on without an end, if its plan is strict
    enough; a canary only when the version is live, as `tell_promotion` says.
    """
    step = rollout.spec.steps[rollout.state.step]
    is_shown = step.is_shadow and not rollout.state.worth.shadow
    where = _where(rollout)
    numbers = "; ".join(f"{gate.name}: {gate.message}" for gate in decision.gates)
    match decision.outcome:
        case Outcome.ROLL_BACK:
            # Whatever was found before, the last rollout of the version did not end with all of the traffic.
            for check in (SHADOW, CANARY) if step.is_shadow else (CANARY,):
                yield check, False, f"{where}: {decision.reason}"
        case Outcome.ADVANCE | Outcome.PROMOTE if is_shown:
            yield SHADOW, True, f"{where}: {numbers}"
        case Outcome.WAIT if is_shown and rollout.spec.is_open_ended and decision.rule == ALL_PASSED:
            yield SHADOW, True, f"{where}: {numbers}"


def _tell(
    connection: Connection, evidence: Evidence, rollout: Rollout, check: str, passed: bool, message: str, now: datetime
) -> None:
    """Only what people run who may promote the model is evidence."""
    if not rollout.state.worth.report:
        evidence.tell(connection, rollout.candidate, check, passed=passed, message=message[:_LONGEST], at=now)


def _where(rollout: Rollout) -> str:
    return f"rollout {rollout.id} of endpoint '{rollout.endpoint_name}'"
