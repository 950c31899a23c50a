"""`/2.0/mlflow/transition-requests/*`: asking for a move and deciding on it, as `w.model_registry` speaks."""

from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock
from pierhead.kit.web.routes import MLFLOW_PREFIXES, Call, Routes
from pierhead.registry.api.gated import GatedCalls
from pierhead.registry.api.guards import needs
from pierhead.registry.api.read import read_version
from pierhead.registry.api.transition_requests_wire import (
    APPROVE,
    CANCEL,
    REJECT,
    activity_json,
    open_request_json,
    request_json,
)
from pierhead.registry.domain.requests import TransitionRequest
from pierhead.registry.domain.targets import Place, parse_place
from pierhead.registry.services.requests import Requests
from pierhead.registry.services.versions import Versions

_ROOT = "/2.0/mlflow/transition-requests/"


class TransitionRequests:
    """Handlers. `stage` may also be an alias after an `@`: policies can gate those too."""

    def __init__(self, clock: Clock, gated: GatedCalls) -> None:
        self._clock = clock
        self._gated = gated

    def add_routes(self, routes: Routes) -> None:
        reads = needs(Action.READ)
        for path, act in (("create", self.create), ("approve", self.approve)):
            handler = self._gated.deciding(read_version, act)
            routes.add_plain("POST", _ROOT + path, handler, prefixes=MLFLOW_PREFIXES, guard=reads)
        for method, path, handler_in_one in (
            ("GET", "list", self.list_open),
            ("POST", "reject", self.reject),
            ("DELETE", "delete", self.delete),
        ):
            routes.add(method, _ROOT + path, handler_in_one, prefixes=MLFLOW_PREFIXES, guard=reads)

    def create(self, call: Call, connection: Connection) -> dict[str, Any]:
        requests = self._gated.requests(call, connection)
        request, unmet = requests.create(*read_version(call), read_place(call), call.find_text("comment"))
        failed = "; ".join(f"{condition.code}: {condition.message}" for condition in unmet)
        said = f"not met today: {failed}" if failed else None
        return {"request": request_json(request, actions_on(request, call, requests), said)}

    def list_open(self, call: Call, connection: Connection) -> dict[str, Any]:
        version = Versions(connection, self._clock).get(*read_version(call))
        requests = self._gated.requests(call, connection)
        return {
            "requests": [
                open_request_json(request, actions_on(request, call, requests))
                for request in requests.list_open(version)
            ]
        }

    def approve(self, call: Call, connection: Connection) -> dict[str, Any]:
        outcome = self._gated.promotions(call, connection).approve(
            *read_version(call),
            read_place(call),
            archive_existing=call.flag("archive_existing_versions"),
            comment=call.find_text("comment"),
        )
        assert outcome.activity is not None
        return {"activity": activity_json(outcome.activity)}

    def reject(self, call: Call, connection: Connection) -> dict[str, Any]:
        requests = self._gated.requests(call, connection)
        activity = requests.reject(*read_version(call), read_place(call), call.find_text("comment"))
        return {"activity": activity_json(activity)}

    def delete(self, call: Call, connection: Connection) -> dict[str, Any]:
        requests = self._gated.requests(call, connection)
        creator, comment = call.text("creator"), call.find_text("comment")
        activity = requests.cancel(*read_version(call), read_place(call), creator, comment)
        return {"activity": activity_json(activity)}


def read_place(call: Call, key: str = "stage") -> Place:
    return parse_place(call.text(key))


def actions_on(request: TransitionRequest, call: Call, requests: Requests) -> list[str]:
    """What the caller could do about an open request."""
    if request.creator == call.caller.user_name:
        return [CANCEL]
    actions = []
    if requests.may_approve(request):
        actions.append(APPROVE)
    if requests.may_reject(request):
        actions.append(REJECT)
    return actions
