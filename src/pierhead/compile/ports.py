"""What compilation needs from outside: files, environments, the sandboxed job, somewhere to tell its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pierhead.compile.domain.certificate import Certificate


@dataclass(frozen=True, slots=True)
class Built:
    """What a job produced: `artifact` is its folder, None unless it was proved."""

    certificate: Certificate
    artifact: Path | None


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
        """The same with the stock converters beside; None if they do not go together. Waits."""


class Jobs(Protocol):
    def compile(self, source: str, model: Path, python: Path, converter: Path | None, work: Path) -> Built:
        """Run the sandboxed job in the folder `work`. Waits. Raises JobBroke."""

    def verify(self, artifact: Path, model: Path, python: Path, samples: Sequence[Sample], work: Path) -> Checked:
        """Ask the original what it answers to the samples. Waits. Raises JobBroke."""


class Reports(Protocol):
    def tell(self, source: str, *, passed: bool, message: str, at: datetime) -> None:
        """What the parity check says of every version with these files."""
