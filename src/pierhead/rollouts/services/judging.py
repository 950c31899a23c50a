"""From what was seen of a rollout to what shall be written of it; touches nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from pierhead.rollouts.domain.decisions import Decision, decide
from pierhead.rollouts.domain.fates import fate_of, has_broken, is_ready
from pierhead.rollouts.domain.gates.results import Facts
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.rollouts import Look, Rollout
from pierhead.rollouts.domain.states import RolloutState
from pierhead.rollouts.services.observations import Positions
from pierhead.serving.domain.endpoints import Endpoint

_SAVE_EVERY = timedelta(seconds=10)
_LOOK_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A rollout and what goes with it. `reading` holds all observations before `positions`; `has_read` says whether
    some of them came since it was kept."""

    rollout: Rollout
    endpoint: Endpoint | None
    reading: Reading
    positions: Positions
    facts: Facts
    has_read: bool = False

    def is_to_read(self, now: datetime) -> bool:
        """Whether observations count: not before the candidate can answer, nor when the rollout has lost its ramp."""
        return self.rollout.ready_at is not None and fate_of(self.rollout, self.endpoint, now) is None


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written: `look` is None unless it is to be remembered, `reading` None where nothing was read.

    `decision` is None where nothing was judged: the rollout began, or has lost its endpoint.
    """

    before: Rollout
    after: Rollout
    decision: Decision | None
    look: Look | None
    reading: Reading | None
    positions: Positions
    has_broken: bool = False
    """Whether its workers were given up under the requests that it got."""

    @property
    def is_lost(self) -> bool:
        """Whether it is over and there is no ramp to end."""
        return self.decision is None and not self.after.state.status.is_open

    @property
    def is_turn(self) -> bool:
        """Whether anything but numbers changes."""
        before, after = self.before.state, self.after.state
        return (before.status, before.step) != (after.status, after.step)


def judge(seen: Seen, last_look_at: datetime, now: datetime) -> Change | None:
    """None if there is nothing to write."""
    rollout, endpoint = seen.rollout, seen.endpoint
    fate = fate_of(rollout, endpoint, now)
    if fate is not None or endpoint is None:
        return _lost(seen, fate or rollout.state, now)
    if rollout.ready_at is None:
        return _begun(seen, now) if is_ready(rollout, endpoint) else None
    decision = decide(rollout.spec, rollout.state, seen.reading, seen.facts, now)
    after = _with(rollout, decision.state, now)
    change = Change(rollout, after, decision, None, seen.reading if seen.has_read else None, seen.positions)
    if change.is_turn or now - last_look_at >= _LOOK_EVERY:
        return replace(change, look=_look(rollout, decision, now))
    return change if seen.has_read or now - rollout.state.looked_at >= _SAVE_EVERY else None


def _lost(seen: Seen, state: RolloutState, now: datetime) -> Change:
    look = Look(0, now, state.step, state.status.value, "endpoint", state.reason, ())
    broken = has_broken(seen.rollout, seen.endpoint)
    return Change(seen.rollout, _with(seen.rollout, state, now), None, look, None, seen.positions, broken)


def _begun(seen: Seen, now: datetime) -> Change:
    rollout = seen.rollout
    state = replace(rollout.state, step_started_at=now, looked_at=now, idle=timedelta())
    why = f"{rollout.candidate} can answer: the first step begins"
    look = Look(0, now, state.step, "begin", "workers", why, ())
    return Change(rollout, replace(rollout, state=state, ready_at=now), None, look, None, seen.positions)


def _look(rollout: Rollout, decision: Decision, now: datetime) -> Look:
    gates = tuple(msgspec.to_builtins(gate) for gate in decision.gates)
    return Look(0, now, rollout.state.step, decision.outcome.value, decision.rule, decision.reason, gates)


def _with(rollout: Rollout, state: RolloutState, now: datetime) -> Rollout:
    return replace(rollout, state=state, ended_at=None if state.status.is_open else now)
