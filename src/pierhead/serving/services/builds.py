"""Gets workloads ready to start, beside the reconciler's loop: files by their digest, the environment, the plan."""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from pierhead.kit.clock import Clock
from pierhead.kit.errors import PierheadError
from pierhead.serving.domain.builds import Build, BuildFailed, Building, Built
from pierhead.serving.domain.endpoints import ServedEntity
from pierhead.serving.domain.plans import PLAIN, Plan
from pierhead.serving.ports import EnvironmentFailed, Environments, ModelVersions, Plans

log = structlog.get_logger()

_THREADS = 2


class Builds:
    """Builds by workload; each at most once at a time. Its threads never hold up the end of the process."""

    def __init__(
        self, versions: ModelVersions, environments: Environments, plans: Plans, clock: Clock, log_folder: Path
    ) -> None:
        self._versions = versions
        self._environments = environments
        self._plans = plans
        self._clock = clock
        self._log_folder = log_folder
        self._states: dict[str, Build] = {}
        self._has_ended = False
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True, name="builds") for _ in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def states(self) -> tuple[dict[str, Build], bool]:
        """How far every build is that was ever started, and whether one has ended since the last look."""
        with self._lock:
            has_ended, self._has_ended = self._has_ended, False
            return dict(self._states), has_ended

    def start(self, workload: str, entity: ServedEntity) -> None:
        """Begin, unless it is on its way."""
        with self._lock:
            if isinstance(self._states.get(workload), Building):
                return
            self._states[workload] = Building()
        self._waiting.put(lambda: self._build(workload, entity))

    def forget(self, workload: str) -> None:
        """Build again next time."""
        with self._lock:
            self._states.pop(workload, None)

    def stop(self) -> None:
        """Begin nothing more; what is under way is left to its own end."""
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            job()

    def _build(self, workload: str, entity: ServedEntity) -> None:
        state = self._try(workload, entity)
        with self._lock:
            self._states[workload] = state
            self._has_ended = True

    def _try(self, workload: str, entity: ServedEntity) -> Built | BuildFailed:
        what = f"{entity.model_name} version {entity.model_version}"
        try:
            self._log_folder.mkdir(parents=True, exist_ok=True)
            story = self._log_folder / f"{workload}.log"
            model = self._versions.folder(entity.digest)
            environment = self._environments.build(model, story)
        except EnvironmentFailed as error:
            return BuildFailed(self._clock.now(), f"the environment of {what} could not be built: {error}")
        except PierheadError as error:
            return BuildFailed(self._clock.now(), error.message)
        except Exception as error:
            # Whatever an adapter raises must become a state: a build without one would be waited for for ever.
            log.exception("build failed", workload=workload, model=what)
            return BuildFailed(self._clock.now(), f"{what} could not be prepared: {type(error).__name__}: {error}")
        return Built(model, environment.python, self._plan(entity.digest, model, environment.python, story))

    def _plan(self, digest: str, model: Path, python: Path, story: Path) -> Plan:
        try:
            return self._plans.plan_of(digest, model, python, story)
        except Exception as error:
            # The original runs without anybody's plan.
            log.exception("no plan could be made", digest=digest)
            return replace(PLAIN, reason=f"no plan could be made: {error}")
