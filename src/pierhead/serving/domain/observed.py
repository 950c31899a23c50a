"""All that is seen at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pierhead.serving.domain.builds import Build, Built
from pierhead.serving.domain.plans import PLAIN, Plan
from pierhead.serving.domain.restarts import Crash
from pierhead.serving.domain.workers import WorkerObservation


@dataclass(frozen=True, slots=True)
class Announced:
    """The config of an endpoint that the snapshot routes to, and since when."""

    config_version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many workers an entity is to have, and how many of the original beside compiled ones."""

    replicas: int
    companions: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """`builds` by `workload()`, crashes with the key of their worker's variant.

    `routed_at` is when gateways last had a socket in their snapshot, by the socket's path; `announced` by endpoint id.
    `plans` by digest of the version's files; `staffing` by endpoint id and entity name, as the autoscaler has it.
    `held` says why first workers of pending configs must wait, by the key of their variant.
    """

    workers: Sequence[WorkerObservation] = ()
    builds: Mapping[str, Build] = field(default_factory=dict)
    crashes: Sequence[Crash] = ()
    routed_at: Mapping[str, datetime] = field(default_factory=dict)
    announced: Mapping[str, Announced] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    staffing: Mapping[tuple[str, str], Staffing] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None
    """The moment; None stands for that of the last crash."""

    def crashes_of(self, key: str, since: datetime | None = None) -> list[Crash]:
        return [crash for crash in self.crashes if crash.workload == key and (since is None or crash.at >= since)]

    def plan_of(self, source: str, digest: str) -> Plan:
        """How the version with these files is to be run, as far as anybody knows; `source` is its `workload()`."""
        if digest in self.plans:
            return self.plans[digest]
        build = self.builds.get(source)
        return build.plan if isinstance(build, Built) else PLAIN
