"""What serving needs from outside: model versions, how to run them, the gate, environments, workers, the snapshot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from pierhead.kit.web.caller import Caller
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.plans import Plan
from pierhead.serving.domain.snapshot import Snapshot
from pierhead.serving.domain.workers import WorkerObservation as WorkerObservation
from pierhead.serving.domain.workers import WorkerPhase as WorkerPhase


@dataclass(frozen=True, slots=True)
class ServableVersion:
    """A model version that is ready to be served; `digest` names its files for ever, `files_bytes` is their size."""

    model_name: str
    model_version: str
    digest: str
    files_bytes: int = 0


class ModelVersions(Protocol):
    """The registry, as serving sees it."""

    def get(self, model_name: str, model_version: str) -> ServableVersion:
        """Raises NotFound, or InvalidState if the version's files are not complete."""

    def folder(self, digest: str) -> Path:
        """Files as an MLflow model folder (with an `MLmodel`), to be read only; also after their version was deleted.

        May take a while. Raises NotFound if there are none with this digest, or InternalError if they are damaged.
        """


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment that holds a version's requirements."""

    digest: str
    python: Path


class EnvironmentFailed(Exception):
    """The environment could not be built; the message says which requirement and why, in one or two lines."""


class Environments(Protocol):
    def build(self, model: Path, log: Path, *, beside: Sequence[str] = ()) -> Environment:
        """Build, or find already built, the environment of the model in this folder. Waits; appends its story to `log`.

        `beside` are requirements of ours that shall be in it as well.

        Raises EnvironmentFailed. Safe to call at the same time from several threads and processes.
        """


class Plans(Protocol):
    """How versions are to be run, by digest of their files."""

    def plan_of(self, digest: str, model: Path, python: Path, log: Path) -> Plan:
        """Find out, and wait for it, as long as that may take; `python` is the model's own. Appends to `log`."""

    def current(self, digests: Collection[str]) -> Mapping[str, Plan]:
        """What is known at this moment; what is not, is left out. Asked many times a second."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """One worker process to start. Workers of the same `workload` are interchangeable.

    With an `artifact` it is run by the server's own Python, and `model` and `python` say nothing.
    """

    worker_id: str
    workload: str
    model: Path
    python: Path
    log: Path
    environment_vars: dict[str, str]
    artifact: Path | None = None
    batching: bool = False


class WorkerHost(Protocol):
    """Starts, stops and watches worker processes. Workers outlive the process that started them."""

    def start(self, spec: WorkerSpec) -> None:
        """Start a process and return at once."""

    def drain(self, worker_id: str, *, grace_s: float) -> None:
        """Ask a worker to finish what it has and go; after `grace_s` it is killed. Returns at once; harmless twice."""

    def forget(self, worker_id: str) -> None:
        """Drop the record of a worker that is FAILED or EXITED."""

    def observe(self) -> list[WorkerObservation]:
        """Every worker on record, also those that an earlier controller started."""

    def has_settled(self, worker_ids: Collection[str]) -> bool:
        """Whether one of these, which were starting when they were observed, is so no more. Cheap."""


class ServingGate(Protocol):
    """Whether an endpoint may serve what it is asked to serve."""

    def require(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        """Judge a change within its transaction; `before` is None for a new endpoint.

        Raises PermissionDenied or InvalidArgument with everything that stands in the way.
        """

    def require_deletion(self, connection: Connection, caller: Caller, endpoint: Endpoint) -> None:
        """Judge, within its transaction, that an endpoint goes and its name becomes free. Raises PermissionDenied."""


class RolloutGuard(Protocol):
    """Whether a new config may have all of its traffic at once."""

    def judge(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        """Judge a new config, which `after` has pending, within its transaction; the gate has let it pass.

        `before` is None for a new endpoint. Raises PermissionDenied or Conflict with what to do instead; or starts a
        ramp for the config, so that it gets its traffic step by step.
        """

    def judge_tags(self, connection: Connection, caller: Caller, before: Endpoint, after: Endpoint) -> None:
        """Judge other tags within the transaction that sets them. Raises PermissionDenied with what to do instead."""

    def remember(self, connection: Connection, endpoint: Endpoint) -> None:
        """Hear, within its transaction, that an endpoint is deleted: its name may come again."""


class SnapshotPlace(Protocol):
    def read(self) -> Snapshot | None:
        """The last one written; None if there is none or it cannot be read."""

    def write(self, snapshot: Snapshot) -> None:
        """Replace it in one step."""
