"""The guard's policies: which revision decides, and how another one comes."""

import hashlib
from functools import lru_cache

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import Conflict, NotFound
from pierhead.rollouts.domain.guard import RolloutPolicy
from pierhead.rollouts.domain.guard_yaml import DEFAULT_POLICY_TEXT, parse_policy
from pierhead.rollouts.domain.records import PolicyRevision
from pierhead.rollouts.store.guard import GuardPolicyStore

log = structlog.get_logger()


class GuardPolicies:
    """Use cases on the guard's policies, within the caller's transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._store = GuardPolicyStore(connection)
        self._connection = connection
        self._clock = clock

    def active(self) -> RolloutPolicy:
        """The policies that decide. Raises InvalidArgument if this Pierhead cannot read what an other one kept."""
        return _parsed(self.get().text)

    def get(self, revision: int | None = None) -> PolicyRevision:
        """A revision, the newest if none is named; 0 is what ships with Pierhead. Raises NotFound."""
        found = None if revision == 0 else self._store.find(revision)
        if found is None and revision:
            raise NotFound(
                f"there is no revision {revision} of the rollout policies; `pierhead rollouts policy history`"
            )
        return found or _shipped()

    def history(self) -> list[PolicyRevision]:
        """The newest first, what ships with Pierhead last."""
        return [*self._store.list_newest(), _shipped()]

    def apply(self, text: str, *, by: str) -> tuple[PolicyRevision, bool]:
        """Keep policies as the newest revision, which decides at once; whether it is a new one: the same text is not.

        Raises InvalidRolloutPolicy with everything that is wrong, or Conflict.
        """
        parse_policy(text.encode())
        before, digest = self.get(), _digest(text)
        note(object="rollout policies", policy_digest=digest, before=before.digest)
        if before.digest == digest:
            return before, False
        given = PolicyRevision(before.revision + 1, text, digest, by, self._clock.now())
        try:
            with self._connection.begin_nested():
                self._store.add(given)
        except IntegrityError:
            raise Conflict("somebody else applied rollout policies at the same time; look, and apply again") from None
        log.info("rollout policies applied", revision=given.revision, digest=digest, by=by)
        return given, True


@lru_cache(maxsize=16)
def _parsed(text: str) -> RolloutPolicy:
    """Reading YAML takes tens of milliseconds, and what is read never changes."""
    return parse_policy(text.encode())


def _shipped() -> PolicyRevision:
    return PolicyRevision(0, DEFAULT_POLICY_TEXT, _digest(DEFAULT_POLICY_TEXT))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
