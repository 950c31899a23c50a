"""A/B tests: which entities of an endpoint are compared, by what, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pierhead.kit.errors import InvalidArgument
from pierhead.rollouts.domain.abtest_readings import ABReading
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig

MOST_ARMS = 10
MOST_SLICES = 5


class Metric(Enum):
    """What arms are compared by. The second half needs labels."""

    SCORE = "score"
    LATENCY = "latency"
    ERROR_RATE = "error_rate"
    ACCURACY = "accuracy"
    AUC = "auc"
    LOSS = "loss"
    REVENUE = "revenue"

    @property
    def needs_labels(self) -> bool:
        return self in _LABELLED


_LABELLED = frozenset({Metric.ACCURACY, Metric.AUC, Metric.LOSS, Metric.REVENUE})


@dataclass(frozen=True, slots=True)
class Arm:
    """A served entity of the active config, with `points` (0-10000) of the traffic."""

    name: str
    entity_id: str
    model_name: str
    model_version: str
    points: int


@dataclass(frozen=True, slots=True)
class ABTestSpec:
    """The first arm is the control. `alpha` bounds the probability of any false finding, however often one looks.

    The test ends by itself after `most_units` units or at `ends_at`; without either a person ends it. `slices` are
    categorical columns of the request.
    """

    arms: tuple[Arm, ...]
    metrics: tuple[Metric, ...]
    slices: tuple[str, ...] = ()
    alpha: float = 0.05
    most_units: int | None = None
    ends_at: datetime | None = None
    observe_rate: float = 1.0


class ABStatus(Enum):
    RUNNING = "running"
    COMPLETED = "completed"  # as planned
    STOPPED = "stopped"  # by a person, or because the endpoint changed


@dataclass(frozen=True, slots=True)
class ABTest:
    """`reading` is what was counted so far."""

    id: str
    name: str
    endpoint_id: str
    endpoint_name: str
    config_version: int
    status: ABStatus
    spec: ABTestSpec
    reading: ABReading
    revision: int
    created_by: str
    created_at: datetime
    ended_at: datetime | None = None
    reason: str = ""


def arms_of(endpoint: Endpoint, control: str | None, names: Sequence[str]) -> tuple[Arm, ...]:
    """The entities that take part, the control first: those named, or all that take traffic. Raises InvalidArgument."""
    config = endpoint.active
    if config is None:
        raise InvalidArgument(f"nothing is live at endpoint {endpoint.name!r} yet, so there is nothing to compare")
    live = {arm.name: arm for arm in live_arms(config)}
    wanted = list(dict.fromkeys(names)) or list(live)
    unknown = [name for name in (*wanted, *([control] if control else ())) if name not in live]
    if unknown:
        raise InvalidArgument(
            f"endpoint {endpoint.name!r} has no served entity {unknown[0]!r} that takes traffic; "
            f"it has {', '.join(live)}"
        )
    first = control or wanted[0]
    chosen = [first, *(name for name in wanted if name != first)]
    if not 2 <= len(chosen) <= MOST_ARMS:
        raise InvalidArgument(
            f"an A/B test compares 2 to {MOST_ARMS} served entities that take traffic, and endpoint {endpoint.name!r} "
            f"has {', '.join(chosen)}; split its traffic first: pierhead endpoints update {endpoint.name} --file CONFIG"
        )
    return tuple(live[name] for name in chosen)


def live_arms(config: EndpointConfig) -> list[Arm]:
    """Every entity of a config that takes traffic."""
    return [
        Arm(entity.name, entity.id, entity.model_name, entity.model_version, config.points(entity.name))
        for entity in config.entities
        if config.points(entity.name)
    ]


def end_of(test: ABTest, endpoint: Endpoint | None, now: datetime) -> tuple[ABStatus, str] | None:
    """How a running test ends by itself, and why; None if it goes on."""
    spec = test.spec
    if endpoint is None:
        return ABStatus.STOPPED, "the endpoint was deleted"
    live = {arm.entity_id: arm for arm in live_arms(endpoint.active)} if endpoint.active else {}
    for arm in spec.arms:
        now_live = live.get(arm.entity_id)
        if now_live is None:
            return ABStatus.STOPPED, f"{arm.name} is not served as it was any more"
        if now_live.points != arm.points:
            told = f"{arm.points / 100:g} to {now_live.points / 100:g} %"
            return ABStatus.STOPPED, f"the share of {arm.name} was changed from {told}: compare anew from here"
    if spec.most_units is not None and test.reading.units >= spec.most_units:
        return ABStatus.COMPLETED, f"{test.reading.units} units were seen, as planned"
    if spec.ends_at is not None and now >= spec.ends_at:
        return ABStatus.COMPLETED, "its time is over, as planned"
    return None
