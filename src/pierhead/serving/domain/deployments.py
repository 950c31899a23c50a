"""What to tell people about the served entities of a config."""

from collections.abc import Mapping, Sequence

from pierhead.serving.domain.builds import Build, BuildFailed, Building, Built
from pierhead.serving.domain.endpoints import (
    ConfigStatus,
    Deployment,
    DeploymentState,
    EndpointConfig,
    ServedEntity,
)
from pierhead.serving.domain.reconcile import FailConfig, Observed
from pierhead.serving.domain.workers import WorkerObservation
from pierhead.serving.domain.workloads import demand, workload


def deployments_of(
    config: EndpointConfig, kept: Mapping[str, Sequence[WorkerObservation]], observed: Observed
) -> dict[str, Deployment]:
    """The state of each entity of an active or pending config, by name."""
    return {entity.name: _deployment(config, entity, kept, observed) for entity in config.entities}


def deployments_after(failure: FailConfig, config: EndpointConfig) -> dict[str, Deployment]:
    """The states of a config that is given up: one entity failed, the others are let go."""
    aborted = Deployment(DeploymentState.ABORTED, f"given up because {failure.entity_name!r} failed")
    return {
        entity.name: Deployment(DeploymentState.FAILED, failure.reason)
        if entity.name == failure.entity_name
        else aborted
        for entity in config.entities
    }


def _deployment(
    config: EndpointConfig,
    entity: ServedEntity,
    kept: Mapping[str, Sequence[WorkerObservation]],
    observed: Observed,
) -> Deployment:
    key = workload(config.endpoint_id, entity)
    workers = kept.get(key, ())
    ready, needed = sum(worker.is_ready for worker in workers), demand(config)[key]
    if ready >= needed:
        return Deployment(DeploymentState.READY)
    progress = _progress(key, ready, len(workers), needed, observed)
    if config.status is not ConfigStatus.ACTIVE:
        return Deployment(DeploymentState.CREATING, progress)
    # One worker answers for all; the others come back while it does.
    return Deployment(DeploymentState.READY if ready else DeploymentState.RECOVERING, progress)


def _progress(key: str, ready: int, living: int, needed: int, observed: Observed) -> str:
    crashes = observed.crashes_of(key)
    if living < needed:
        return _supply_progress(observed.builds.get(key), ready, needed, crashes[-1].message if crashes else None)
    return f"loading the model: {ready} of {needed} workers ready"


def _supply_progress(build: Build | None, ready: int, needed: int, last_crash: str | None) -> str:
    match build:
        case None | Building():
            return "preparing the model's files and its environment"
        case BuildFailed(reason=reason):
            return reason
        case Built() if last_crash is not None:
            return f"{ready} of {needed} workers ready; the last one died: {last_crash}"
        case Built():
            return f"starting: {ready} of {needed} workers ready"
