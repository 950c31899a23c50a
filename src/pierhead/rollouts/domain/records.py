"""What is remembered of the guard: its policies, versions that passed a canary, leaves, endpoints that are gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pierhead.rollouts.domain.guard import Share, Version


@dataclass(frozen=True, slots=True)
class PolicyRevision:
    """The guard's policies as YAML. `applied_at` is None for those that ship with Pierhead, revision 0."""

    revision: int
    text: str
    digest: str
    applied_by: str | None = None
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Canaried:
    """A version that a rollout of this endpoint found good; `digest` names its files."""

    endpoint_id: str
    model_name: str
    model_version: str
    digest: str
    rollout_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """Leave to give an endpoint one config past the guard, until it is used or `expires_at`.

    `config_version` is the config that it was used for.
    """

    id: str
    endpoint_id: str
    reason: str
    granted_by: str
    granted_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    used_by: str | None = None
    config_version: int | None = None

    def is_open(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Departure:
    """An endpoint that was deleted: what the policies ask, what was live, and what it had proved."""

    endpoint_id: str
    endpoint_name: str
    at: datetime
    tags: Mapping[str, str]
    serves_production: bool
    live: tuple[Share, ...]
    proved: tuple[Version, ...]
