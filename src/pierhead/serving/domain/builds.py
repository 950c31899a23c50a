"""How far the files and the environment of a workload are."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pierhead.serving.domain.plans import PLAIN, Plan


@dataclass(frozen=True, slots=True)
class Building:
    """On its way."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a worker of the original needs to start, and how the version is to be run.

    The model's folder and the interpreter that has its requirements; `plan` is as it was when the build ended.
    """

    model: Path
    python: Path
    plan: Plan = PLAIN


@dataclass(frozen=True, slots=True)
class BuildFailed:
    """Could not be made; `reason` is for people."""

    at: datetime
    reason: str


Build = Building | Built | BuildFailed
