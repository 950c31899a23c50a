"""What the api process does beside answering."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from pierhead.identity.services.audit import Denials
from pierhead.kit.db import Database
from pierhead.kit.errors import Unavailable
from pierhead.tracking.services.child import Child

_SWEEP_EVERY_S = 3600
_COUNT_EVERY_S = 15

log = structlog.get_logger()


class Background:
    """The life of the application: what is done first, meanwhile and last.

    `first` is called before anything is answered, `sweeps` every hour.
    """

    def __init__(
        self,
        database: Database,
        child: Child,
        denials: Denials,
        *,
        first: Callable[[], None],
        sweeps: Sequence[Callable[[], object]],
    ) -> None:
        self._database = database
        self._child = child
        self._denials = denials
        self._first = first
        self._sweeps = sweeps

    @asynccontextmanager
    async def __call__(self, _app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(self._first)
        tasks = [asyncio.create_task(work()) for work in (self._warm_up, self._sweep, self._count_denials)]
        yield
        for task in tasks:
            task.cancel()
        await run_in_threadpool(self._denials.flush, is_last=True)
        await self._child.close()
        self._database.dispose()

    async def _warm_up(self) -> None:
        """At the very first start there are no experiments to ask for rights on until MLflow's server was asked."""
        with suppress(Unavailable):
            await self._child.warm_up()

    async def _sweep(self) -> None:
        """A sweep that fails is told and tried again."""
        while True:
            for sweep in self._sweeps:
                try:
                    await run_in_threadpool(sweep)
                except OSError:
                    log.exception("could not remove unfinished files")
            await asyncio.sleep(_SWEEP_EVERY_S)

    async def _count_denials(self) -> None:
        """Record now and then what was counted."""
        while True:
            await asyncio.sleep(_COUNT_EVERY_S)
            await run_in_threadpool(self._denials.flush)
