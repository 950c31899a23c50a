"""Stand-ins for what serving needs from outside: they do as told and remember what they were asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pierhead.kit.clock import Clock
from pierhead.kit.errors import NotFound
from pierhead.serving.domain.plans import PLAIN, Plan
from pierhead.serving.domain.snapshot import Snapshot
from pierhead.serving.ports import (
    Environment,
    EnvironmentFailed,
    ServableVersion,
    WorkerObservation,
    WorkerPhase,
    WorkerSpec,
)


class FakeWorkerHost:
    """Workers as entries of a list. With `is_quick` they are ready, and gone after a drain, at the next look."""

    def __init__(self, clock: Clock, *, is_quick: bool = True) -> None:
        self._clock = clock
        self.is_quick = is_quick
        self.workers: dict[str, WorkerObservation] = {}
        self.started: list[WorkerSpec] = []
        self.drained: dict[str, float] = {}
        self.failing_model_versions: dict[str, str] = {}
        """Model folder's name -> the message its workers fail with."""
        self.memory_bytes = 0
        """What each worker is seen to use."""
        self.cannot_start = ""
        """Not empty: `start` raises OSError with it."""

    def start(self, spec: WorkerSpec) -> None:
        if self.cannot_start:
            raise OSError(self.cannot_start)
        self.started.append(spec)
        self.workers[spec.worker_id] = WorkerObservation(
            spec.worker_id,
            spec.workload,
            WorkerPhase.STARTING,
            Path(f"/run/{spec.worker_id}.sock"),
            self._clock.now(),
        )

    def drain(self, worker_id: str, *, grace_s: float) -> None:
        if worker_id in self.workers and not self.workers[worker_id].is_dead:
            self.drained[worker_id] = grace_s
            self.become(worker_id, WorkerPhase.DRAINING)

    def forget(self, worker_id: str) -> None:
        if worker_id in self.workers and self.workers[worker_id].is_dead:
            del self.workers[worker_id]

    def observe(self) -> list[WorkerObservation]:
        seen = [replace(worker, memory_bytes=self.memory_bytes) for worker in self.workers.values()]
        if self.is_quick:
            for worker in seen:
                self._advance(worker)
        return seen

    def has_settled(self, worker_ids: Collection[str]) -> bool:
        return any(self.workers[worker_id].phase is not WorkerPhase.STARTING for worker_id in worker_ids)

    def become(self, worker_id: str, phase: WorkerPhase, message: str = "") -> None:
        self.workers[worker_id] = replace(self.workers[worker_id], phase=phase, message=message)

    def in_phase(self, phase: WorkerPhase) -> list[str]:
        return [worker.worker_id for worker in self.workers.values() if worker.phase is phase]

    def _advance(self, worker: WorkerObservation) -> None:
        if worker.phase is WorkerPhase.STARTING:
            message = self.failing_model_versions.get(self._model_of(worker.worker_id), "")
            self.become(worker.worker_id, WorkerPhase.FAILED if message else WorkerPhase.READY, message)
        elif worker.phase is WorkerPhase.DRAINING:
            self.become(worker.worker_id, WorkerPhase.EXITED)

    def _model_of(self, worker_id: str) -> str:
        return next((spec.model.name for spec in self.started if spec.worker_id == worker_id), "")


class FakeModelVersions:
    """A registry that holds the versions it is given; the digest of a version, its folder's name, is `NAME-VERSION`."""

    def __init__(self, folder: Path, *versions: tuple[str, str]) -> None:
        self._folder = folder
        self.known = {(name, version): f"{name}-{version}" for name, version in versions}
        self.files_bytes = 0

    def get(self, model_name: str, model_version: str) -> ServableVersion:
        if (model_name, model_version) not in self.known:
            raise NotFound(f"version {model_version} of model {model_name!r} does not exist")
        return ServableVersion(model_name, model_version, self.known[model_name, model_version], self.files_bytes)

    def folder(self, digest: str) -> Path:
        folder = self._folder / digest
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class FakeEnvironments:
    """Builds at once; `failures` maps a model folder's name to the reason why it cannot."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}
        self.built: list[str] = []

    def build(self, model: Path, log: Path, *, beside: Sequence[str] = ()) -> Environment:
        self.built.append(model.name)
        log.write_text(f"resolving the requirements of {model.name}\n")
        if model.name in self.failures:
            raise EnvironmentFailed(self.failures[model.name])
        return Environment(digest="e" * 8, python=Path("/env/bin/python"))


class FakePlans:
    """Knows the plans it is given, by digest; what it does not know is run as its original."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self.made: list[str] = []
        self.is_broken = False
        self.is_unknown_until_made = False

    def plan_of(self, digest: str, _model: Path, _python: Path, log: Path) -> Plan:
        self.made.append(digest)
        with log.open("a") as story:
            story.write(f"looking for a plan of {digest}\n")
        return self.plans.get(digest, PLAIN)

    def current(self, digests: Collection[str]) -> Mapping[str, Plan]:
        if self.is_broken:
            raise OSError("the plans cannot be read")
        known = self.made if self.is_unknown_until_made else self.plans
        return {digest: self.plans[digest] for digest in digests if digest in known and digest in self.plans}


class MemorySnapshotPlace:
    """Keeps what was written; `is_broken` makes writing fail."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.snapshot = snapshot
        self.writes = 0
        self.is_broken = False

    def read(self) -> Snapshot | None:
        return self.snapshot

    def write(self, snapshot: Snapshot) -> None:
        if self.is_broken:
            raise OSError("no space left on device")
        self.writes += 1
        self.snapshot = snapshot
