"""Compilation, filled by the registry, the environments of served versions and the job's processes."""

import platform
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection

from pierhead.compile.adapters.job_leftovers import sweep
from pierhead.compile.adapters.job_process import JobLimits, JobProcesses
from pierhead.compile.adapters.logged_files import LoggedFiles
from pierhead.compile.adapters.sample_files import SampleFiles
from pierhead.compile.convert.candidates import may_be_converted
from pierhead.compile.convert.requirements import converter_requirements
from pierhead.compile.domain.certificate import Runtime
from pierhead.compile.domain.reports import Report as ParityReport
from pierhead.compile.ports import JobBroke
from pierhead.compile.services.compiler import Compiler, Workshop
from pierhead.compile.services.tiers import Tiers
from pierhead.compile.services.verification import Checks, Verification
from pierhead.identity.services.audit_keys import load_signer
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.registry.domain.gate import Report
from pierhead.registry.store.evidence import EvidenceStore
from pierhead.registry.store.versions import VersionStore
from pierhead.serving.ports import EnvironmentFailed, Environments, ModelVersions
from pierhead.serving.store.endpoints import EndpointStore

# What becomes ready at the same moment as what was seen last must not be missed.
_OVERLAP = timedelta(seconds=5)
_PARITY = "parity"


class RegisteredFiles:
    """`compile.ports.Versions`."""

    def __init__(self, database: Database, versions: ModelVersions) -> None:
        self._database = database
        self._versions = versions

    def new_digests(self, since: datetime | None) -> tuple[Sequence[str], datetime | None]:
        with self._database.reading() as connection:
            found = VersionStore(connection).ready_digests(since)
        newest = found[-1][1] - _OVERLAP if found else since
        return [digest for digest, _ in found], newest

    def folder(self, digest: str) -> Path:
        return self._versions.folder(digest)


class ModelEnvironments:
    """`compile.ports.Environments`: those that served versions run in."""

    def __init__(self, environments: Environments) -> None:
        self._environments = environments

    def python_of(self, model: Path, log: Path) -> Path:
        try:
            return self._environments.build(model, log).python
        except EnvironmentFailed as error:
            raise JobBroke(f"the version's environment could not be built: {error}") from None

    def converter_of(self, model: Path, log: Path) -> Path | None:
        if not may_be_converted(model):
            return None
        try:
            return self._environments.build(model, log, beside=converter_requirements()).python
        except EnvironmentFailed:
            return None


class ParityReports:
    """`compile.ports.Reports`: evidence for the gate, under the name of its check."""

    def tell(self, connection: Connection, source: str, report: ParityReport) -> None:
        evidence = EvidenceStore(connection)
        for version_id in VersionStore(connection).ids_with_files(source):
            evidence.put_report(version_id, _PARITY, Report(report.passed, report.message, report.at, source))

    def untold(self, connection: Connection, sources: Collection[str]) -> Collection[str]:
        return EvidenceStore(connection).unreported(_PARITY, sources)


class Compilation:
    """All loops and answers of compilation in the controller."""

    def __init__(
        self,
        settings: Settings,
        home: Home,
        database: Database,
        clock: Clock,
        versions: ModelVersions,
        environments: Environments,
    ) -> None:
        self._folder = home.compile_jobs
        self._database = database
        artifacts = ArtifactStore(home.store)
        files, built = RegisteredFiles(database, versions), ModelEnvironments(environments)
        limits = JobLimits(settings.compile_memory_bytes, settings.compile_timeout_s)
        jobs, reports, logged = JobProcesses(limits), ParityReports(), LoggedFiles(home.compile_jobs)
        runtime = Runtime(platform.machine(), version("onnxruntime"))
        self.tiers = Tiers(database, clock, artifacts, home.compiled, runtime, lambda: load_signer(home.audit).verifier)
        self.compiler = Compiler(
            database,
            clock,
            Workshop(
                versions=files,
                environments=built,
                jobs=jobs,
                logged=logged,
                reports=reports,
                artifacts=artifacts,
                signer=lambda: load_signer(home.audit),
                folder=home.compile_jobs,
            ),
            runtime=runtime,
            compiles_registered=settings.compile_versions == "registered",
        )
        self.verification = Verification(
            database,
            clock,
            Checks(
                take=SampleFiles(home.samples, lambda ids: sources_of(database, ids)).take,
                versions=files,
                environments=built,
                jobs=jobs,
                logged=logged,
                reports=reports,
                folder=home.compile_jobs,
            ),
            self.tiers,
            pause=timedelta(seconds=settings.verify_interval_s),
        )
        self._logged = logged

    def tidy(self) -> None:
        """Remove what an earlier controller left; to be called before any loop."""
        sweep(self._folder)
        self._logged.keep_only(self._ready)

    def _ready(self, sources: Collection[str]) -> Collection[str]:
        with self._database.reading() as connection:
            return VersionStore(connection).digests_among(sources)


def sources_of(database: Database, entity_ids: Sequence[str]) -> Mapping[str, str]:
    """The digests of the files that served entities run, by the entities' ids."""
    with database.reading() as connection:
        endpoints = EndpointStore(connection).list_all()
    configs = [config for endpoint in endpoints for config in (endpoint.active, endpoint.newest) if config is not None]
    digests = {entity.id: entity.digest for config in configs for entity in config.entities}
    return {entity_id: digests[entity_id] for entity_id in entity_ids if entity_id in digests}
