"""Rollouts, filled by serving, the registry and the gateways' observations."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from pierhead.compile.store.compilations import CompilationStore
from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.kit.web.caller import Caller
from pierhead.monitoring.domain.alert_messages import bare_sentence
from pierhead.monitoring.domain.alert_records import Subject, SubjectKind
from pierhead.monitoring.store.alerts import AlertStore
from pierhead.registry.domain.gate import Report
from pierhead.registry.domain.models import ModelVersion, Ready
from pierhead.registry.domain.names import version_number
from pierhead.registry.domain.stages import Stage
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.store.evidence import EvidenceStore
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore
from pierhead.rollouts.api.routes import RolloutDoors
from pierhead.rollouts.domain.gates.results import OpenAlert
from pierhead.rollouts.domain.rollouts import Candidate, Rollout
from pierhead.rollouts.services.abtests import ABTestLoop
from pierhead.rollouts.services.arriving import Arrivals
from pierhead.rollouts.services.guard import Guard
from pierhead.rollouts.services.leftovers import Leftovers
from pierhead.rollouts.services.loop import RolloutLoop, Surroundings
from pierhead.rollouts.services.observations import Observations
from pierhead.serving.adapters.nudge_socket import knock
from pierhead.serving.ports import ModelVersions, ServingGate
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.machine import this_machine
from pierhead.wiring.rollout_labels import KnownLabels, LabelJoins
from pierhead.wiring.rollout_outcomes import JoinedOutcomes

_TAKEN_OVER = timedelta(seconds=5)
"""After a compilation workers of the original are replaced one by one."""


class RegistryEvidence:
    """`rollouts.ports.Evidence` and `rollouts.ports.Stages`."""

    def tell(
        self, connection: Connection, candidate: Candidate, check: str, *, passed: bool, message: str, at: datetime
    ) -> None:
        version = _find(connection, candidate.model_name, candidate.model_version)
        if version is not None and version.state == Ready(candidate.digest):
            EvidenceStore(connection).put_report(version.id, check, Report(passed, message, at))

    def may_vouch(self, connection: Connection, caller: Caller, model_name: str) -> bool:
        model = ModelStore(connection).find(model_name)
        return model is not None and ModelRights(connection, caller).may(Action.MOVE_TO_PRODUCTION, model)

    def is_in_production(self, connection: Connection, model_name: str, model_version: str) -> bool:
        version = _find(connection, model_name, model_version)
        return version is not None and version.stage is Stage.PRODUCTION


class CompiledEngines:
    """`rollouts.ports.Engines`."""

    def are_settled(self, connection: Connection, candidate: Candidate, now: datetime) -> bool:
        found = CompilationStore(connection).find(candidate.digest)
        if found is None:
            return True
        return found.ended_at is not None and found.is_over and now - found.ended_at >= _TAKEN_OVER


class OpenAlerts:
    """`rollouts.ports.Alerts`: what monitors say of the endpoint as a whole."""

    def open_alerts(self, connection: Connection, rollout: Rollout) -> Sequence[OpenAlert]:
        subject = Subject(SubjectKind.ENDPOINT, rollout.endpoint_id, rollout.endpoint_name)
        return [
            OpenAlert(alert.rule.rule.name, bare_sentence(alert.rule.rule, alert.series, alert.state), False)
            for alert in AlertStore(connection).list_open(subject)
        ]


def rollout_tick(database: Database, clock: Clock, home: Home, versions: ModelVersions) -> Callable[[], None]:
    """One step of the controller's loop."""
    observations = Observations(home.run / "observations")
    surroundings = Surroundings(
        endpoints=_endpoints(clock, versions),
        observations=observations,
        labels=KnownLabels(_labels(home)),
        alerts=OpenAlerts(),
        evidence=RegistryEvidence(),
        engines=CompiledEngines(),
        why_not_promote=rollout_guard(clock, versions).why_not_promote,
        nudge=lambda: knock(home.run / "nudge.sock"),
    )
    loop, leftovers = RolloutLoop(database, clock, surroundings), Leftovers(database, observations)
    abtests = ABTestLoop(database, clock, observations, _endpoints(clock, versions))

    def tick() -> None:
        loop.tick()
        abtests.tick()
        leftovers.sweep()

    return tick


def label_joins(database: Database, clock: Clock, home: Home) -> Callable[[], None]:
    """One step of the loop that keeps rollouts' labels."""
    return LabelJoins(database, home.tables, _labels(home), clock).tick


def rollout_arrivals(clock: Clock) -> Arrivals:
    """What the reconciler tells of active configs."""
    return Arrivals(clock, RegistryEvidence())


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
        labels=KnownLabels(_labels(home)),
        alerts=OpenAlerts(),
        outcomes=JoinedOutcomes(home.tables, clock),
        nudge=lambda: knock(home.run / "nudge.sock"),
    )


def _labels(home: Home) -> Path:
    return home.run / "rollout-labels"


def _endpoints(clock: Clock, versions: ModelVersions) -> Callable[[Connection], Endpoints]:
    machine = this_machine()
    return lambda connection: Endpoints(connection, clock, versions, machine)


def _find(connection: Connection, model_name: str, model_version: str) -> ModelVersion | None:
    return VersionStore(connection).find(model_name, version_number(model_version))
