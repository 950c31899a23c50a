"""An endpoint as the gateway runs it: its route of the moment, its pools, and how many invocations it has."""

from collections.abc import Mapping

from pierhead.gateway.assignment import Assignment
from pierhead.gateway.calls import Call
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.limits import RateLimits
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.refusals import no_traffic, unknown_entity
from pierhead.serving.domain.snapshot import EndpointRoute


class Endpoint:
    """Lives as long as the snapshot names it, and longer for those who still wait for an answer."""

    __slots__ = ("assignment", "limits", "load", "pools", "route")

    def __init__(self, route: EndpointRoute, limits: RateLimits) -> None:
        self.route = route
        self.assignment = Assignment(route)
        self.load = 0
        """Invocations that wait or run in this gateway."""
        self.limits = limits
        self.pools: Mapping[str, EntityPool] = {}

    def change(self, route: EndpointRoute, pools: Mapping[str, EntityPool]) -> None:
        """Stand for this route, which has a pool for each of its entities."""
        self.route = route
        self.assignment = Assignment(route)
        self.pools = pools

    def sole(self, entity: str | None) -> EntityPool | Refusal | None:
        """Who answers whatever the unit is: the named entity, or the only one; None if it takes a unit to tell."""
        if entity is not None:
            return self.pools.get(entity) or unknown_entity(self.route, entity)
        assignment = self.assignment
        if assignment.only is not None:
            return self.pools[assignment.only]
        return None if assignment.has_choice else no_traffic(self.route.name)

    def choose(self, call: Call) -> EntityPool | Refusal:
        """The pool of the entity that the call names, or that its unit belongs to; the call gets to know by what."""
        pool = self.sole(call.target.entity)
        if pool is not None:
            return pool
        dealt = self.assignment.deal(call.unit)
        if dealt is None:
            return no_traffic(self.route.name)
        call.dealt = dealt
        return self.pools[dealt.entity]
