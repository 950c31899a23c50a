"""A rollout of one endpoint: which version it judges, by which plan, how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pierhead.rollouts.domain.specs import RolloutSpec
from pierhead.rollouts.domain.states import RolloutState


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is judged: a served entity of the config that waits to become active; `digest` names its files."""

    entity_name: str
    model_name: str
    model_version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.model_name} version {self.model_version}"


@dataclass(frozen=True, slots=True)
class Rollout:
    """`champion` says in words what answered when it began; `spec_text` is the plan as YAML.

    A retry goes on under the same id, with another `config_version` and the next attempt. `ready_at` is when the
    candidate could answer for the first time in this attempt: the first step begins there.
    """

    id: str
    endpoint_id: str
    endpoint_name: str
    config_version: int
    candidate: Candidate
    champion: str
    spec: RolloutSpec
    spec_text: str
    state: RolloutState
    revision: int
    created_by: str
    created_at: datetime
    ready_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def observer_id(self) -> str:
        """Under which gateways write down what it reads; each attempt has its own, so that none reads another's."""
        return f"{self.id}-{self.state.attempt}"


@dataclass(frozen=True, slots=True)
class Look:
    """A decision as it is kept. `gates` are the results of all gates, by field; `step` counts from 0."""

    seq: int
    at: datetime
    step: int
    outcome: str
    rule: str
    reason: str
    gates: tuple[Mapping[str, Any], ...]
