"""Who is asking."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Client(Enum):
    """The family of official client behind a request; two fields of the protocol differ between them."""

    DATABRICKS = "databricks"
    MLFLOW = "mlflow"


class PrincipalKind(Enum):
    """What acts: a human, or a program that a human answers for. Values are kept in rows."""

    USER = "user"
    SERVICE_PRINCIPAL = "service_principal"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user or service principal.

    `owner_name` is the user who answers for a service principal; None for users. `entitlements` are those of the caller
    and of all their groups, in SCIM's words.
    """

    user_id: str
    user_name: str
    groups: frozenset[str]
    kind: PrincipalKind = PrincipalKind.USER
    owner_name: str | None = None
    entitlements: frozenset[str] = frozenset()

    @property
    def person(self) -> str:
        """The human who acts: a service principal acts for its owner."""
        return self.owner_name or self.user_name


Authenticate = Callable[[str], Caller]
"""Token -> caller. Raises Unauthenticated if the token is unknown, revoked or expired."""


def client_of(user_agent: str) -> Client:
    """Tell the client by its User-Agent.

    >>> client_of("unknown/0.0.0 databricks-sdk-py/0.156.0 python/3.11.7 os/linux auth/pat")
    <Client.DATABRICKS: 'databricks'>
    >>> client_of("mlflow-python-client/3.17.2")
    <Client.MLFLOW: 'mlflow'>
    """
    return Client.DATABRICKS if "databricks-sdk" in user_agent else Client.MLFLOW
