"""Remembers of workers what no look at them tells: who was told to stop, who died, who was ready before."""

from collections.abc import Sequence
from datetime import datetime

from pierhead.serving.domain.restarts import Crash, is_passing, remember
from pierhead.serving.domain.steps import News
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase


class Witness:
    """Its memory can be lost with its controller: then what is dead went down with the platform."""

    def __init__(self, startup_timeout_s: float) -> None:
        self._startup_timeout_s = startup_timeout_s
        self._told_to_stop: set[str] = set()
        self._seen_ready: set[str] | None = None
        self.crashes: tuple[Crash, ...] = ()

    def look(self, workers: Sequence[WorkerObservation], now: datetime) -> News:
        """What is new about these workers, which are all there are."""
        present = {worker.worker_id for worker in workers}
        draining = {worker.worker_id for worker in workers if worker.phase is WorkerPhase.DRAINING}
        self._told_to_stop = (self._told_to_stop & present) | draining
        if self._seen_ready is None:
            # What was dead before we looked went down with the platform, or was our predecessor's concern.
            self._told_to_stop |= {worker.worker_id for worker in workers if worker.phase is WorkerPhase.EXITED}
        known = {crash.worker_id for crash in self.crashes}
        self.crashes = remember(
            self.crashes,
            workers,
            told_to_stop=self._told_to_stop,
            now=now,
            startup_timeout_s=self._startup_timeout_s,
        )
        ready = [worker for worker in workers if worker.is_ready]
        # A new controller finds workers ready that became so long ago: no news.
        seen = {worker.worker_id for worker in ready} if self._seen_ready is None else self._seen_ready
        self._seen_ready = {worker.worker_id for worker in ready}
        return News(
            crashes=[crash for crash in self.crashes if crash.worker_id not in known],
            ready=[worker for worker in ready if worker.worker_id not in seen],
        )

    def told_to_stop(self, worker_id: str) -> None:
        self._told_to_stop.add(worker_id)

    def could_not_start(self, worker_id: str, workload: str, why: Exception, now: datetime) -> None:
        """As good as a worker that died at once."""
        message = f"its worker could not be started: {why}"
        passing = is_passing(message)
        self.crashes += (Crash(worker_id, workload, now, 0.0, message, is_final=False, is_passing=passing),)
