"""Served entities as the autoscaler sees them: those of active configs, and those that are to take over."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pierhead.serving.domain.autoscaling import PANIC, STABLE, Load, average
from pierhead.serving.domain.candidates import candidate_route_name, ramped_candidate, versioned
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig
from pierhead.serving.domain.roster import Post, Roster, configs_of
from pierhead.serving.domain.sizes import Bounds
from pierhead.serving.services.readings import EntityKey, Loads
from pierhead.serving.services.wake_ups import Part

ScaleKey = tuple[str, str]
"""Endpoint id, and name of the entity as gateways know it."""


@dataclass(frozen=True, slots=True)
class ScaledEntity:
    endpoint: Endpoint
    config: EndpointConfig
    post: Post
    is_candidate: bool = False
    """Whether it has calls, or copies of them, before its config is active."""

    @property
    def key(self) -> ScaleKey:
        return (self.endpoint.id, self.post.name)

    @property
    def candidate_key(self) -> ScaleKey:
        """Its key when it was a candidate, if its name was taken then."""
        return (self.endpoint.id, versioned(self.post.entity.name, self.config.version))

    @property
    def names(self) -> EntityKey:
        return (self.endpoint.name, self.post.name)

    @property
    def itself(self) -> Part:
        return (*self.key, False)

    @property
    def beside(self) -> Part:
        """The original beside a compiled version."""
        return (*self.key, True)

    @property
    def points(self) -> int:
        """Hundredths of a percent of the endpoint's traffic that it is to have next."""
        ramp = self.endpoint.ramp
        if self.is_candidate and ramp is not None and not ramp.is_finished:
            return ramp.points
        return self.config.points(self.post.entity.name)

    def bounds_in_ramp(self, bounds: Bounds, replicas: int) -> Bounds:
        """While there is a ramp the candidate has a worker, and what is live keeps all `replicas` that it has now."""
        if self.is_candidate:
            least = self.post.needed if self.endpoint.is_ramping else 1
        elif self.endpoint.ramp is not None:
            least = max(replicas, 1) if self.config.points(self.post.entity.name) else replicas
        else:
            return bounds
        return replace(bounds, least=max(bounds.least, least), most=max(bounds.most, least))

    def load(self, loads: Loads) -> Load | None:
        """Its calls, also those that it had as a candidate under another name."""
        load = loads.of(self.names)
        if load is None or not self.config.is_active:
            return load
        as_candidate = loads.of((self.endpoint.name, self.candidate_key[1]))
        if as_candidate is None or not as_candidate.readings:
            return load
        return replace(load, readings=(*load.readings, *as_candidate.readings))


def entities_of(endpoint: Endpoint, roster: Roster) -> Iterator[ScaledEntity]:
    """Those of the active config, then those of the pending one."""
    candidate = ramped_candidate(endpoint)
    for config in configs_of(endpoint):
        for post in roster.posts_of(config):
            is_candidate = candidate is not None and not config.is_active and post.entity.name == candidate.name
            yield ScaledEntity(endpoint, config, post, is_candidate)


def keys_of(endpoint: Endpoint) -> Iterator[ScaleKey]:
    """Every key that one of its entities has, or had as a candidate."""
    for config in configs_of(endpoint):
        for entity in config.entities:
            yield endpoint.id, entity.name
            yield endpoint.id, versioned(entity.name, config.version)


def calls_of(endpoint: Endpoint, loads: Loads, now: datetime) -> float:
    """Calls at a time that the endpoint's active config has now, and the candidate of its ramp."""
    names = [entity.name for entity in endpoint.active.entities] if endpoint.active else []
    if endpoint.ramp is not None:
        names.append(candidate_route_name(endpoint))
    total = 0.0
    for name in names:
        load = loads.of((endpoint.name, name))
        if load is not None:
            total += max(average(load, PANIC, now), average(load, STABLE, now))
    return total
