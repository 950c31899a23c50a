"""Calls that may open the gate: what takes time is gathered before the transaction that decides and applies."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState
from pierhead.kit.web.routes import Call, PlainHandler
from pierhead.registry.services.gatekeeping import GateSources
from pierhead.registry.services.outcomes import Awaiting, Moved
from pierhead.registry.services.promotion import Promotions
from pierhead.registry.services.requests import Requests

Version = Callable[[Call], tuple[str, int]]
"""The name and number of the version that a call is about. Raises InvalidArgument."""


class GatedCalls:
    """Makes handlers of functions that act on promotions."""

    def __init__(self, database: Database, sources: GateSources) -> None:
        self._database = database
        self._sources = sources

    def moving(
        self,
        version: Version,
        move: Callable[[Call, Promotions], Moved | Awaiting],
        show: Callable[[Call, Connection, Moved], Any],
    ) -> PlainHandler:
        """A call after which the version must be where it should be.

        If more approvals are needed, the caller's is kept, and the answer is an error all the same: nobody shall take
        for live what is not.
        """

        def run(call: Call) -> Any:
            self._sources.refresh(*version(call))
            with self._database.transaction() as connection:
                outcome = move(call, Promotions(connection, call.caller, self._sources))
                if isinstance(outcome, Moved):
                    return show(call, connection, outcome)
            raise InvalidState(outcome.message)

        return run

    def deciding(self, version: Version, act: Callable[[Call, Connection], Any]) -> PlainHandler:
        """A call that asks or approves."""

        def run(call: Call) -> Any:
            self._sources.refresh(*version(call))
            with self._database.transaction() as connection:
                return act(call, connection)

        return run

    def looking(self, version: Version, look: Callable[[Call, Connection], Any]) -> PlainHandler:
        """A call that changes nothing but what is known."""

        def run(call: Call) -> Any:
            self._sources.refresh(*version(call))
            with self._database.reading() as connection:
                return look(call, connection)

        return run

    def promotions(self, call: Call, connection: Connection) -> Promotions:
        return Promotions(connection, call.caller, self._sources)

    def requests(self, call: Call, connection: Connection) -> Requests:
        return Requests(connection, call.caller, self._sources)


def show_nothing(_call: Call, _connection: Connection, _moved: Moved) -> dict[str, Any]:
    return {}
