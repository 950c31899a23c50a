"""Which right each call on a rollout needs: that on its endpoint."""

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Platform
from pierhead.identity.domain.objects import Endpoint as EndpointTarget
from pierhead.identity.services.access import Access
from pierhead.kit.errors import NotFound
from pierhead.kit.web.routes import Call
from pierhead.serving.api.guards import target_of
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointStore


def require(call: Call, connection: Connection, action: Action, endpoint: Endpoint) -> None:
    Access(connection, call.caller).require(action, target_of(endpoint))


def require_of(call: Call, connection: Connection, action: Action, endpoint_id: str) -> None:
    """As `require`, of an endpoint by its id; what is left of one that is gone is the admins' matter, and there is
    nothing for anybody else: NotFound."""
    endpoint = EndpointStore(connection).find_by_id(endpoint_id)
    if endpoint is None:
        if not Access(connection, call.caller).may(Action.MANAGE, Platform()):
            raise NotFound("its endpoint was deleted; what is left of it only admins see")
    else:
        require(call, connection, action, endpoint)


def may(call: Call, connection: Connection, action: Action, endpoint_id: str) -> bool:
    """As `require_of`, as a question."""
    endpoint = EndpointStore(connection).find_by_id(endpoint_id)
    if endpoint is None:
        return Access(connection, call.caller).may(Action.MANAGE, Platform())
    return Access(connection, call.caller).may(action, target_of(endpoint))


class Readable:
    """Which endpoints the caller may see, by their ids."""

    def __init__(self, connection: Connection, call: Call) -> None:
        self._access = Access(connection, call.caller)
        self._targets = {each.id: target_of(each) for each in EndpointStore(connection).list_all()}
        self._is_admin = self._access.may(Action.MANAGE, Platform())

    def __contains__(self, endpoint_id: str) -> bool:
        target: EndpointTarget | None = self._targets.get(endpoint_id)
        return self._is_admin or (target is not None and self._access.may(Action.READ, target))


def admins_only(call: Call, connection: Connection) -> None:
    """Guard of routes."""
    Access(connection, call.caller).require(Action.MANAGE, Platform())


def anybody(_call: Call, _connection: Connection) -> None:
    """Guard of routes that everybody with a token may use, or that ask for rights themselves."""
