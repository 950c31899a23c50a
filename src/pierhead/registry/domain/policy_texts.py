"""Revisions of sets of policies, as they are kept."""

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One revision of a set; nobody applied, and at no time, the sets that ship with Pierhead."""

    name: str
    revision: int
    text: str
    digest: str
    applied_by: str | None = None
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which set decides, and who chose it; nobody did before the first choice."""

    name: str
    chosen_by: str | None = None
    chosen_at: datetime | None = None


def text_digest(text: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
