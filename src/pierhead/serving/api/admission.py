"""Whether an endpoint may become what is asked of it. Every judgement is made in the transaction of the change."""

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.web.caller import Caller
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.ports import RolloutGuard, ServingGate
from pierhead.serving.services.inference_places import make_place


class Admission:
    """Undoes changes, by raising, that may not be."""

    def __init__(self, clock: Clock, gate: ServingGate, rollouts: RolloutGuard | None) -> None:
        """Without `rollouts` no config must be rolled out step by step."""
        self._clock = clock
        self._gate = gate
        self._rollouts = rollouts

    def admit(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        """Raises PermissionDenied or InvalidArgument with everything that stands in the way."""
        self._gate.require(connection, caller, before, after)
        make_place(connection, self._clock, caller, before, after)

    def admit_config(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        """As `admit`, for a new config, which may have to begin with a part of the traffic.

        Raises what `admit` and `RolloutGuard.judge` raise.
        """
        self.admit(connection, caller, before, after)
        if self._rollouts is not None:
            self._rollouts.judge(connection, caller, before, after)

    def admit_tags(self, connection: Connection, caller: Caller, before: Endpoint, after: Endpoint) -> None:
        """As `admit`, for other tags, by which other rules may hold. Raises what `admit` raises."""
        self.admit(connection, caller, before, after)
        if self._rollouts is not None:
            self._rollouts.judge_tags(connection, caller, before, after)

    def admit_deletion(self, connection: Connection, caller: Caller, endpoint: Endpoint) -> None:
        """Raises PermissionDenied."""
        self._gate.require_deletion(connection, caller, endpoint)
        if self._rollouts is not None:
            self._rollouts.remember(connection, endpoint)
