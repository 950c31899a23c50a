"""`/2.0/pierhead/policies*`: which policies there are, which decide, and what they would say."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.services.access import Access
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call, Routes
from pierhead.registry.api.gated import GatedCalls
from pierhead.registry.api.guards import needs, needs_nothing
from pierhead.registry.api.policies_wire import choice_json, policies_json
from pierhead.registry.api.promotions_wire import examination_json
from pierhead.registry.api.read import read_version
from pierhead.registry.domain.gate import EndpointTarget
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.targets import Place, parse_place, place_text
from pierhead.registry.services.gatekeeping import GateSources
from pierhead.registry.services.policies import Policies
from pierhead.registry.services.policy_trials import PolicyTrials, Trial

_ROOT = "/2.0/pierhead/policies"


class PolicyCalls:
    """Handlers. Everybody may read policies; only admins change them."""

    def __init__(
        self, clock: Clock, gated: GatedCalls, sources: GateSources, external_names: Callable[[], frozenset[str]]
    ) -> None:
        self._clock = clock
        self._gated = gated
        self._sources = sources
        self._external_names = external_names

    def add_routes(self, routes: Routes) -> None:
        for method, path, handler, guard in (
            ("GET", "", self.list, needs_nothing),
            ("GET", "/get", self.get, needs_nothing),
            ("GET", "/history", self.history, needs_nothing),
            ("POST", "/apply", self.apply, _admins_only),
            ("POST", "/use", self.use, _admins_only),
        ):
            routes.add(method, _ROOT + path, handler, guard=guard)
        test = self._gated.looking(read_version, self.test)
        routes.add_plain("POST", _ROOT + "/test", test, guard=needs(Action.READ))

    def list(self, _call: Call, connection: Connection) -> dict[str, Any]:
        policies = Policies(connection, self._clock)
        in_use = policies.in_use()
        return {
            "policies": [policies_json(given, in_use) for given in policies.list_newest()],
            "in_use": choice_json(in_use),
        }

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        policies = Policies(connection, self._clock)
        revision = call.number("revision", 0) if call.find_text("revision") else None
        given = policies.get(call.find_text("name") or None, revision)
        return {"policies": policies_json(given, policies.in_use()) | {"content": given.text}}

    def history(self, call: Call, connection: Connection) -> dict[str, Any]:
        policies = Policies(connection, self._clock)
        in_use = policies.in_use()
        found = policies.history(call.find_text("name") or in_use.name)
        return {
            "revisions": [policies_json(given, in_use) for given in found],
            "choices": [choice_json(choice) for choice in policies.choices()],
        }

    def apply(self, call: Call, connection: Connection) -> dict[str, Any]:
        policies = Policies(connection, self._clock)
        given, is_new = policies.apply(call.text("content"), by=call.caller.user_name)
        return {
            "policies": policies_json(given, policies.in_use()),
            "is_new": is_new,
            "missing_groups": policies.list_missing_groups(given),
            "missing_external_checks": policies.list_missing_externals(given, self._external_names()),
        }

    def use(self, call: Call, connection: Connection) -> dict[str, Any]:
        policies = Policies(connection, self._clock)
        choice = policies.use(call.text("name"), by=call.caller.user_name)
        return {"policies": policies_json(policies.get(choice.name), choice), "in_use": choice_json(choice)}

    def test(self, call: Call, connection: Connection) -> dict[str, Any]:
        name, number = read_version(call)
        target = _target(call)
        trial = Trial(name, number, target, call.find_text("user") or None, call.find_text("content") or None)
        version, verdict = PolicyTrials(connection, call.caller, self._sources).run(trial)
        to = f"endpoint {target.name}" if isinstance(target, EndpointTarget) else place_text(target)
        return {
            "name": version.model_name,
            "version": str(version.number),
            "to": to,
            "user": trial.user or call.caller.user_name,
        } | examination_json(verdict.examination, verdict.request)


def _admins_only(call: Call, connection: Connection) -> None:
    Access(connection, call.caller).require(Action.MANAGE, Platform())


def _target(call: Call) -> Place | EndpointTarget:
    """`endpoint` with its `endpoint_tags`, or `to`, which is Production if it is not given."""
    endpoint = call.find_text("endpoint")
    if not endpoint:
        return parse_place(call.find_text("to") or Stage.PRODUCTION.value)
    tags = call.params.get("endpoint_tags") or {}
    if not isinstance(tags, Mapping) or not all(isinstance(value, str) for value in tags.values()):
        raise InvalidArgument(
            'parameter \'endpoint_tags\' must be an object of strings, like {"environment": "production"}'
        )
    return EndpointTarget(endpoint, {str(key): value for key, value in tags.items()})
