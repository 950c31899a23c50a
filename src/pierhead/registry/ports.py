"""What the registry needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import Scan
from pierhead.tracking.domain.runs import LoggedModelFacts, RunFacts


class Sources(Protocol):
    """Finds the files that a new version is made from."""

    def locate(self, source: str, *, run_id: str | None, model_id: str | None, by: Caller) -> Path:
        """The local folder behind `source`, for a caller who may read it.

        `source` is what clients send: `models:/m-ID`, `runs:/RUN/path`, `mlflow-artifacts:/...` or
        `dbfs:/databricks/mlflow-tracking/...`. Raises InvalidArgument if it names nothing here or leaves our
        tree, PermissionDenied if `by` may not read it, or not the run or the logged model that are named beside it.
        """

    def require_origin(self, run_id: str | None, model_id: str | None, *, by: Caller) -> None:
        """Raises PermissionDenied if `by` names a run or a logged model that they may not read."""


class Runs(Protocol):
    """What is known of runs and logged models. Waits; made for threads."""

    def find(self, run_id: str) -> RunFacts | None:
        """None if there is no such run. Raises Unavailable while nobody can tell."""

    def find_logged_model(self, model_id: str) -> LoggedModelFacts | None:
        """None if there is no such logged model. Raises Unavailable while nobody can tell."""


class TrainingTables(Protocol):
    """Where the Delta tables lie that runs name."""

    def find_location(self, name: FullName) -> Path | None:
        """The table's folder; None if there is no table of this name."""

    def may_open(self, path: Path) -> bool:
        """Whether a run may name this path: our own folders hold more than tables."""

    def is_kept(self, location: Path) -> bool:
        """Whether it is our vacuum that runs there, so that pins hold."""


class FileScanner(Protocol):
    """Looks into files that strangers made, in bounded time and memory."""

    def scan(self, files: Sequence[tuple[Path, str]]) -> Scan:
        """What loading these files could do; each is a path and its name for people."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a system outside says of a version."""

    passed: bool
    message: str


class ExternalChecks(Protocol):
    """Systems outside that are asked about versions. Waits; made for threads."""

    def ask(self, name: str, subject: Mapping[str, Any]) -> Opinion:
        """What the system of this name says; a system that cannot be asked says no."""


@dataclass(frozen=True, slots=True)
class Post:
    """A body on its way to an address outside; `reaches_private` lets it into the own network."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(repr=False)
    verifies_tls: bool = True
    reaches_private: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered; `body` is the beginning of it."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """Nobody answered."""

    reason: str


class Deliverer(Protocol):
    """Sends to addresses that users chose. Waits, but not for long; made for threads."""

    def post(self, post: Post) -> Reply | Unreached:
        """One request; redirects are not followed."""
