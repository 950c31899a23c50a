"""Which endpoint a path means, and which served entity answers. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from pierhead.gateway.http.answers import Refusal
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute, Snapshot

_PREFIX = b"/serving-endpoints/"

# Longer targets are read anew each time: anybody may send them, and what is remembered takes memory.
_LONGEST_REMEMBERED_BYTES = 256


class Target(NamedTuple):
    """What an invocation asks for: an endpoint, and one of its entities if the caller insists on it."""

    endpoint: str
    entity: str | None


def invocation_target(target: bytes) -> Target | None:
    """The invocation that a request target means, or None if it is another path.

    >>> invocation_target(b"/serving-endpoints/fraud%20v2/invocations?x=1")
    Target(endpoint='fraud v2', entity=None)
    >>> invocation_target(b"/serving-endpoints/fraud/served-models/champion/invocations/")
    Target(endpoint='fraud', entity='champion')
    >>> invocation_target(b"/api/2.0/serving-endpoints/fraud")
    """
    if not target.startswith(_PREFIX):
        return None
    return _remembered(target) if len(target) <= _LONGEST_REMEMBERED_BYTES else _read(target)


def _read(target: bytes) -> Target | None:
    path = target.partition(b"?")[0].removesuffix(b"/")
    parts = path[len(_PREFIX) :].split(b"/")
    names = [unquote_to_bytes(part).decode("utf-8", "replace") for part in parts]
    match names:
        case [endpoint, "invocations"] if endpoint:
            return Target(endpoint, None)
        case [endpoint, "served-models", entity, "invocations"] if endpoint and entity:
            return Target(endpoint, entity)
    return None


_remembered = lru_cache(maxsize=4096)(_read)


def pick(entities: Sequence[EntityRoute], draw: float) -> EntityRoute | None:
    """Choose by weight; `draw` is in [0, 1). None if no entity has any weight.

    The same draw goes to the same entity as long as the weights before it do not change.
    """
    total = sum(entity.weight for entity in entities)
    point = draw * total
    reached = 0
    last = None
    for entity in entities:
        if entity.weight <= 0:
            continue
        reached += entity.weight
        last = entity
        if point < reached:
            return entity
    return last


def find_endpoint(snapshot: Snapshot, target: Target) -> EndpointRoute | Refusal:
    """The endpoint of an invocation, if it has something live."""
    endpoint = snapshot.endpoints.get(target.endpoint)
    if endpoint is None:
        message = f"serving endpoint {target.endpoint!r} does not exist"
        return Refusal(404, "RESOURCE_DOES_NOT_EXIST", message)
    if not endpoint.entities:
        reason = f": {endpoint.reason}" if endpoint.reason else ""
        return Refusal(400, "INVALID_STATE", f"serving endpoint {target.endpoint!r} has no live served entity{reason}")
    return endpoint


def choose(endpoint: EndpointRoute, entity: str | None, draw: float) -> EntityRoute | Refusal:
    """The served entity that answers: the named one, or one by weight."""
    if entity is None:
        chosen = endpoint.entities[0] if len(endpoint.entities) == 1 else pick(endpoint.entities, draw)
        if chosen is None or chosen.weight <= 0:
            message = f"no served entity of endpoint {endpoint.name!r} takes traffic: all weights are 0"
            return Refusal(400, "INVALID_STATE", message)
        return chosen
    for candidate in endpoint.entities:
        if candidate.name == entity:
            return candidate
    known = ", ".join(repr(candidate.name) for candidate in endpoint.entities)
    message = f"endpoint {endpoint.name!r} has no served entity {entity!r}; there are {known}"
    return Refusal(404, "RESOURCE_DOES_NOT_EXIST", message)
