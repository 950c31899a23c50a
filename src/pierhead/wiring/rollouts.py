"""Rollouts, filled by serving, the registry and the gateways' observations."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.registry.domain.gate import Report
from pierhead.registry.domain.models import ModelVersion, Ready
from pierhead.registry.domain.names import version_number
from pierhead.registry.domain.stages import Stage
from pierhead.registry.store.evidence import EvidenceStore
from pierhead.registry.store.versions import VersionStore
from pierhead.rollouts.api.routes import RolloutDoors
from pierhead.rollouts.domain.gates.results import OpenAlert
from pierhead.rollouts.domain.rollouts import Candidate, Rollout
from pierhead.rollouts.services.abtests import ABTestLoop
from pierhead.rollouts.services.guard import Guard
from pierhead.rollouts.services.leftovers import Leftovers
from pierhead.rollouts.services.loop import RolloutLoop, Surroundings
from pierhead.rollouts.services.observations import Observations
from pierhead.serving.adapters.nudge_socket import knock
from pierhead.serving.ports import ModelVersions, ServingGate
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.machine import this_machine
from pierhead.wiring.rollout_labels import JoinedLabels
from pierhead.wiring.rollout_outcomes import JoinedOutcomes


class RegistryEvidence:
    """`rollouts.ports.Evidence` and `rollouts.ports.Stages`."""

    def tell(
        self, connection: Connection, candidate: Candidate, check: str, *, passed: bool, message: str, at: datetime
    ) -> None:
        version = _find(connection, candidate.model_name, candidate.model_version)
        if version is not None and version.state == Ready(candidate.digest):
            EvidenceStore(connection).put_report(version.id, check, Report(passed, message, at))

    def is_in_production(self, connection: Connection, model_name: str, model_version: str) -> bool:
        version = _find(connection, model_name, model_version)
        return version is not None and version.stage is Stage.PRODUCTION


class NoAlerts:
    """`rollouts.ports.Alerts` of a platform without monitors."""

    def open_alerts(self, _connection: Connection, _rollout: Rollout) -> Sequence[OpenAlert]:
        return ()


def rollout_tick(database: Database, clock: Clock, home: Home, versions: ModelVersions) -> Callable[[], None]:
    """One step of the controller's loop."""
    observations = Observations(home.run / "observations")
    surroundings = Surroundings(
        endpoints=_endpoints(clock, versions),
        observations=observations,
        labels=JoinedLabels(home.tables, clock),
        alerts=NoAlerts(),
        evidence=RegistryEvidence(),
        nudge=lambda: knock(home.run / "nudge.sock"),
    )
    loop, leftovers = RolloutLoop(database, clock, surroundings), Leftovers(database, observations)
    abtests = ABTestLoop(database, clock, observations, _endpoints(clock, versions))

    def tick() -> None:
        loop.tick()
        abtests.tick()
        leftovers.sweep()

    return tick


def rollout_guard(clock: Clock, versions: ModelVersions) -> Guard:
    """`serving.ports.RolloutGuard`."""
    return Guard(clock, _endpoints(clock, versions), RegistryEvidence())


def rollout_doors(
    database: Database, clock: Clock, home: Home, versions: ModelVersions, gate: ServingGate, guard: Guard
) -> RolloutDoors:
    """What the calls of the API work with."""
    return RolloutDoors(
        database=database,
        clock=clock,
        endpoints=_endpoints(clock, versions),
        gate=gate,
        guard=guard,
        labels=JoinedLabels(home.tables, clock),
        alerts=NoAlerts(),
        outcomes=JoinedOutcomes(home.tables, clock),
        nudge=lambda: knock(home.run / "nudge.sock"),
    )


def _endpoints(clock: Clock, versions: ModelVersions) -> Callable[[Connection], Endpoints]:
    machine = this_machine()
    return lambda connection: Endpoints(connection, clock, versions, machine)


def _find(connection: Connection, model_name: str, model_version: str) -> ModelVersion | None:
    return VersionStore(connection).find(model_name, version_number(model_version))
