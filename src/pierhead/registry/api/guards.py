"""Which right each call needs, asked before its handler runs."""

from collections.abc import Callable

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.web.routes import Call, Guard
from pierhead.registry.services.rights import ModelRights

Named = Callable[[Call], str]
"""The name of the registered model that a call is about. Raises InvalidArgument."""


def by_name(call: Call) -> str:
    return call.text("name")


def needs(action: Action, named: Named = by_name) -> Guard:
    """The right to do this to an existing model."""

    def guard(call: Call, connection: Connection) -> None:
        ModelRights(connection, call.caller).require(action, named(call))

    return guard


def needs_new(named: Named = by_name) -> Guard:
    """The right to make a model of this name."""

    def guard(call: Call, connection: Connection) -> None:
        ModelRights(connection, call.caller).require_new(named(call))

    return guard


def needs_nothing(_call: Call, _connection: Connection) -> None:
    """Everybody with a token may; what a search shows is filtered by what the caller may read."""
