"""Users, service principals, groups and tokens."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pierhead.kit.web.caller import PrincipalKind

ADMINS = "admins"
ADMIN = "admin"
"""The user as whom the platform itself and who owns its home act: `pierhead up` needs its token to open the door."""

WORKSPACE_ACCESS = "workspace-access"
"""The entitlement to create experiments and endpoints."""

FIRST_GROUPS = (ADMINS, "ml-leads", "data-scientists")
"""Groups that exist from the start, hold `workspace-access`, and cannot be deleted."""

EVERYBODY = ("users", "account users")
"""Groups that everybody is in, users and service principals, without any row that says so; nobody joins or leaves."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user or a service principal, known by its name in every record.

    `name` never changes, and a deleted account keeps it: what was done under a name stays that account's.
    `owner` is the name of the user who answers for a service principal, None for users. `application_id` is what
    Databricks' clients call a service principal by, a UUID; None for users. `entitlements` are its own, without those
    of its groups.
    """

    id: str
    name: str
    kind: PrincipalKind
    is_active: bool
    created_at: datetime
    groups: frozenset[str] = frozenset()
    entitlements: frozenset[str] = frozenset()
    display_name: str | None = None
    external_id: str | None = None
    owner: str | None = None
    application_id: str | None = None
    deleted_at: datetime | None = None

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{title_of(self.kind)} {self.name!r}"


@dataclass(frozen=True, slots=True)
class Group:
    """A set of accounts that rights are given to. `external_id` is what a directory elsewhere calls it."""

    id: str
    name: str
    entitlements: frozenset[str] = frozenset()
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: never the token itself. `created_by` is a name, None for those of older releases."""

    id: str
    user_id: str
    digest: str
    comment: str
    created_at: datetime
    expires_at: datetime | None
    created_by: str | None = None


def title_of(kind: PrincipalKind) -> str:
    """The kind in words.

    >>> title_of(PrincipalKind.SERVICE_PRINCIPAL)
    'service principal'
    """
    return kind.value.replace("_", " ")


def digest_of(token: str) -> str:
    """SHA-256 in hex. Tokens hold 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_last_admin(account: Account, admins: Collection[Account]) -> bool:
    """Whether no active human would be left in `admins`, its members, without this one."""
    able = {member.id for member in admins if member.is_active and member.kind is PrincipalKind.USER}
    return able == {account.id}
