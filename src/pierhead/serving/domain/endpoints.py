"""Endpoints and their numbered, immutable configs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pierhead.serving.domain.allotment import Ranges
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.ramps import Observer, Ramp
from pierhead.serving.domain.rate_limits import CallLimit


@dataclass(frozen=True, slots=True)
class EntitySpec:
    """A served entity as it was asked for; None is what the client left out, and stays left out."""

    model_name: str
    model_version: str
    name: str | None = None
    workload_size: str | None = None
    workload_type: str | None = None
    scale_to_zero_enabled: bool | None = None
    environment_vars: dict[str, str] | None = None
    min_provisioned_concurrency: int | None = None
    max_provisioned_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class ServedEntity:
    """A model version inside a config. An entity that an update does not touch keeps its id.

    `digest` names the version's files since the config was accepted: what the registry calls that version later, or
    whether it still has it, changes nothing here.
    """

    id: str
    name: str
    spec: EntitySpec
    digest: str

    @property
    def model_name(self) -> str:
        return self.spec.model_name

    @property
    def model_version(self) -> str:
        return self.spec.model_version


@dataclass(frozen=True, slots=True)
class Route:
    """`points` hundredths of a percent of the traffic, 0-10000, go to one entity.

    `ranges` are the buckets that it has, as many as points; they are dealt out when a config is accepted.
    """

    entity_name: str
    points: int
    ranges: Ranges = ()


class ConfigStatus(Enum):
    """A config is pending until its workers are ready; at most one config of an endpoint is active, one pending."""

    PENDING = "pending"
    ACTIVE = "active"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class DeploymentState(Enum):
    """How far the workers of one served entity are."""

    CREATING = "creating"
    READY = "ready"
    RECOVERING = "recovering"  # it was live, and no worker is ready now
    FAILED = "failed"
    ABORTED = "aborted"  # given up because another entity of the config failed


@dataclass(frozen=True, slots=True)
class Deployment:
    """The state of an entity, with a reason that a person can act on."""

    state: DeploymentState
    message: str = ""


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One setting of an endpoint; `deployments` by entity name is what was last seen, all else never changes."""

    endpoint_id: str
    version: int
    status: ConfigStatus
    entities: tuple[ServedEntity, ...]
    routes: tuple[Route, ...]
    capture: CaptureConfig | None
    creator: str
    created_at: datetime
    failure: str = ""
    deployments: Mapping[str, Deployment] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return self.status is ConfigStatus.ACTIVE

    def points(self, entity_name: str) -> int:
        """Hundredths of a percent of the traffic; an entity without a route gets none."""
        return sum(route.points for route in self.routes if route.entity_name == entity_name)

    def ranges(self, entity_name: str) -> Ranges:
        """The buckets of an entity."""
        return next((route.ranges for route in self.routes if route.entity_name == entity_name), ())

    def find_entity(self, name: str) -> ServedEntity | None:
        return next((entity for entity in self.entities if entity.name == name), None)

    def deployment(self, entity_name: str) -> Deployment:
        return self.deployments.get(entity_name, Deployment(DeploymentState.CREATING))


@dataclass(frozen=True, slots=True)
class Tag:
    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class AiGateway:
    """Settings of the endpoint that no config carries, as they were sent."""

    inference_table: CaptureConfig | None = None
    is_usage_tracked: bool | None = None
    rate_limits: tuple[CallLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A stable address. `active` is what answers now; `newest` the last config that was asked for, often the same."""

    id: str
    name: str
    creator: str
    description: str | None
    tags: tuple[Tag, ...]
    ai_gateway: AiGateway | None
    created_at: datetime
    updated_at: datetime
    active: EndpointConfig | None
    newest: EndpointConfig
    ramp: Ramp | None = None
    """There is one only for the pending config, and only while another one is active."""
    observers: tuple[Observer, ...] = ()

    @property
    def is_ramping(self) -> bool:
        """Whether the pending config must not become active, however ready it is."""
        return self.ramp is not None and not self.ramp.is_finished

    @property
    def pending(self) -> EndpointConfig | None:
        return self.newest if self.newest.status is ConfigStatus.PENDING else None

    @property
    def failed(self) -> EndpointConfig | None:
        """The newest config, if it failed; an older failure is history."""
        return self.newest if self.newest.status is ConfigStatus.FAILED else None

    @property
    def is_ready(self) -> bool:
        """Whether every entity of the active config has a worker that answers."""
        return self.active is not None and all(
            self.active.deployment(entity.name).state is DeploymentState.READY for entity in self.active.entities
        )

    def capture_table(self, config: EndpointConfig) -> str | None:
        """The table that invocations under `config` are kept in; None for no table."""
        asked = [config.capture, self.ai_gateway.inference_table if self.ai_gateway else None]
        return next((capture.table(self.name) for capture in asked if capture and capture.is_enabled), None)


@dataclass(frozen=True, slots=True)
class EndpointEvent:
    """Something that happened to an endpoint, told to people."""

    at: datetime
    kind: str
    message: str
