"""An endpoint as the gateway runs it: its route of the moment, its pools, and how many invocations it has."""

from collections.abc import Mapping

from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.limits import RateLimits
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.routing import choose
from pierhead.serving.domain.snapshot import EndpointRoute


class Endpoint:
    """Lives as long as the snapshot names it, and longer for those who still wait for an answer."""

    __slots__ = ("limits", "load", "pools", "route")

    def __init__(self, route: EndpointRoute, limits: RateLimits) -> None:
        self.route = route
        self.load = 0
        """Invocations that wait or run in this gateway."""
        self.limits = limits
        self.pools: Mapping[str, EntityPool] = {}

    def choose(self, entity: str | None, draw: float) -> EntityPool | Refusal:
        """The pool of the named served entity, or of one by weight; `draw` is in [0, 1)."""
        chosen = choose(self.route, entity, draw)
        return chosen if isinstance(chosen, Refusal) else self.pools[chosen.name]
