"""How far the files and the environment of a workload are."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Building:
    """On its way."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a worker needs to start: the model's folder and the interpreter that has its requirements."""

    model: Path
    python: Path


@dataclass(frozen=True, slots=True)
class BuildFailed:
    """Could not be made; `reason` is for people."""

    at: datetime
    reason: str


Build = Building | Built | BuildFailed
