"""Which endpoint a path means, and whether it has something live. Pure."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from pierhead.gateway.http.answers import Refusal
from pierhead.serving.domain.snapshot import EndpointRoute, Snapshot

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
