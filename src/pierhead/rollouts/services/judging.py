"""From what was seen of a rollout to what shall be written of it; touches nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from pierhead.rollouts.domain.decisions import ALL_PASSED, Decision, Outcome, decide, hindered
from pierhead.rollouts.domain.fates import fate_of, has_broken, is_ready
from pierhead.rollouts.domain.gates.results import Facts
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.rollouts import Look, Rollout
from pierhead.rollouts.domain.states import RolloutState, Status, traffic_of
from pierhead.rollouts.services.observations import Positions
from pierhead.serving.domain.endpoints import Endpoint

_SAVE_EVERY = timedelta(seconds=10)
_CLOSELY_FOR = timedelta(hours=1)
_LOOK_EVERY, _LOOK_LATER_EVERY = timedelta(minutes=1), timedelta(hours=1)

_ENDS_OF_STEPS = (Outcome.ADVANCE, Outcome.PROMOTE, Outcome.ROLL_BACK)


@dataclass(frozen=True, slots=True)
class Seen:
    """A rollout and what goes with it. `reading` holds all observations before `positions`; `has_read` says whether
    some of them came since it was kept, and `has_backlog` whether more wait behind them. `is_settled` says whether the
    candidate already answers as it will from now on, `hindrance` why it may not have more than a canary."""

    rollout: Rollout
    endpoint: Endpoint | None
    reading: Reading
    positions: Positions
    facts: Facts
    is_settled: bool = True
    hindrance: str = ""
    has_read: bool = False
    has_backlog: bool = False

    def is_to_read(self, now: datetime) -> bool:
        """Whether observations count: not before the candidate can answer, nor when all is decided, nor when the
        rollout has lost its ramp."""
        is_judged = self.rollout.ready_at is not None and self.rollout.state.status.is_judged
        return is_judged and fate_of(self.rollout, self.endpoint, now) is None

    @property
    def is_to_count(self) -> bool:
        """Whether the traffic is that of the step: not while it is withdrawn."""
        spec, state = self.rollout.spec, self.rollout.state
        return traffic_of(spec, state) == traffic_of(spec, replace(state, status=Status.RUNNING))


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written: `look` is None unless it is to be remembered, `reading` None where nothing was counted,
    `positions` None where nothing was read.

    `decision` is None where nothing was judged: the rollout began, or has lost its endpoint.
    """

    before: Rollout
    after: Rollout
    decision: Decision | None
    look: Look | None
    reading: Reading | None
    positions: Positions | None
    has_broken: bool = False
    """Whether its workers were given up under the requests that it got."""
    is_evidence: bool = False
    """Whether the decision says something of the version that was not said before."""

    @property
    def is_lost(self) -> bool:
        """Whether it is over, well or badly, and there is no ramp to end."""
        return self.decision is None and not self.after.state.status.is_open

    @property
    def is_turn(self) -> bool:
        """Whether anything but numbers changes."""
        before, after = self.before.state, self.after.state
        return (before.status, before.step) != (after.status, after.step)


@dataclass(frozen=True, slots=True)
class LastLook:
    """The look that was kept last: when it was, and the rule that decided."""

    at: datetime
    rule: str = ""


def judge(seen: Seen, last: LastLook, now: datetime) -> Change | None:
    """None if there is nothing to write."""
    rollout, endpoint = seen.rollout, seen.endpoint
    fate = fate_of(rollout, endpoint, now)
    if fate is not None or endpoint is None:
        return _lost(seen, fate or rollout.state, now)
    if rollout.ready_at is None:
        return _begun(seen, now) if is_ready(rollout, endpoint) and seen.is_settled else None
    if not rollout.state.status.is_judged:
        return None
    decision = decide(rollout.spec, rollout.state, seen.reading, seen.facts, now, has_backlog=seen.has_backlog)
    if seen.hindrance:
        decision = hindered(rollout.spec, rollout.state, decision, seen.hindrance)
    after = _with(rollout, decision.state, now)
    positions = seen.positions if seen.has_read else None
    change = Change(rollout, after, decision, None, seen.reading if seen.reading.is_changed else None, positions)
    # A shadow without an end is passed again and again: the first time is news.
    is_news = rollout.spec.is_open_ended and decision.rule == ALL_PASSED != last.rule
    if decision.outcome in _ENDS_OF_STEPS:
        seen.reading.close()
        change = replace(change, reading=seen.reading)
    if change.is_turn:
        return replace(change, look=_look(rollout, decision, now), is_evidence=True)
    if is_news or now - last.at >= _look_every(rollout, now):
        return replace(change, look=_look(rollout, decision, now), is_evidence=is_news)
    return change if seen.has_read or now - rollout.state.looked_at >= _SAVE_EVERY else None


def _look_every(rollout: Rollout, now: datetime) -> timedelta:
    """Many looks at the beginning of a step, when most happens, and few when it lasts for weeks."""
    return _LOOK_EVERY if rollout.state.elapsed(now) < _CLOSELY_FOR else _LOOK_LATER_EVERY


def _lost(seen: Seen, state: RolloutState, now: datetime) -> Change:
    look = Look(0, now, state.step, state.status.value, "endpoint", state.reason, ())
    broken = has_broken(seen.rollout, seen.endpoint)
    return Change(seen.rollout, _with(seen.rollout, state, now), None, look, None, None, broken)


def _begun(seen: Seen, now: datetime) -> Change:
    rollout = seen.rollout
    state = replace(rollout.state, step_started_at=now, looked_at=now, idle=timedelta())
    why = f"{rollout.candidate} can answer: the first step begins"
    look = Look(0, now, state.step, "begin", "workers", why, ())
    return Change(rollout, replace(rollout, state=state, ready_at=now), None, look, None, None)


def _look(rollout: Rollout, decision: Decision, now: datetime) -> Look:
    gates = tuple(msgspec.to_builtins(gate) for gate in decision.gates)
    return Look(0, now, rollout.state.step, decision.outcome.value, decision.rule, decision.reason, gates)


def _with(rollout: Rollout, state: RolloutState, now: datetime) -> Rollout:
    return replace(rollout, state=state, ended_at=None if state.status.is_open else now)
