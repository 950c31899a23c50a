"""Evidence: gathered before the gate is asked, and read by the gate within its transaction."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.services.directory import Accounts
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.audit_context import step
from pierhead.kit.bounded_yaml import MOST_BYTES
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import Unavailable
from pierhead.registry.domain.evaluations import evaluations_of
from pierhead.registry.domain.gate import (
    AliasTarget,
    Evaluation,
    Evidence,
    PromotionTarget,
    ProvenanceState,
    Report,
    StageTarget,
)
from pierhead.registry.domain.mlmodel import has_signature
from pierhead.registry.domain.models import ModelVersion, Ready
from pierhead.registry.domain.policies import canonical
from pierhead.registry.domain.provenance import Provenance
from pierhead.registry.domain.stages import Stage
from pierhead.registry.ports import ExternalChecks, Runs
from pierhead.registry.services.origins import Claimed
from pierhead.registry.services.provenance import Provenances
from pierhead.registry.services.scans import RULES, Scans
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.evidence import EvidenceStore
from pierhead.registry.store.provenance import ProvenanceStore
from pierhead.registry.store.versions import VersionStore
from pierhead.tracking.domain.runs import Measurement


@dataclass(frozen=True, slots=True)
class Sources:
    """Where evidence comes from. `external_names` gives the systems outside that the policies of a model name."""

    provenances: Provenances
    scans: Scans
    runs: Runs
    external: ExternalChecks
    external_names: Callable[[str], Iterable[str]]


class Evidences:
    """`refresh` waits and is called before a transaction; `of` and `authors` only read what it has stored."""

    def __init__(self, database: Database, clock: Clock, artifacts: ArtifactStore, sources: Sources) -> None:
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._sources = sources

    def refresh(self, name: str, number: int) -> None:
        """Look again at everything that may have changed, the version that is in Production included.

        A version that is not READY has no evidence; the gate says so itself. Raises NotFound.
        """
        with self._database.reading() as connection:
            version = Versions(connection, self._clock).get(name, number)
            live = VersionStore(connection).list_in_stage(version.model_id, Stage.PRODUCTION)
        if not isinstance(version.state, Ready):
            return
        with step("evidence/refresh"):
            self._look_again(version, live)

    def _look_again(self, version: ModelVersion, live: Iterable[ModelVersion]) -> None:
        provenance = self._sources.provenances.refresh(version.model_name, version.number)
        for each in (version, *(other for other in live if other.id != version.id)):
            # Without an answer, what was measured before is still what was measured.
            with suppress(Unavailable):
                self._refresh_evaluations(each)
        self._sources.scans.scan(version.digest)
        self._ask_outside(version, provenance)

    def of(self, connection: Connection, version: ModelVersion, target: PromotionTarget) -> Evidence:
        """What is known of a version. Raises InvalidState unless it is READY."""
        store = EvidenceStore(connection)
        provenance = ProvenanceStore(connection).find(version.id)
        champion = _find_champion(connection, version, target)
        return Evidence(
            files_digest=version.digest,
            has_signature=self._has_signature(version.digest),
            provenance=provenance.effective_state if provenance else ProvenanceState.PENDING,
            provenance_message=provenance.message if provenance else "nobody has looked at the version's run yet",
            provenance_digest=provenance.digest if provenance else None,
            evaluations=store.evaluations_of(version.id),
            champion=() if champion is None else store.evaluations_of(champion.id),
            scan=store.find_scan(version.digest, RULES),
            reports=store.reports_of(version.id),
        )

    def authors(self, connection: Connection, version: ModelVersion) -> frozenset[str]:
        """Who made the version's run, and who answers for a service principal that did.

        Raises Unavailable while that is not known: nobody may approve what may be their own.
        """
        provenance = ProvenanceStore(connection).find(version.id)
        user = None if provenance is None else provenance.run_user
        if user is None:
            if version.run_id and (provenance is None or provenance.state is ProvenanceState.PENDING):
                raise Unavailable(
                    f"who made run {version.run_id} is not known yet, because MLflow's server did not answer; try again"
                )
            return frozenset()
        # Deleting a service principal does not make its work nobody's.
        account = Accounts(connection, self._clock).find_ever(user)
        owner = account.owner if account else None
        return frozenset({user, owner} if owner else {user})

    def _refresh_evaluations(self, version: ModelVersion) -> None:
        measured: list[Measurement] = []
        claimed = Claimed.of(version, version.digest)
        if claimed.run_id is not None and (run := self._sources.runs.find(claimed.run_id)) is not None:
            measured.extend(run.metrics)
        if claimed.logged_model_id is not None:
            logged = self._sources.runs.find_logged_model(claimed.logged_model_id)
            measured.extend(logged.metrics if logged else ())
        found = evaluations_of(measured)
        with self._database.reading() as connection:
            known = EvidenceStore(connection).evaluations_of(version.id)
        if found != known:
            with self._database.transaction() as connection:
                EvidenceStore(connection).put_evaluations(version.id, found, self._clock.now())

    def _ask_outside(self, version: ModelVersion, provenance: Provenance) -> None:
        names = sorted(set(self._sources.external_names(version.model_name)))
        if not names:
            return
        with self._database.reading() as connection:
            evaluations = EvidenceStore(connection).evaluations_of(version.id)
        subject = _subject(version, provenance, evaluations)
        for name in names:
            said = self._sources.external.ask(name, subject)
            report = Report(said.passed, said.message, self._clock.now())
            with self._database.transaction() as connection:
                EvidenceStore(connection).put_report(version.id, name, report)

    def _has_signature(self, files_digest: str) -> bool:
        file = self._artifacts.manifest(files_digest).find("MLmodel")
        if file is None or file.size_bytes > MOST_BYTES:
            return False
        return has_signature(self._artifacts.file(file.sha256).read_bytes())


def _find_champion(connection: Connection, version: ModelVersion, target: PromotionTarget) -> ModelVersion | None:
    """The version that is live at the target; for an endpoint, the one in Production."""
    store = VersionStore(connection)
    match canonical(target):
        case AliasTarget(alias):
            live = [store.find_by_alias(version.model_id, alias)]
        case StageTarget(stage):
            live = [*store.list_in_stage(version.model_id, stage)]
        case _:
            live = [*store.list_in_stage(version.model_id, Stage.PRODUCTION)]
    others = [each for each in live if each is not None and each.id != version.id]
    return max(others, key=lambda each: each.number, default=None)


def _subject(version: ModelVersion, provenance: Provenance, evaluations: Iterable[Evaluation]) -> Mapping[str, Any]:
    return {
        "model_name": version.model_name,
        "version": str(version.number),
        "files_digest": version.digest,
        "run_id": provenance.run_id,
        "provenance": {"state": provenance.effective_state.value, "digest": provenance.digest},
        "evaluations": [
            {"metric": each.metric, "value": each.value, "dataset": each.dataset, "digest": each.dataset_digest}
            for each in evaluations
        ],
    }
