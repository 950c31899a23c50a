"""Whom a right is given to, and who is asking."""

from dataclasses import dataclass
from enum import Enum

from pierhead.identity.domain.accounts import ADMINS, EVERYBODY

USERS = EVERYBODY[0]


class GranteeType(Enum):
    """Values are kept in rows and name the grantee in messages."""

    USER = "user"
    SERVICE_PRINCIPAL = "service principal"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Grantee:
    """`id` is the id of a user or service principal, and the name of a group."""

    type: GranteeType
    id: str


@dataclass(frozen=True, slots=True)
class Who:
    """What rights depend on in one who asks. `name` is the name under which objects are owned."""

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    entitlements: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        return ADMINS in self.groups

    @property
    def all_groups(self) -> frozenset[str]:
        """Everybody, users and service principals, is in some groups without a row that says so."""
        return self.groups.union(EVERYBODY)

    def counts_as(self, grantee: Grantee) -> bool:
        """Whether what is given to `grantee` is given to this one.

        >>> Who("7", "ann", frozenset({"ml-leads"})).counts_as(group("ml-leads"))
        True
        """
        if grantee.type is GranteeType.GROUP:
            return grantee.id in self.all_groups
        return grantee.id == self.id

    def owns(self, owner: str | None) -> bool:
        """Whether an object with an owner of this name is theirs.

        >>> Who("7", "").owns("")
        False
        """
        return bool(owner) and owner == self.name


def group(name: str) -> Grantee:
    return Grantee(GranteeType.GROUP, name)
