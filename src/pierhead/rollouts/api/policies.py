"""`/2.0/pierhead/rollout-policies*`: what the guard goes by, and leave to go past it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.web.routes import Call, Routes
from pierhead.rollouts.api import wire
from pierhead.rollouts.api.read import read_minutes, read_reason
from pierhead.rollouts.api.rights import admins_only, anybody, require
from pierhead.rollouts.services.guard import Guard
from pierhead.rollouts.services.overrides import USUAL, Overrides
from pierhead.rollouts.services.policies import GuardPolicies
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.services.endpoints import Endpoints

_ROOT = "/2.0/pierhead/rollout-policies"
_OVERRIDES = "/2.0/pierhead/serving-endpoints/{name}/rollout-overrides"


class PolicyCalls:
    """Handlers. Everybody may read the policies; only admins change them."""

    def __init__(self, clock: Clock, endpoints: Callable[[Connection], Endpoints], guard: Guard) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._guard = guard

    def add_routes(self, routes: Routes) -> None:
        routes.add("GET", _ROOT, self.get, guard=anybody)
        routes.add("GET", _ROOT + "/history", self.history, guard=anybody)
        routes.add("POST", _ROOT + "/apply", self.apply, guard=admins_only)
        routes.add("POST", _OVERRIDES, self.give)
        routes.add("GET", _OVERRIDES, self.list)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        revision = call.number("revision", 0) if call.find_text("revision") else None
        given = GuardPolicies(connection, self._clock).get(revision)
        return {"policy": wire.policy_json(given) | {"content": given.text}}

    def history(self, _call: Call, connection: Connection) -> dict[str, Any]:
        found = GuardPolicies(connection, self._clock).history()
        return {"revisions": [wire.policy_json(given) for given in found]}

    def apply(self, call: Call, connection: Connection) -> dict[str, Any]:
        policies = GuardPolicies(connection, self._clock)
        given, is_new = policies.apply(call.text("content"), by=call.caller.user_name)
        return {"policy": wire.policy_json(given), "is_new": is_new}

    def give(self, call: Call, connection: Connection) -> dict[str, Any]:
        endpoint = self._endpoint(call, connection, Action.READ)
        overrides = Overrides(connection, self._clock, self._guard)
        lasting = read_minutes(call, "minutes", USUAL)
        return {"override": wire.override_json(overrides.give(endpoint, call.caller, read_reason(call), lasting))}

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        endpoint = self._endpoint(call, connection, Action.READ)
        found = Overrides(connection, self._clock, self._guard).list_of(endpoint)
        return {"overrides": [wire.override_json(each) for each in found]}

    def _endpoint(self, call: Call, connection: Connection, action: Action) -> Endpoint:
        endpoint = self._endpoints(connection).get(call.text("name"))
        require(call, connection, action, endpoint)
        return endpoint
