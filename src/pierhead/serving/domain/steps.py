"""One step of the reconciler for one endpoint, as what is to be written down about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.serving.domain.deployments import deployments_after, deployments_of
from pierhead.serving.domain.endpoints import Deployment, Endpoint, EndpointConfig, EndpointEvent
from pierhead.serving.domain.reconcile import Action, Activate, FailConfig, Observed, StartBuild, StartWorker
from pierhead.serving.domain.restarts import Crash
from pierhead.serving.domain.workers import WorkerObservation
from pierhead.serving.domain.workloads import workload


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the last look: workers that died, workers that became ready."""

    crashes: Sequence[Crash] = ()
    ready: Sequence[WorkerObservation] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What changes in the books of one endpoint; `deployments` by config version and entity name."""

    activate: Activate | None
    fail: FailConfig | None
    deployments: Mapping[int, Mapping[str, Deployment]]
    events: Sequence[EndpointEvent]

    @property
    def is_empty(self) -> bool:
        return not (self.activate or self.fail or self.deployments or self.events)


def step_of(
    endpoint: Endpoint,
    actions: Sequence[Action],
    kept: Mapping[str, Sequence[WorkerObservation]],
    observed: Observed,
    news: News,
    now: datetime,
) -> Step:
    """Everything about `endpoint` in `actions` and `news`, and the states that differ from those on record."""
    own = [action for action in actions if getattr(action, "endpoint_id", None) == endpoint.id]
    activate = next((action for action in own if isinstance(action, Activate)), None)
    fail = next((action for action in own if isinstance(action, FailConfig)), None)
    deployments = {}
    for config in (endpoint.active, endpoint.pending):
        if config is None:
            continue
        is_failing = fail is not None and fail.config_version == config.version
        current = deployments_after(fail, config) if fail and is_failing else deployments_of(config, kept, observed)
        changed = {name: state for name, state in current.items() if config.deployments.get(name) != state}
        if changed:
            deployments[config.version] = changed
    return Step(activate, fail, deployments, _events(endpoint, own, news, now))


def _events(endpoint: Endpoint, actions: Sequence[Action], news: News, now: datetime) -> list[EndpointEvent]:
    names = _entity_names(endpoint)
    told = [
        ("worker died", f"a worker of {names[crash.workload]} died: {crash.message}")
        for crash in news.crashes
        if crash.workload in names
    ]
    told += [
        ("worker ready", f"a worker of {names[worker.workload]} answers")
        for worker in news.ready
        if worker.workload in names
    ]
    for action in actions:
        told += _tell(action, names)
    return [EndpointEvent(now, kind, message) for kind, message in told]


def _tell(action: Action, names: Mapping[str, str]) -> list[tuple[str, str]]:
    match action:
        case StartBuild(workload=key, entity=entity):
            model = f"{entity.model_name} version {entity.model_version}"
            return [("building", f"preparing files and environment of {names[key]}: {model}")]
        case StartWorker(workload=key):
            return [("worker starting", f"starting a worker of {names[key]}")]
        case Activate(config_version=version):
            return [("update completed", f"config version {version} is live")]
        case FailConfig(config_version=version, entity_name=name, reason=reason):
            return [("update failed", f"config version {version} is given up because of {name}: {reason}")]
        case _:
            return []


def _entity_names(endpoint: Endpoint) -> dict[str, str]:
    names: dict[str, str] = {}
    configs: list[EndpointConfig] = [config for config in (endpoint.active, endpoint.newest) if config is not None]
    for config in configs:
        for entity in config.entities:
            names[workload(endpoint.id, entity)] = entity.name
    return names
