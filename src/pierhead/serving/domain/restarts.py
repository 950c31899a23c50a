"""Which workers died, and how long to wait before the next one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase

LONGEST_DELAY_S = 30.0

_QUICK_DEATH_S = 60
_MEMORY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Crash:
    """A worker that died unasked. `is_final` if it could not load, predict or start in time: it will not next time."""

    worker_id: str
    workload: str
    at: datetime
    lived_s: float
    message: str
    is_final: bool

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

    A worker that dies soon after its start will die again, so those count; replicas that die together count once.
    """
    quick = [crash for crash in crashes if crash.is_quick]
    if not quick:
        return None
    delay_s = restart_delay_s(ceil(len(quick) / max(replicas, 1)))
    return max(crash.at for crash in quick) + timedelta(seconds=delay_s)


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
        is_final = worker.phase is not WorkerPhase.EXITED
        kept.append(Crash(worker.worker_id, worker.workload, now, lived_s, message, is_final))
    return tuple(kept)
