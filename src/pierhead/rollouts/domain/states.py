"""The state of a rollout, and what people may do to it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from pierhead.kit.errors import InvalidState
from pierhead.rollouts.domain.proofs import FULL_WORTH, Worth
from pierhead.rollouts.domain.specs import ALL_POINTS, OnHold, RolloutSpec


class Status(Enum):
    """RUNNING, PAUSED, HELD and PROMOTING are open; the rest are ends.

    A PAUSED rollout waits because a person wants it, a HELD one because it cannot decide by itself, a PROMOTING one
    until the candidate's config is active: only then it is PROMOTED. PAUSED and HELD ones go on looking at the
    candidate, and are rolled back when it does harm.
    """

    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        return self in _OPEN

    @property
    def is_judged(self) -> bool:
        """Whether its gates still decide."""
        return self in _JUDGED

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


_JUDGED = (Status.RUNNING, Status.PAUSED, Status.HELD)
_OPEN = frozenset({*_JUDGED, Status.PROMOTING})
_CAN_RETRY = frozenset({Status.ROLLED_BACK, Status.ABORTED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class RolloutState:
    """Where a rollout is. `step` counts from 0; moments are aware.

    `looked_at` is the moment of the last look, and `idle` how much of the step's time went by paused or held.
    `by_hand` says that a person promoted it before its gates did. `attempt` counts from 1. `worth` is what it can prove
    by its plan, found out when it began.
    """

    status: Status
    step: int
    step_started_at: datetime
    looked_at: datetime
    idle: timedelta = timedelta()
    reason: str = ""
    by_hand: bool = False
    attempt: int = 1
    worth: Worth = FULL_WORTH

    @property
    def is_proof(self) -> bool:
        """Whether all gates of strict enough steps were passed, and the version is live: it stood a canary."""
        return self.status is Status.PROMOTED and not self.by_hand and not self.worth.canary

    def elapsed(self, now: datetime) -> timedelta:
        """Time since the step began, never negative."""
        return max(now - self.step_started_at, timedelta())

    def busy(self, now: datetime) -> timedelta:
        """Of that, what was neither paused nor held."""
        return max(self.elapsed(now) - self.idle, timedelta())


@dataclass(frozen=True, slots=True)
class Traffic:
    """`points` (0-10000) of the traffic for the candidate; copies of `shadow_rate` (0-1) of the champion's."""

    points: int
    shadow_rate: float


NO_TRAFFIC = Traffic(0, 0.0)


def begin(now: datetime, attempt: int = 1, worth: Worth = FULL_WORTH) -> RolloutState:
    return RolloutState(Status.RUNNING, 0, now, now, attempt=attempt, worth=worth)


def traffic_of(spec: RolloutSpec, state: RolloutState) -> Traffic:
    """What the candidate gets in this state, or as soon as its config is active."""
    if state.status in (Status.PROMOTING, Status.PROMOTED):
        return Traffic(ALL_POINTS, 0.0)
    if not state.status.is_open or (state.status is Status.HELD and spec.on_hold is OnHold.WITHDRAW):
        return NO_TRAFFIC
    step = spec.steps[state.step]
    return Traffic(step.points, step.shadow_rate)


def seen_at(state: RolloutState, now: datetime) -> RolloutState:
    """The state after a look at `now`.

    If the clock was set back since the last look, the step begins so much earlier: what has elapsed stays elapsed.
    """
    if now < state.looked_at:
        back = state.looked_at - now
        return replace(state, step_started_at=state.step_started_at - back, looked_at=now)
    waited = now - state.looked_at if state.status in (Status.PAUSED, Status.HELD) else timedelta()
    return replace(state, looked_at=now, idle=state.idle + waited)


def pause(state: RolloutState, now: datetime, reason: str = "") -> RolloutState:
    """Keeps traffic as it is and takes no step. Raises InvalidState unless running."""
    _need(state, "pause", Status.RUNNING)
    return replace(seen_at(state, now), status=Status.PAUSED, reason=reason)


def resume(state: RolloutState, now: datetime) -> RolloutState:
    """Goes on; a held rollout has its step's longest duration once more. Raises InvalidState unless paused or held."""
    _need(state, "resume", Status.PAUSED, Status.HELD)
    seen = seen_at(state, now)
    idle = seen.elapsed(now) if state.status is Status.HELD else seen.idle
    return replace(seen, status=Status.RUNNING, idle=idle, reason="")


def promote(state: RolloutState, now: datetime, reason: str) -> RolloutState:
    """Gives the candidate everything before its gates did. Raises InvalidState if that is decided, or it is over."""
    _need(state, "promote", *_JUDGED)
    return replace(seen_at(state, now), status=Status.PROMOTING, reason=reason, by_hand=True)


def arrive(state: RolloutState, now: datetime) -> RolloutState:
    """Ends a rollout that was to be promoted, as its config is active. Raises InvalidState for any other."""
    _need(state, "end", Status.PROMOTING)
    return replace(seen_at(state, now), status=Status.PROMOTED)


def abort(state: RolloutState, now: datetime, reason: str) -> RolloutState:
    """Takes the candidate's traffic away for good. Raises InvalidState if the rollout is over."""
    _need(state, "abort", *_OPEN)
    return replace(seen_at(state, now), status=Status.ABORTED, reason=reason)


def fail(state: RolloutState, now: datetime, reason: str) -> RolloutState:
    """Ends a rollout that cannot go on, as when the candidate does not start. Raises InvalidState if it is over."""
    _need(state, "fail", *_OPEN)
    return replace(seen_at(state, now), status=Status.FAILED, reason=reason)


def retry(state: RolloutState, now: datetime, worth: Worth = FULL_WORTH) -> RolloutState:
    """Starts again from the first step, with nothing of what was read before. Raises InvalidState unless it ended
    without a promotion."""
    _need(state, "retry", *_CAN_RETRY)
    return begin(now, state.attempt + 1, worth)


_REMEDIES = {
    ("pause", Status.PAUSED): "it waits already",
    ("pause", Status.HELD): "it waits already: resume, promote or abort it",
    ("pause", Status.PROMOTING): "all is decided; abort it to take the candidate back",
    ("resume", Status.RUNNING): "it runs already",
    ("resume", Status.PROMOTING): "it goes on by itself, until its config is active",
    ("promote", Status.PROMOTING): "it is, as soon as its config is active",
    ("retry", Status.PROMOTING): "it is not over; abort it first",
    ("retry", Status.PROMOTED): "the candidate has all the traffic; start a rollout of another version",
    ("retry", Status.PAUSED): "it is not over; resume it",
    ("retry", Status.HELD): "it is not over; resume it",
    ("retry", Status.RUNNING): "it is not over; abort it first",
}


def _need(state: RolloutState, action: str, *allowed: Status) -> None:
    if state.status in allowed:
        return
    usual = "it is over; start another" if not state.status.is_open else "it is not waiting"
    remedy = _REMEDIES.get((action, state.status), usual)
    raise InvalidState(f"cannot {action} a rollout that is {state.status.words}: {remedy}")
