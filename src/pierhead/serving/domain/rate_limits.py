"""How often an endpoint may be called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

MOST_LIMITS = 100
MOST_CALLS = 10**9


class LimitKey(Enum):
    """Whose calls are counted together; the values are Databricks'."""

    ENDPOINT = "endpoint"
    USER = "user"
    GROUP = "user_group"
    SERVICE_PRINCIPAL = "service_principal"

    @property
    def routed(self) -> str:
        """As gateways know it: to them a service principal is a user like others."""
        return {LimitKey.GROUP: "group", LimitKey.SERVICE_PRINCIPAL: "user"}.get(self, self.value)


@dataclass(frozen=True, slots=True)
class CallLimit:
    """At most `calls` invocations a minute: in all, of each user, or of one user, group or service principal.

    A limit of each user (`USER` without a principal) is the default of those without one of their own.
    """

    calls: int
    key: LimitKey = LimitKey.ENDPOINT
    principal: str | None = None

    def __str__(self) -> str:
        return f"{self.key.value} {self.principal!r}" if self.principal else self.key.value


def limit_problems(limits: Sequence[CallLimit]) -> list[str]:
    """Everything that is wrong with the limits of an endpoint."""
    problems = []
    if len(limits) > MOST_LIMITS:
        problems.append(f"{len(limits)} rate limits: there may be at most {MOST_LIMITS}")
    for limit in limits:
        if not 1 <= limit.calls <= MOST_CALLS:
            problems.append(f"{limit.calls} calls a minute of {limit} are not from 1 to {MOST_CALLS}")
        if limit.key in (LimitKey.GROUP, LimitKey.SERVICE_PRINCIPAL) and not limit.principal:
            problems.append(f"a rate limit of a {limit.key.value} needs its principal")
        if limit.key is LimitKey.ENDPOINT and limit.principal:
            problems.append(f"a rate limit of the endpoint is for all together, not for {limit.principal!r}")
    counts = Counter((limit.key.routed, limit.principal) for limit in limits)
    problems += [
        f"{count} rate limits for {key} {principal or ''}".rstrip() + ": one is enough"
        for (key, principal), count in counts.items()
        if count > 1
    ]
    return problems
