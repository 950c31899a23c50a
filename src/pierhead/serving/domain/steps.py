"""One step of the reconciler for one endpoint, as what is to be written down about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pierhead.serving.domain.deployments import deployments_after, deployments_of
from pierhead.serving.domain.endpoints import Deployment, Endpoint, EndpointEvent
from pierhead.serving.domain.observed import Observed
from pierhead.serving.domain.ramps import Ramp
from pierhead.serving.domain.reconcile import Action, Activate, Compiled, FailConfig, StartBuild, StartWorker
from pierhead.serving.domain.restarts import Crash
from pierhead.serving.domain.roster import Roster, configs_of
from pierhead.serving.domain.workers import WorkerObservation
from pierhead.serving.domain.workloads import variants, workload


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the last look: workers that died or became ready, and what the autoscaler says of endpoints.

    `scalings` by endpoint id, each as the kind of an event and its message.
    """

    crashes: Sequence[Crash] = ()
    ready: Sequence[WorkerObservation] = ()
    scalings: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


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

    @property
    def is_note(self) -> bool:
        """Whether only states are to be written down, which the next step would find again."""
        return bool(self.deployments) and not (self.activate or self.fail or self.events)


def step_of(
    endpoint: Endpoint, own: Sequence[Action], roster: Roster, observed: Observed, news: News, now: datetime
) -> Step:
    """What `news` and `own`, the actions about this endpoint, mean for it, and states that differ from the books."""
    activate = next((action for action in own if isinstance(action, Activate)), None)
    fail = next((action for action in own if isinstance(action, FailConfig)), None)
    deployments = {}
    for config in configs_of(endpoint):
        is_failing = fail is not None and fail.config_version == config.version
        current = deployments_after(fail, config) if fail and is_failing else deployments_of(config, roster, observed)
        changed = {name: state for name, state in current.items() if config.deployments.get(name) != state}
        if changed:
            deployments[config.version] = changed
    return Step(activate, fail, deployments, _events(endpoint, own, observed, news, now))


def _events(
    endpoint: Endpoint, actions: Sequence[Action], observed: Observed, news: News, now: datetime
) -> list[EndpointEvent]:
    told = list(news.scalings.get(endpoint.id, ()))
    names = _names_by_key(endpoint, observed) if actions or news.crashes or news.ready else {}
    told += [
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
        if isinstance(action, FailConfig) and endpoint.ramp is not None:
            told.append(given_up(endpoint.ramp, action.reason))
    return [EndpointEvent(now, kind, message) for kind, message in told]


def _tell(action: Action, names: Mapping[str, str]) -> list[tuple[str, str]]:
    match action:
        case StartBuild(workload=key, entity=entity):
            model = f"{entity.model_name} version {entity.model_version}"
            return [("building", f"preparing files and environment of {names[key]}: {model}")]
        case StartWorker(workload=key, launch=launch):
            kind = "compiled worker" if isinstance(launch, Compiled) else "worker"
            return [("worker starting", f"starting a {kind} of {names[key]}")]
        case Activate(config_version=version):
            return [("update completed", f"config version {version} is live")]
        case FailConfig(config_version=version, entity_name=name, reason=reason):
            return [("update failed", f"config version {version} is given up because of {name}: {reason}")]
        case _:
            return []


def given_up(ramp: Ramp, reason: str) -> tuple[str, str]:
    """Kind and message of the event that ends a ramp for the worse."""
    return "given up", f"rollout {ramp.rollout_id} of config version {ramp.config_version} ended: {reason}"


def _names_by_key(endpoint: Endpoint, observed: Observed) -> dict[str, str]:
    """The entity behind each build and each kind of worker, also behind those that are given up."""
    names: dict[str, str] = {}
    for config in (endpoint.active, endpoint.newest):
        for entity in config.entities if config is not None else ():
            source = workload(endpoint.id, entity)
            ways = variants(endpoint.id, entity, observed.plan_of(source, entity.digest))
            names |= dict.fromkeys([source, *(way.key for way in ways)], entity.name)
    return names
