"""Registered models and their versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pierhead.kit.errors import InvalidState
from pierhead.registry.domain.stages import Stage


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """`aliases` gives the number of the version that each alias points to; `user_name` made the model."""

    id: str
    name: str
    description: str | None
    user_name: str
    owner: str
    created_at: datetime
    updated_at: datetime
    tags: Mapping[str, str]
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pending:
    """The version's files are still on their way."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The version's files are complete and will never change: `digest` is that of their manifest."""

    digest: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The version will never be ready."""

    reason: str


State = Pending | Ready | Failed


@dataclass(frozen=True, slots=True)
class VersionDraft:
    """What a client says of a new version. `logged_model_id` is MLflow's `model_id`, of an experiment's model."""

    model_name: str
    source: str
    run_id: str | None = None
    run_link: str | None = None
    run_workspace_id: str | None = None
    logged_model_id: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """`number` is unique in its model for ever, also after the version is deleted. `user_name` made it; `person` is the
    human who was behind that, None if that was not recorded. `authors` made what it is a copy of, as far as it is."""

    id: str
    model_id: str
    model_name: str
    number: int
    stage: Stage
    state: State
    source: str
    run_id: str | None
    run_link: str | None
    run_workspace_id: str | None
    logged_model_id: str | None
    description: str | None
    user_name: str
    created_at: datetime
    updated_at: datetime
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    person: str | None = None
    authors: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of the files' manifest. Raises InvalidState unless the version is READY."""
        match self.state:
            case Ready(digest):
                return digest
            case Pending():
                raise InvalidState(
                    f"version {self.number} of model '{self.model_name}' is not READY: its files were not all uploaded "
                    "and finalized yet"
                )
            case Failed(reason):
                raise InvalidState(f"version {self.number} of model '{self.model_name}' is not READY: {reason}")
