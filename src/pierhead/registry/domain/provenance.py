"""What a version was trained on: the record that never changes once it is complete."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pierhead.registry.domain.gate import ProvenanceState


@dataclass(frozen=True, slots=True)
class TrainingInput:
    """One version of a Delta table, as the server found it.

    `claimed` is how the run names the table: by three parts or by a path. `is_kept` is whether our vacuum looks after
    the table, so that the version stays; nobody promises that for tables that others keep elsewhere.
    """

    dataset: str
    claimed: str
    location: str
    table_id: str
    version: int
    schema_sha256: str
    manifest_sha256: str
    rows: int | None
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Code:
    """What ran, as the run tells it. `is_dirty` is None where git was not asked."""

    git_commit: str | None
    git_repository: str | None
    is_dirty: bool | None
    source_name: str | None
    entry_point: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known when the record is complete. `environment_sha256` is over the model's requirements files."""

    version_id: str
    files_digest: str
    run_id: str
    run_user: str
    inputs: tuple[TrainingInput, ...]
    code: Code
    environment_sha256: str | None

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over the record as canonical JSON."""
        return _digest(record_json(self))


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is known of a version's training data by now.

    `record` is there if and only if the state is COMPLETE. `late` are inputs that were added to the run after that, and
    `lost` is what of the record cannot be read any more: both are reported, the record stays as it is.
    """

    state: ProvenanceState
    run_id: str | None
    run_user: str | None
    messages: tuple[str, ...]
    checked_at: datetime
    record: Record | None = None
    completed_at: datetime | None = None
    late: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def digest(self) -> str | None:
        """What an approval is bound to: the record's digest, and another one for each set of late inputs."""
        if self.record is None:
            return None
        return _digest([self.record.digest, *self.late]) if self.late else self.record.digest

    @property
    def effective_state(self) -> ProvenanceState:
        """INVALID if the recorded data is lost, however complete the record is."""
        return ProvenanceState.INVALID if self.lost else self.state

    @property
    def message(self) -> str:
        """Everything there is to say, as one sentence."""
        late = [f"added to the run after the record was complete, and not part of it: {each}" for each in self.late]
        return "; ".join([*self.lost, *self.messages, *late])


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a look at a run gave, before it is recorded."""

    state: ProvenanceState
    run_id: str | None = None
    run_user: str | None = None
    messages: tuple[str, ...] = ()
    inputs: tuple[TrainingInput, ...] = ()
    code: Code | None = None
    environment_sha256: str | None = None
    claims: frozenset[str] = field(default_factory=frozenset)


def describe(claimed: str, version: int | None) -> str:
    """A table and its version in words.

    >>> describe("main.churn.training", 0)
    'main.churn.training version 0'
    """
    return claimed if version is None else f"{claimed} version {version}"


def late_claims(record: Record, claims: frozenset[str]) -> tuple[str, ...]:
    """What a run names now that the record does not hold, sorted."""
    recorded = {describe(each.claimed, each.version) for each in record.inputs}
    return tuple(sorted(claims - recorded))


def environment_digest(files: Mapping[str, str]) -> str | None:
    """SHA-256 over a model's requirements files, given as path -> SHA-256 of the content; None if it has none."""
    kept = sorted((path, digest) for path, digest in files.items() if path in REQUIREMENTS)
    return _digest(kept) if kept else None


REQUIREMENTS = frozenset({"requirements.txt", "conda.yaml", "python_env.yaml"})


def record_json(record: Record) -> dict[str, Any]:
    """The record as plain JSON; `read_record` is the way back."""
    return asdict(record)


def read_record(plain: Mapping[str, Any]) -> Record:
    inputs: Sequence[Mapping[str, Any]] = plain["inputs"]
    rest = {key: value for key, value in plain.items() if key not in ("inputs", "code")}
    return Record(inputs=tuple(TrainingInput(**each) for each in inputs), code=Code(**plain["code"]), **rest)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
