"""Versions of tables that must stay readable."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pin:
    """`holder` relies on this version of the table at `location`; `reason` is a sentence for people.

    `manifest_sha256` is that of the version when it was pinned, None if nobody looked.
    """

    location: Path
    version: int
    holder: str
    reason: str
    manifest_sha256: str | None
    pinned_at: datetime


@dataclass(frozen=True, slots=True)
class BrokenPin:
    """A pinned version that cannot be read as it was any more, and why."""

    pin: Pin
    problem: str


@dataclass(frozen=True, slots=True)
class PinReport:
    """`checked` is how many pins there are."""

    checked: int
    broken: tuple[BrokenPin, ...]
