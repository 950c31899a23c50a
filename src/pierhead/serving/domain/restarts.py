"""Which workers died, and how long to wait before the next one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase

LONGEST_DELAY_S = 30.0

MOST_TRIES = 3
"""Starts of each worker before it is given up, if all of them died without a word."""

_QUICK_DEATH_S = 60
_MEMORY = timedelta(minutes=10)

# A worker that was ready is replaced at once, so many times in a minute; then something kills them again and again.
_FREE_RESTARTS = 5
_RECENT = timedelta(minutes=1)
_PAUSE_AFTER_MANY = timedelta(seconds=1)

_FAILED_STARTS = 2

# It takes next to nothing to see whether there is room again.
_LONGEST_DELAY_FOR_ROOM_S = 4.0

_FIRST_PARDON = timedelta(seconds=30)
_LONGEST_PARDON = timedelta(minutes=8)

_PASSING = ("no space left on device", "disk quota exceeded", "cannot allocate memory", "memoryerror", "bad_alloc")
"""What workers and their starts say in the machine's hard times."""


@dataclass(frozen=True, slots=True)
class Crash:
    """A worker that died unasked. `is_final` if it could not load, predict or start in time: it will not next time.

    `had_served` if it had been ready. `is_passing` if it was killed from outside, or the machine had no room on its
    disk or in its memory: then it says nothing about the next one.
    """

    worker_id: str
    workload: str
    at: datetime
    lived_s: float
    message: str
    is_final: bool
    had_served: bool = False
    is_passing: bool = False

    @property
    def is_quick(self) -> bool:
        return self.lived_s < _QUICK_DEATH_S


def restart_delay_s(recent_crashes: int) -> float:
    """Seconds to wait after the last of several quick deaths: doubling from one second, never above 30.

    >>> [restart_delay_s(crashes) for crashes in (0, 1, 2, 3, 10)]
    [0.0, 1.0, 2.0, 4.0, 30.0]
    """
    if recent_crashes <= 0:
        return 0.0
    return min(LONGEST_DELAY_S, 2.0 ** min(recent_crashes - 1, 10))


def next_start(crashes: Sequence[Crash], replicas: int) -> datetime | None:
    """When the next worker of one workload may start, given all its crashes; None for at once.

    A worker that dies before it was ever ready will die again, so those count; replicas that die together count once.
    One that was ready is replaced at once, but not many times a minute.
    """
    quick = [crash for crash in crashes if crash.is_quick and not crash.had_served]
    due = [_after_many([crash.at for crash in crashes if crash.had_served], replicas)]
    if quick:
        delay_s = restart_delay_s(ceil(len(quick) / max(replicas, 1)))
        if is_passing(quick[-1].message):
            delay_s = min(delay_s, _LONGEST_DELAY_FOR_ROOM_S)
        due.append(max(crash.at for crash in quick) + timedelta(seconds=delay_s))
    return max((moment for moment in due if moment is not None), default=None)


def reason_to_give_up(crashes: Sequence[Crash], now: datetime | None) -> str | None:
    """Why an artifact that died like this is not to be run at `now`, the original being there as well; None if it is.

    What died by its own fault will again. What died of something that passes is tried again after a pause, which grows.
    Without a `now` nothing has passed yet.
    """
    own = [crash for crash in crashes if not crash.is_passing]
    final = next((crash for crash in own if crash.is_final), None)
    if final is not None:
        return final.message
    quick = [crash for crash in own if crash.is_quick]
    if len(quick) >= MOST_TRIES:
        return quick[-1].message
    # Where there is no room for the artifact there is none for the original, which takes more of it.
    passing = [
        crash for crash in crashes if crash.is_passing and not crash.had_served and not is_passing(crash.message)
    ]
    if len(passing) < MOST_TRIES:
        return None
    until = passing[-1].at + pardon_after(len(passing))
    if now is not None and now >= until:
        return None
    return f"{passing[-1].message}; it is tried again in a while"


def start_trouble(crashes: Sequence[Crash]) -> str:
    """Why workers of a variant cannot be started; "" if they can, as far as anybody knows.

    One failure may be chance; nor is anything told by kills from outside, or by what was before a worker last served.
    """
    served_at = max((crash.at for crash in crashes if crash.had_served), default=None)
    failed = [
        crash
        for crash in crashes
        if (served_at is None or crash.at > served_at)
        and not crash.had_served
        and (not crash.is_passing or is_passing(crash.message))
    ]
    return failed[-1].message if len(failed) >= _FAILED_STARTS else ""


def pardon_after(crashes: int) -> timedelta:
    """How long an artifact rests after so many deaths that were not its fault: doubling from half a minute.

    >>> [pardon_after(crashes).total_seconds() for crashes in (3, 4, 5, 20)]
    [30.0, 60.0, 120.0, 480.0]
    """
    doublings = min(max(0, crashes - MOST_TRIES), 10)
    return min(_LONGEST_PARDON, _FIRST_PARDON * float(2**doublings))


def is_passing(message: str) -> bool:
    """Whether what a worker says is of the machine's disk or memory, and so may be over soon."""
    said = message.lower()
    return any(sign in said for sign in _PASSING)


def _after_many(deaths: Sequence[datetime], replicas: int) -> datetime | None:
    if not deaths:
        return None
    newest = max(deaths)
    recent = [death for death in deaths if newest - death < _RECENT]
    return newest + _PAUSE_AFTER_MANY if len(recent) > _FREE_RESTARTS * max(replicas, 1) else None


def remember(
    known: Iterable[Crash],
    workers: Sequence[WorkerObservation],
    *,
    told_to_stop: Collection[str],
    now: datetime,
    startup_timeout_s: float,
) -> tuple[Crash, ...]:
    """The crashes known so far and those seen now, without the ones too old to matter.

    A worker counts once, and not at all if it was told to stop.
    """
    present = {worker.worker_id for worker in workers}
    kept = [crash for crash in known if now - crash.at < _MEMORY or crash.worker_id in present]
    counted = {crash.worker_id for crash in kept}
    for worker in workers:
        if worker.worker_id in counted or worker.worker_id in told_to_stop:
            continue
        lived_s = (now - worker.started_at).total_seconds()
        if worker.phase is WorkerPhase.STARTING and lived_s > startup_timeout_s:
            message = f"the model was not ready {startup_timeout_s:g} s after its worker started"
        elif worker.is_dead:
            message = worker.message or "the worker process died without a message"
        else:
            continue
        excused = worker.is_from_outside or (worker.is_dead and is_passing(message))
        is_final = worker.phase is not WorkerPhase.EXITED and not excused
        kept.append(
            Crash(worker.worker_id, worker.workload, now, lived_s, message, is_final, worker.was_ready, excused)
        )
    return tuple(kept)
