"""The workers that the snapshot names: one link to each, renewed when it breaks."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import structlog

from pierhead.gateway.calls import Call
from pierhead.gateway.links import WorkerLink
from pierhead.gateway.unix_sockets import connect

log = structlog.get_logger()

_FIRST_DELAY_S = 0.02
_LONGEST_DELAY_S = 0.5

# A link that lived this long did not break because of what we did on connecting.
_STABLE_S = 1.0


class WorkersOwner(Protocol):
    """Who places calls."""

    def call_declined(self, call: Call, reason: str) -> None:
        """A worker handed a call back: only the original can answer it."""

    def worker_answered(self, path: str) -> None:
        """Answers of a worker were taken, all that one read brought."""

    def worker_free(self, path: str) -> None:
        """A worker can take calls that it could not take a moment ago."""

    def call_orphaned(self, call: Call, *, is_death: bool) -> None:
        """A call's worker is gone without an answer."""

    def worker_lost(self, path: str) -> None:
        """There is no link to this worker any more; its calls were handed back before."""


class Worker:
    """A socket path and the link to it, if there is one. Connects until it is retired."""

    def __init__(self, path: str, owner: WorkersOwner, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self.link: WorkerLink | None = None
        self._owner = owner
        self._loop = loop
        self._closed = asyncio.Event()
        self._is_retired = False
        self._task = loop.create_task(self._keep_connected())

    def retire(self) -> None:
        """The snapshot no longer names this worker: let it answer what it has, then close."""
        self._is_retired = True
        self._task.cancel()
        if self.link is not None:
            self.link.finish()

    def abort(self) -> None:
        self._is_retired = True
        self._task.cancel()
        if self.link is not None:
            self.link.abort()

    # --- what the link tells us

    def link_declined(self, call: Call, reason: str) -> None:
        self._owner.call_declined(call, reason)

    def link_answered(self) -> None:
        self._owner.worker_answered(self.path)

    def link_free(self) -> None:
        self._owner.worker_free(self.path)

    def link_goes_away(self) -> None:
        log.info("worker says good-bye", socket=self.path)

    def link_closed(self, orphans: list[Call], *, is_death: bool) -> None:
        self.link = None
        self._closed.set()
        if orphans:
            log.warning("worker is gone with invocations in its hands", socket=self.path, invocations=len(orphans))
        for call in orphans:
            self._owner.call_orphaned(call, is_death=is_death)
        self._owner.worker_lost(self.path)

    # --- details

    async def _keep_connected(self) -> None:
        delay_s = _FIRST_DELAY_S
        while True:
            self._closed.clear()
            since_s = self._loop.time()
            self.link = await self._connect()
            if self.link is not None:
                self._owner.worker_free(self.path)
                await self._closed.wait()
            if self._loop.time() - since_s > _STABLE_S:
                delay_s = _FIRST_DELAY_S
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)

    async def _connect(self) -> WorkerLink | None:
        link = WorkerLink(self.path, self, self._loop)
        try:
            await link.open(connect(self.path))
        except OSError:
            return None
        return None if link.is_closed else link


class Workers:
    """Workers by socket path."""

    def __init__(self, owner: WorkersOwner, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self._workers: dict[str, Worker] = {}
        self._retired: list[Worker] = []
        """Those that still answer what they have."""

    def get(self, path: str) -> Worker:
        """The worker at `path`, which was followed before."""
        return self._workers[path]

    def follow(self, paths: Iterable[str]) -> None:
        """Hold links to these workers and to no others."""
        wanted = dict.fromkeys(paths)
        for path in [path for path in self._workers if path not in wanted]:
            worker = self._workers.pop(path)
            worker.retire()
            self._retired.append(worker)
        for path in wanted:
            if path not in self._workers:
                self._workers[path] = Worker(path, self._owner, self._loop)

    def overdue(self, now_s: float) -> list[Call]:
        """Calls in the workers' hands whose deadline has passed."""
        return [call for call in self.calls() if call.deadline_s <= now_s]

    def relent(self, now_s: float) -> None:
        """Trust those again that did not hang after all."""
        for worker in self._workers.values():
            if worker.link is not None:
                worker.link.relent(now_s)

    def calls(self) -> list[Call]:
        """Calls in the workers' hands."""
        self._retired = [worker for worker in self._retired if worker.link is not None]
        links = [worker.link for worker in (*self._workers.values(), *self._retired) if worker.link is not None]
        return [call for link in links for call in link.in_flight.values()]

    def close(self) -> None:
        for worker in (*self._workers.values(), *self._retired):
            worker.abort()
        self._workers.clear()
