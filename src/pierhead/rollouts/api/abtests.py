"""`/2.0/pierhead/abtests*`: entities of an endpoint compared on its live traffic."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call, Routes
from pierhead.rollouts.api import abtests_wire as wire
from pierhead.rollouts.api.read import read_reason
from pierhead.rollouts.api.rights import Readable, require, require_of
from pierhead.rollouts.domain.abtests import ABTest
from pierhead.rollouts.ports import Outcomes
from pierhead.rollouts.services.abtests import ABTests
from pierhead.serving.services.endpoints import Endpoints

_ROOT = "/2.0/pierhead/abtests"
_ONE = _ROOT + "/{reference}"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")


class ABTestCalls:
    """Handlers: who may see the endpoint may read, who may manage it may act."""

    def __init__(self, clock: Clock, endpoints: Callable[[Connection], Endpoints], outcomes: Outcomes) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._outcomes = outcomes

    def add_routes(self, routes: Routes) -> None:
        routes.add("POST", _ROOT, self.create)
        routes.add("GET", _ROOT, self.list)
        routes.add("GET", _ONE, self.get)
        routes.add("GET", _ONE + "/report", self.report)
        routes.add("POST", _ONE + "/stop", self.stop)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        name = call.text("name")
        if not _NAME.fullmatch(name):
            raise InvalidArgument(f"the name {name!r} of the A/B test is not of 1 to 63 letters, digits, '_' and '-'")
        endpoint = self._endpoints(connection).get_locked(call.text("endpoint"))
        require(call, connection, Action.MANAGE, endpoint)
        spec = wire.read_spec(call, endpoint, self._clock.now())
        test = self._tests(connection).create(name, endpoint, spec, creator=call.caller.user_name)
        return {"abtest": wire.abtest_json(test)}

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        readable = Readable(connection, call)
        found = self._tests(connection).list_newest(call.find_text("endpoint"))
        return {"abtests": [wire.abtest_json(test) for test in found if test.endpoint_id in readable]}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return {"abtest": wire.abtest_json(self._find(call, connection, Action.READ))}

    def report(self, call: Call, connection: Connection) -> dict[str, Any]:
        test = self._find(call, connection, Action.READ)
        return wire.report_json(test, self._tests(connection).report(test))

    def stop(self, call: Call, connection: Connection) -> dict[str, Any]:
        test = self._find(call, connection, Action.MANAGE)
        reason = read_reason(call)
        return {
            "abtest": wire.abtest_json(self._tests(connection).stop(test.id, by=call.caller.user_name, reason=reason))
        }

    def _find(self, call: Call, connection: Connection, action: Action) -> ABTest:
        test = self._tests(connection).get(call.text("reference"))
        require_of(call, connection, action, test.endpoint_id)
        return test

    def _tests(self, connection: Connection) -> ABTests:
        return ABTests(connection, self._clock, self._endpoints(connection), self._outcomes)
