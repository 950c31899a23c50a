"""Endpoints, workers and moments for tests of serving's rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pierhead.serving.domain.builds import Build, Built
from pierhead.serving.domain.endpoints import (
    ConfigStatus,
    Endpoint,
    EndpointConfig,
    EntitySpec,
    Route,
    ServedEntity,
)
from pierhead.serving.domain.observed import Announced, Observed, Staffing
from pierhead.serving.domain.plans import Plan
from pierhead.serving.domain.reconcile import Original
from pierhead.serving.domain.restarts import Crash
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.domain.workloads import workload

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUILT = Built(Path("/models/1"), Path("/env/bin/python"))
ORIGINAL = Original(BUILT.model, BUILT.python)
LONG_AGO = NOW - timedelta(hours=1)


def spec(version: str = "1", size: str = "Small") -> EntitySpec:
    return EntitySpec("main.fraud.model", version, workload_size=size)


def entity(spec: EntitySpec) -> ServedEntity:
    """Named `m-VERSION`."""
    return ServedEntity(f"id-{spec.model_version}", f"m-{spec.model_version}", spec, f"digest-{spec.model_version}")


def key(version: str = "1") -> str:
    return workload("e1", entity(spec(version)))


def config(
    number: int, status: ConfigStatus, *specs: EntitySpec, asked_at: datetime = LONG_AGO, endpoint_id: str = "e1"
) -> EndpointConfig:
    """Entities are named `m-VERSION`; all traffic goes to the first."""
    chosen = specs or (spec(),)
    entities = tuple(entity(each) for each in chosen)
    return EndpointConfig(
        endpoint_id, number, status, entities, (Route(entities[0].name, 10_000),), None, "ada", asked_at
    )


def endpoint(
    *,
    active: EndpointConfig | None = None,
    pending: EndpointConfig | None = None,
    failed: EndpointConfig | None = None,
) -> Endpoint:
    newest = pending or failed or active
    assert newest is not None
    return Endpoint(newest.endpoint_id, "fraud", "ada", None, (), None, LONG_AGO, LONG_AGO, active, newest)


def worker(
    worker_id: str,
    phase: WorkerPhase = WorkerPhase.READY,
    *,
    version: str = "1",
    started_s_ago: float = 100,
    message: str = "",
    workload: str | None = None,
) -> WorkerObservation:
    """Of the plain original of a version, if no other `workload` is named."""
    started_at = NOW - timedelta(seconds=started_s_ago)
    return WorkerObservation(
        worker_id, workload or key(version), phase, Path(f"/run/{worker_id}.sock"), started_at, message
    )


def crash(
    worker_id: str,
    *,
    version: str = "1",
    s_ago: float = 0,
    lived_s: float = 1,
    is_final: bool = False,
    workload: str | None = None,
) -> Crash:
    at = NOW - timedelta(seconds=s_ago)
    return Crash(worker_id, workload or key(version), at, lived_s, f"{worker_id} is out of memory", is_final)


def seen(
    *workers: WorkerObservation,
    builds: dict[str, Build] | None = None,
    crashes: Sequence[Crash] = (),
    routed_s_ago: dict[str, float] | None = None,
    announced: int | None = None,
    plans: dict[str, Plan] | None = None,
    staffing: dict[str, Staffing] | None = None,
) -> Observed:
    """`routed_s_ago` by worker id; `announced` is the config version that gateways have known for a while.

    `plans` by version, `staffing` by entity name.
    """
    return Observed(
        workers,
        {key("1"): BUILT, key("2"): BUILT} if builds is None else builds,
        crashes,
        {f"/run/{name}.sock": NOW - timedelta(seconds=ago) for name, ago in (routed_s_ago or {}).items()},
        {} if announced is None else {"e1": Announced(announced, NOW - timedelta(seconds=1))},
        {f"digest-{version}": plan for version, plan in (plans or {}).items()},
        {("e1", name): each for name, each in (staffing or {}).items()},
    )


def named(entity_endpoint: Endpoint, name: str) -> Endpoint:
    return replace(entity_endpoint, name=name)
