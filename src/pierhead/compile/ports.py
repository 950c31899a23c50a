"""What compilation needs from outside: files, environments, the sandboxed job, somewhere to tell its verdict."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from pierhead.compile.domain.certificate import Certificate
from pierhead.compile.domain.reports import Report


@dataclass(frozen=True, slots=True)
class Built:
    """What a job produced: `artifact` is its folder, None unless it was proved."""

    certificate: Certificate
    artifact: Path | None


@dataclass(frozen=True, slots=True)
class Material:
    """What a job works on: the digest and the folder of a model's files, its interpreter, bodies of real requests."""

    source: str
    model: Path
    python: Path
    logged: Sequence[bytes] = ()


class JobBroke(Exception):
    """The job itself failed, whatever the model is like; the message says how, in one or two lines."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A live answer of the artifact that the original does not give."""

    request: str
    original: str
    compiled: str
    difference: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Live answers compared with the original's: how many, and the first that differs."""

    rows: int
    mismatch: Mismatch | None


@dataclass(frozen=True, slots=True)
class Sample:
    """An invocation of a compiled version, as it was answered."""

    content_type: str
    request: bytes
    answer: bytes
    artifact: str
    """Digest of the artifact that answered; "" if that was not written down."""


class Versions(Protocol):
    """The registry, as compilation sees it."""

    def new_digests(self, since: datetime | None) -> tuple[Sequence[str], datetime | None]:
        """Digests of versions that became ready since, and the moment to ask from the next time."""

    def folder(self, digest: str) -> Path:
        """See `serving.ports.ModelVersions.folder`."""


class Environments(Protocol):
    def python_of(self, model: Path, log: Path) -> Path:
        """The interpreter of the model's own environment. Waits. Raises JobBroke if it cannot be built."""

    def converter_of(self, model: Path, log: Path) -> Path | None:
        """The same with the stock converters beside; None if they do not go together, or are of no use. Waits."""


class Jobs(Protocol):
    def compile(self, material: Material, converter: Path | None, work: Path) -> Built:
        """Run the sandboxed job in the folder `work`. Waits. Raises JobBroke."""

    def verify(self, artifact: Path, model: Path, python: Path, samples: Sequence[Sample], work: Path) -> Checked:
        """Ask the original what it answers to the samples. Waits. Raises JobBroke."""


class Reports(Protocol):
    """Within a transaction of the caller: what is known and what is told of it must not differ."""

    def tell(self, connection: Connection, source: str, report: Report) -> None:
        """This is what the parity check says of every version with these files."""

    def untold(self, connection: Connection, sources: Collection[str]) -> Collection[str]:
        """Those of the files that belong to a version of which nobody told anything yet."""


class LoggedRequests(Protocol):
    """The last requests that versions were asked, by digest of the files: what the gate shall see of real life."""

    def keep(self, source: str, samples: Sequence[Sample]) -> None:
        """Put these to the others; the oldest beyond what is kept of a version are forgotten."""

    def of(self, source: str) -> Sequence[bytes]:
        """Bodies, the oldest first; none if they cannot be read."""
