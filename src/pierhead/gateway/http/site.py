"""What all connections of a gateway share."""

import asyncio
from collections.abc import Callable

from pierhead.gateway.http.connection import Connection
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.http.handler import Handler
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.http.shortcuts import Shortcuts

Serve = Callable[[Exchange], Handler]
"""Begin to answer an exchange; what it returns gets the body and the caller's moods."""


class Site:
    def __init__(self, serve: Serve, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self._serve = serve
        self.limits = limits
        self.loop = loop
        self.shortcuts = Shortcuts()
        self.open: set[Connection] = set()
        self.is_draining = False

    def serve(self, exchange: Exchange) -> Handler:
        return self._serve(exchange)

    def connection(self) -> Connection:
        """A protocol for a connection that was just accepted."""
        return Connection(self)

    def sweep(self) -> None:
        """End the connections that wait for too long."""
        now = self.loop.time()
        for connection in list(self.open):
            connection.check(now)

    def drain(self) -> None:
        """Close what is idle; what is under way ends with its answer."""
        self.is_draining = True
        self.shortcuts.close()
        for connection in list(self.open):
            connection.close_if_idle()

    def retire(self) -> None:
        """Let every connection end with its next answer: somebody else takes the callers that connect anew."""
        self.is_draining = True
        self.shortcuts.close()

    def abort(self) -> None:
        for connection in list(self.open):
            connection.abort()
