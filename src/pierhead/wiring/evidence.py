"""What the gate knows of versions: the registry's evidence, from MLflow's server, the catalog's tables and outside."""

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.tables import Tables
from pierhead.identity.domain.objects import Action
from pierhead.identity.services.access import Access
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState
from pierhead.kit.home import Home
from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller
from pierhead.registry.adapters.external_webhooks import FILE_NAME, ExternalWebhooks
from pierhead.registry.adapters.scan_process import ScanProcess
from pierhead.registry.domain.policies import Provenance as Mode
from pierhead.registry.services.evidence import Evidences, Sources
from pierhead.registry.services.lineage import Lineages
from pierhead.registry.services.origins import Origins
from pierhead.registry.services.policies import Policies
from pierhead.registry.services.provenance import Provenances
from pierhead.registry.services.scans import Scans
from pierhead.registry.services.training_data import TrainingData
from pierhead.serving.api.guards import target_of
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.tracking.adapters.runs import TrackedRuns
from pierhead.wiring.external_checks import external_checks_of
from pierhead.wiring.gate import gate_sources


class CatalogTables:
    """The registry's `TrainingTables`, filled by the catalog."""

    def __init__(self, database: Database, grounds: Grounds) -> None:
        self._database = database
        self._grounds = grounds
        self._home = Path(os.path.realpath(grounds.home.root))
        self._tables = Path(os.path.realpath(grounds.home.tables))

    def find_location(self, name: FullName) -> Path | None:
        with self._database.reading() as connection:
            return Tables(connection, self._grounds).find_location(name)

    def may_open(self, path: Path) -> bool:
        return path.is_relative_to(self._tables) or not path.is_relative_to(self._home)

    def is_kept(self, location: Path) -> bool:
        return location.is_relative_to(self._tables)


class PolicyWishes:
    """What the policies in force want to know of the versions of a model."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def mode_of(self, model_name: str) -> Mode:
        """How much provenance matters."""
        try:
            with self._database.reading() as connection:
                return Policies(connection, self._clock).active().provenance_of(model_name)
        except InvalidState:
            # Nothing can be promoted now, but versions can be registered, and by then somebody may ask again.
            return Mode.REQUIRE_FOR_PRODUCTION

    def external_names(self, model_name: str) -> Iterable[str]:
        """The systems outside that have to be asked."""
        with self._database.reading() as connection:
            return Policies(connection, self._clock).active().external_names(model_name)


class Knowledge:
    """The services of evidence, and the gate that knows from them, on one set of adapters."""

    def __init__(
        self, database: Database, clock: Clock, artifacts: ArtifactStore, home: Home, grounds: Grounds
    ) -> None:
        wishes = PolicyWishes(database, clock)
        runs = TrackedRuns(home.tracking_socket)
        data = TrainingData(CatalogTables(database, grounds))
        self.provenances = Provenances(database, clock, Origins(artifacts, runs, data), data, wishes.mode_of)
        self.evidences = Evidences(
            database,
            clock,
            artifacts,
            Sources(
                provenances=self.provenances,
                scans=Scans(database, clock, artifacts, ScanProcess()),
                runs=runs,
                external=ExternalWebhooks(home.root / FILE_NAME, clock),
                external_names=wishes.external_names,
            ),
        )
        self.gate = gate_sources(clock, self.evidences)
        self.external_names = lambda: external_checks_of(home.root)
        self.lineages = Lineages(database, clock, artifacts, self.provenances, endpoints_serving)


def endpoints_serving(connection: Connection, caller: Caller, model_name: str, number: int) -> list[str]:
    """Names of the endpoints that serve a version now, of those that the caller may see."""
    access = Access(connection, caller)
    return [
        endpoint.name
        for endpoint in EndpointStore(connection).list_all()
        if endpoint.active is not None
        and any((each.model_name, each.model_version) == (model_name, str(number)) for each in endpoint.active.entities)
        and access.may(Action.READ, target_of(endpoint))
    ]
