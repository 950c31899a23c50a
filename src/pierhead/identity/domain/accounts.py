"""Users, groups and tokens."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

ADMINS = "admins"
FIRST_GROUPS = (ADMINS, "ml-leads", "data-scientists")
"""Groups that exist from the start."""


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    is_active: bool
    created_at: datetime
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: never the token itself."""

    id: str
    user_id: str
    digest: str
    comment: str
    created_at: datetime
    expires_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


def digest_of(token: str) -> str:
    """SHA-256 in hex. Tokens hold 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
