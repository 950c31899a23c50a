"""Which right each call on an endpoint needs, asked before its handler runs."""

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Kind, New, Platform
from pierhead.identity.domain.objects import Endpoint as EndpointTarget
from pierhead.identity.services.access import Access
from pierhead.kit.web.routes import Call, Guard
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointStore


def needs(action: Action) -> Guard:
    """The right to do this to the endpoint that the path names; one that is not there is the handler's matter."""

    def guard(call: Call, connection: Connection) -> None:
        endpoint = EndpointStore(connection).find(call.text("name"))
        if endpoint is not None:
            Access(connection, call.caller).require(action, target_of(endpoint))

    return guard


def needs_new(call: Call, connection: Connection) -> None:
    """The right to make an endpoint."""
    Access(connection, call.caller).require(Action.CREATE, New(Kind.ENDPOINT, call.text("name"), Platform()))


def needs_nothing(_call: Call, _connection: Connection) -> None:
    """Everybody with a token may; a listing shows what the caller may read."""


def target_of(endpoint: Endpoint) -> EndpointTarget:
    """The endpoint as rights see it."""
    return EndpointTarget(endpoint.id, endpoint.name, endpoint.creator)
