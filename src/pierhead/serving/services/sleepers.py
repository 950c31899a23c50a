"""Endpoints that nobody calls and that have no worker: there may be thousands, and they shall cost nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pierhead.identity.domain.querying import Queryable
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.observed import Observed, Staffing
from pierhead.serving.domain.plans import Plan
from pierhead.serving.domain.snapshot import EndpointRoute
from pierhead.serving.services.readings import EntityKey

_NOTHING = Staffing(0)


@dataclass(frozen=True, slots=True)
class _Sleeper:
    """An endpoint with all that its route was made of."""

    endpoint: Endpoint
    plans: tuple[Plan | None, ...]
    queryable: Queryable
    route: EndpointRoute


class Sleepers:
    """What was true of a sleeping endpoint stays true while it has the same config, plans and rights, and no calls."""

    def __init__(self) -> None:
        self._sleepers: dict[str, _Sleeper] = {}

    def wake(
        self,
        endpoints: Sequence[Endpoint],
        plans: Mapping[str, Plan],
        queryable: Mapping[str, Queryable],
        called: Collection[EntityKey],
    ) -> tuple[list[Endpoint], dict[str, EndpointRoute]]:
        """Those that must be looked at, and the routes of the others by name."""
        called_names = {endpoint_name for endpoint_name, _ in called}
        awake: list[Endpoint] = []
        asleep: dict[str, _Sleeper] = {}
        for endpoint in endpoints:
            sleeper = self._sleepers.get(endpoint.id)
            if (
                sleeper is None
                or sleeper.endpoint is not endpoint
                or endpoint.name in called_names
                or sleeper.queryable != queryable[endpoint.id]
                or sleeper.plans != _plans_of(endpoint, plans)
            ):
                awake.append(endpoint)
            else:
                asleep[endpoint.id] = sleeper
        self._sleepers = asleep
        return awake, {sleeper.endpoint.name: sleeper.route for sleeper in asleep.values()}

    def put_to_sleep(
        self,
        endpoint: Endpoint,
        observed: Observed,
        queryable: Queryable,
        route: EndpointRoute,
    ) -> None:
        """Nothing is to be done about this endpoint now; it sleeps if nothing is to be expected either."""
        active = endpoint.active
        if active is None or endpoint.pending is not None:
            return
        keys = [(endpoint.id, entity.name) for entity in active.entities]
        if any(observed.staffing.get(key) != _NOTHING for key in keys):
            return
        self._sleepers[endpoint.id] = _Sleeper(endpoint, _plans_of(endpoint, observed.plans), queryable, route)


def _plans_of(endpoint: Endpoint, plans: Mapping[str, Plan]) -> tuple[Plan | None, ...]:
    return tuple(plans.get(entity.digest) for entity in endpoint.active.entities) if endpoint.active else ()
