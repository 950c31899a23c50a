"""Leave to go past the guard once: who may give it is the policy's matter, and it is told to everybody."""

from datetime import timedelta

from sqlalchemy import Connection

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.ids import new_id
from pierhead.kit.web.caller import Caller
from pierhead.rollouts.domain.records import Override
from pierhead.rollouts.services.guard import Guard
from pierhead.rollouts.services.policies import GuardPolicies
from pierhead.rollouts.store.guard import OverrideStore
from pierhead.serving.domain.endpoints import Endpoint, EndpointEvent
from pierhead.serving.store.events import EventStore

LONGEST = timedelta(hours=24)
USUAL = timedelta(minutes=15)


class Overrides:
    """Use cases inside one transaction."""

    def __init__(self, connection: Connection, clock: Clock, guard: Guard) -> None:
        self._store = OverrideStore(connection)
        self._connection = connection
        self._clock = clock
        self._guard = guard

    def give(self, endpoint: Endpoint, caller: Caller, reason: str, lasting: timedelta) -> Override:
        """Let the next config of the endpoint go past the guard, if it comes in time.

        Raises PermissionDenied unless the caller is in a group that the policy names, or InvalidArgument.
        """
        if not reason.strip():
            raise InvalidArgument("an override needs a reason: it is the first thing that anybody will ask for")
        if not timedelta() < lasting <= LONGEST:
            raise InvalidArgument(f"an override lasts at most {LONGEST.total_seconds() / 3600:g} hours")
        policy = GuardPolicies(self._connection, self._clock).active()
        allowed = policy.rule_of(self._guard.facts(self._connection, endpoint, caller.groups)).override_groups
        if not allowed & caller.groups:
            who = ", ".join(sorted(allowed)) or "nobody"
            raise PermissionDenied(
                f"the rollout policy lets {who} go past it at endpoint {endpoint.name!r}, and {caller.user_name} is "
                f"not among them; roll the version out instead: pierhead rollouts start {endpoint.name}"
            )
        now = self._clock.now()
        override = Override(new_id(), endpoint.id, reason.strip(), caller.user_name, now, now + lasting)
        self._store.add(override)
        message = (
            f"{caller.user_name} gave leave to go past the rollout policy once, until {override.expires_at:%H:%M} UTC"
        )
        note(object=f"endpoint {endpoint.name}", decision="override", reason=override.reason, override=override.id)
        EventStore(self._connection).add(endpoint.id, EndpointEvent(now, "override", f"{message}: {override.reason}"))
        return override

    def list_of(self, endpoint: Endpoint) -> list[Override]:
        """The newest first."""
        return self._store.list_of(endpoint.id)
