"""What a rollout does next. `decide` is the only place that says so."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

from pierhead.rollouts.domain.gate_terms import OnHarm
from pierhead.rollouts.domain.gates.looking import look
from pierhead.rollouts.domain.gates.results import Facts, GateResult, Verdict
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.specs import CANARY_POINTS, OnMaxDuration, RolloutSpec, Step
from pierhead.rollouts.domain.states import RolloutState, Status, Traffic, seen_at, traffic_of

_CLOCKS_APART = timedelta(minutes=1)

ALL_PASSED = "gates"
"""The rule of decisions that fell because all gates were passed."""


class Outcome(Enum):
    WAIT = "wait"
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Decision:
    """One look: what comes of it, why, and on which numbers.

    `rule` is the name of the gate that decided, or of what was not reached (`backlog`, `duration`, `requests`,
    `traffic`, `max_duration`), or `gates` if all are passed, or `status` while people or an end forbid any step.
    `state` and `traffic` are what is so afterwards. After ADVANCE a new reading begins.
    """

    outcome: Outcome
    rule: str
    reason: str
    gates: tuple[GateResult, ...]
    state: RolloutState
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class _Finding:
    outcome: Outcome
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Look:
    spec: RolloutSpec
    state: RolloutState
    step: Step
    reading: Reading
    gates: tuple[GateResult, ...]
    now: datetime
    has_backlog: bool


def decide(
    spec: RolloutSpec,
    state: RolloutState,
    reading: Reading,
    facts: Facts,
    now: datetime,
    *,
    has_backlog: bool = False,
) -> Decision:
    """The outcome of a look at `now` at what the current step has shown.

    Harm is acted on while the rollout is paused or held as well; everything else waits then. With a backlog of
    observations that are not in the reading yet no step is passed. A rollout that is over, or that only waits for its
    config to be active, stays as it is.
    """
    if not state.status.is_judged:
        over = f"the rollout is {'over' if not state.status.is_open else 'decided'} ({state.status.words})"
        return Decision(Outcome.WAIT, "status", over, (), state, traffic_of(spec, state))
    seen = seen_at(state, now)
    step = spec.steps[seen.step]
    gates = look(spec, step, reading, facts)
    finding = _find_harm(step, gates) or _find_rest(_Look(spec, seen, step, reading, gates, now, has_backlog))
    if finding.outcome is Outcome.HOLD and seen.status is not Status.RUNNING:
        finding = replace(finding, outcome=Outcome.WAIT)
    after = _after(seen, finding, now)
    return Decision(finding.outcome, finding.rule, finding.reason, gates, after, traffic_of(spec, after))


def hindered(spec: RolloutSpec, state: RolloutState, decision: Decision, why: str) -> Decision:
    """A decision that would give the candidate more than a canary, as one that holds; any other as it is."""
    gives_more = decision.outcome in (Outcome.ADVANCE, Outcome.PROMOTE) and decision.traffic.points > CANARY_POINTS
    if not gives_more:
        return decision
    held = replace(decision.state, status=Status.HELD, step=state.step, step_started_at=state.step_started_at)
    held = replace(held, idle=seen_at(state, held.looked_at).idle, reason=why)
    return replace(
        decision, outcome=Outcome.HOLD, rule="policy", reason=why, state=held, traffic=traffic_of(spec, held)
    )


def _find_harm(step: Step, gates: tuple[GateResult, ...]) -> _Finding | None:
    """The first harmful gate that rolls back; without one, the first that holds."""
    harmful = [
        (terms.on_harm, result)
        for terms, result in zip(step.gates, gates, strict=True)
        if result.verdict is Verdict.HARMFUL
    ]
    harmful.sort(key=lambda each: each[0] is not OnHarm.ROLL_BACK)
    for on_harm, result in harmful[:1]:
        outcome = Outcome.ROLL_BACK if on_harm is OnHarm.ROLL_BACK else Outcome.HOLD
        return _Finding(outcome, result.name, f"{result.name}: {result.message}")
    return None


def _find_rest(look: _Look) -> _Finding:
    spec, state, step = look.spec, look.state, look.step
    if state.status is not Status.RUNNING:
        waits = f"{state.status.value}: {state.reason}" if state.reason else state.status.value
        return _Finding(Outcome.WAIT, "status", waits)
    missing = _find_missing(look)
    if missing is None:
        return _next_step(spec, state)
    if step.max_duration is not None and state.busy(look.now) >= step.max_duration:
        # What waits to be read may be all that is missing.
        is_back = spec.on_max_duration is OnMaxDuration.ROLL_BACK and not look.has_backlog
        reason = f"the step has lasted {state.busy(look.now)}, longer than it may, and {missing.reason}"
        return _Finding(Outcome.ROLL_BACK if is_back else Outcome.HOLD, "max_duration", reason)
    return missing


def _find_missing(look: _Look) -> _Finding | None:
    """What the step still lacks; None if it is passed."""
    step, reading, busy = look.step, look.reading, look.state.busy(look.now)
    if look.has_backlog:
        return _Finding(Outcome.WAIT, "backlog", "observations of the step still wait to be read")
    if reading.requests < step.least_requests:
        kind = "shadowed requests" if step.is_shadow else "requests of the candidate"
        dropped = f"; {reading.dropped} copies were dropped before it saw them" if reading.dropped else ""
        return _Finding(Outcome.WAIT, "requests", f"{reading.requests} of {step.least_requests} {kind}{dropped}")
    if busy < step.least_duration:
        return _Finding(Outcome.WAIT, "duration", f"{busy} of {step.least_duration}")
    if step.least_requests and _is_quiet(look.spec, reading, look.now):
        return _Finding(Outcome.WAIT, "traffic", f"the candidate has answered nothing for {look.spec.quiet_after}")
    for result in look.gates:
        if result.verdict is not Verdict.PASSED:
            return _Finding(Outcome.WAIT, result.name, f"{result.name}: {result.message}")
    return None


def _is_quiet(spec: RolloutSpec, reading: Reading, now: datetime) -> bool:
    """Whether the candidate's last answer is too long ago. One from the future is from before a clock was set back."""
    last = datetime.fromtimestamp(reading.candidate.last_at_ms / 1000, UTC)
    return now - last > spec.quiet_after or last - now > _CLOCKS_APART


def _next_step(spec: RolloutSpec, state: RolloutState) -> _Finding:
    if spec.is_open_ended and state.step + 1 == len(spec.steps):
        return _Finding(Outcome.WAIT, ALL_PASSED, "all gates are passed; a person promotes or aborts a shadow")
    later = spec.steps[state.step + 1 :]
    if not later or later[0].is_promotion:
        return _Finding(Outcome.PROMOTE, ALL_PASSED, "all gates of all steps are passed")
    step = later[0]
    to = f"a weight of {step.weight:g}" if not step.is_shadow else "the next shadow"
    return _Finding(Outcome.ADVANCE, ALL_PASSED, f"all gates are passed; on to {to}")


def _after(state: RolloutState, finding: _Finding, now: datetime) -> RolloutState:
    match finding.outcome:
        case Outcome.ADVANCE:
            return replace(state, step=state.step + 1, step_started_at=now, idle=timedelta(), reason="")
        case Outcome.PROMOTE:
            return replace(state, status=Status.PROMOTING, reason=finding.reason)
        case Outcome.ROLL_BACK:
            return replace(state, status=Status.ROLLED_BACK, reason=finding.reason)
        case Outcome.HOLD:
            return replace(state, status=Status.HELD, reason=finding.reason)
        case Outcome.WAIT:
            return state
