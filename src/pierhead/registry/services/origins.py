"""Which run made a version, and which tables it was trained on, as far as the server can find out."""

from dataclasses import dataclass

from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.bounded_yaml import MOST_BYTES
from pierhead.registry.domain.gate import ProvenanceState
from pierhead.registry.domain.mlmodel import find_run_id
from pierhead.registry.domain.models import ModelVersion, VersionDraft
from pierhead.registry.domain.provenance import Code, Resolution, TrainingInput, describe, environment_digest
from pierhead.registry.domain.sources import logged_model_of
from pierhead.registry.domain.training_inputs import read_claims
from pierhead.registry.ports import Runs
from pierhead.registry.services.training_data import TrainingData
from pierhead.tracking.domain.runs import RunFacts


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a version says of its origin; the same before and after it is registered."""

    model_name: str
    run_id: str | None
    logged_model_id: str | None
    files_digest: str

    @classmethod
    def of(cls, made: VersionDraft | ModelVersion, files_digest: str) -> "Claimed":
        # Clients leave the id out of the field that is meant for it.
        logged_model_id = made.logged_model_id or logged_model_of(made.source)
        return cls(made.model_name, made.run_id, logged_model_id, files_digest)


class Origins:
    """Asks MLflow's server and opens tables: never within a transaction."""

    def __init__(self, artifacts: ArtifactStore, runs: Runs, data: TrainingData) -> None:
        self._artifacts = artifacts
        self._runs = runs
        self._data = data

    def resolve(self, claimed: Claimed, *, looks_at_inputs: bool) -> Resolution:
        """What the run of a version says, and what of it is so. Raises Unavailable while MLflow's server is silent."""
        run_id, problem = self._run_of(claimed)
        if run_id is None:
            missing = "the version names no run, so nothing tells what it was trained on; register it from the run"
            return Resolution(ProvenanceState.MISSING, messages=(problem or missing,))
        run = self._runs.find(run_id)
        if run is None:
            return Resolution(ProvenanceState.MISSING, run_id, messages=(f"run {run_id} does not exist (any more)",))
        if problem is not None:
            return Resolution(ProvenanceState.INVALID, run_id, run.user, messages=(problem,))
        if not looks_at_inputs:
            message = "no policy asks for the provenance of this model, so its run's inputs were not looked at"
            return Resolution(ProvenanceState.PENDING, run_id, run.user, messages=(message,))
        return self._inputs_of(run, claimed)

    def _run_of(self, claimed: Claimed) -> tuple[str | None, str | None]:
        """The run that logged the version's files, and what speaks against the one that was claimed."""
        run_id, problem = claimed.run_id, None
        if claimed.logged_model_id is not None:
            logged = self._runs.find_logged_model(claimed.logged_model_id)
            actual = None if logged is None else logged.run_id
            if run_id is None:
                run_id = actual
            elif actual not in (None, run_id):
                problem = f"the version claims run {run_id}, but its model was logged by run {actual}"
        said = self._said_in_files(claimed.files_digest)
        if run_id is None:
            return said, None
        if problem is None and said not in (None, run_id):
            problem = f"the version claims run {run_id}, but its MLmodel file was written by run {said}"
        return run_id, problem

    def _inputs_of(self, run: RunFacts, claimed: Claimed) -> Resolution:
        read = read_claims(run.inputs)
        inputs, problems = self._data.open_all(read.claims)
        problems = [flaw.message for flaw in read.flaws] + problems
        named = {describe(str(claim.table), claim.version) for claim in read.claims}
        if problems:
            state, messages = ProvenanceState.INVALID, (*problems, *read.notes)
        elif not inputs:
            nothing = f"run {run.run_id} has no Delta table as an input of context 'training' (yet)"
            state, messages = ProvenanceState.PENDING, (nothing, *read.notes)
        else:
            state, messages = ProvenanceState.COMPLETE, (*_warnings(inputs), *read.notes)
        return Resolution(
            state=state,
            run_id=run.run_id,
            run_user=run.user,
            messages=messages,
            inputs=tuple(inputs),
            code=Code(run.git_commit, run.git_repository, run.is_dirty, run.source_name, run.entry_point),
            environment_sha256=self._environment(claimed.files_digest),
            claims=frozenset(named | {flaw.table or flaw.message for flaw in read.flaws}),
        )

    def _environment(self, files_digest: str) -> str | None:
        files = self._artifacts.manifest(files_digest).files
        return environment_digest({file.path: file.sha256 for file in files})

    def _said_in_files(self, files_digest: str) -> str | None:
        file = self._artifacts.manifest(files_digest).find("MLmodel")
        if file is None or file.size_bytes > MOST_BYTES:
            return None
        return find_run_id(self._artifacts.file(file.sha256).read_bytes())


def _warnings(inputs: list[TrainingInput]) -> list[str]:
    return [
        f"{each.location} lies outside the platform's tables folder: nothing here keeps its version {each.version} "
        "from a vacuum by others"
        for each in inputs
        if not each.is_kept
    ]
