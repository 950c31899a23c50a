"""What callers are told whose invocations cannot be answered. Pure."""

from pierhead.gateway.calls import Call
from pierhead.gateway.http.answers import Refusal
from pierhead.serving.domain.snapshot import EndpointRoute


def too_many(endpoint: str, queue_limit: int) -> Refusal:
    message = f"endpoint {endpoint!r} has {queue_limit} invocations waiting or running; try again in a moment"
    return Refusal(429, "REQUEST_LIMIT_EXCEEDED", message, b"retry-after: 1\r\n")


def unknown_entity(endpoint: EndpointRoute, entity: str) -> Refusal:
    known = ", ".join(repr(candidate.name) for candidate in endpoint.entities)
    message = f"endpoint {endpoint.name!r} has no served entity {entity!r}; there are {known}"
    return Refusal(404, "RESOURCE_DOES_NOT_EXIST", message)


def no_traffic(endpoint: str) -> Refusal:
    message = f"no served entity of endpoint {endpoint!r} takes traffic: all weights are 0"
    return Refusal(400, "INVALID_STATE", message)


def died_twice(entity: str) -> Refusal:
    message = f"the worker of served entity {entity!r} died twice while answering this request; it may be what kills it"
    return Refusal(500, "INTERNAL_ERROR", message)


def cannot_start(call: Call, trouble: str) -> Refusal:
    """There is no worker for this call, and starting one fails again and again."""
    what = f"served entity {call.entity_name!r} of endpoint {call.target.endpoint!r}"
    message = f"{what} has no worker, and none can be started at the moment: {trouble}"
    return Refusal(503, "TEMPORARILY_UNAVAILABLE", message, b"retry-after: 5\r\n")


def too_late(call: Call, now_s: float) -> Refusal:
    """The deadline of this call has passed."""
    what = f"the invocation of served entity {call.entity_name!r} of endpoint {call.target.endpoint!r}"
    if call.held_since_s:
        held_s = call.held_s + now_s - call.held_since_s
        message = f"{what} was held for {held_s:.3g} s, and no worker was ready to take it; look at its events and logs"
    elif call.link is not None:
        message = f"{what} took longer than {call.timeout_s:g} s: its worker did not answer"
    else:
        message = f"{what} took longer than {call.timeout_s:g} s: no worker was ready to take it, all were busy"
    return Refusal(504, "DEADLINE_EXCEEDED", message)


# What becomes of a copy for a candidate that got no answer. 429: it was never tried, or not to its end, for reasons of
# ours; what is the candidate's own fault is 503, or 504 by `too_late`. Nobody reads the messages but in a debugger.

SHADOW_QUEUE_FULL = Refusal(429, "SHADOW_QUEUE_FULL", "the queue of copies was full")
SHADOW_MEMORY_FULL = Refusal(429, "SHADOW_MEMORY_FULL", "the gateway held as many bytes of copies as it may")
SHADOW_NOT_SENT = Refusal(429, "SHADOW_NOT_SENT", "no worker had room for the copy in time")
SHADOW_WITHDRAWN = Refusal(429, "SHADOW_WITHDRAWN", "the worker, the gateway or the ramp came to its end")
SHADOW_NO_WORKER = Refusal(503, "SHADOW_NO_WORKER", "the candidate had no worker")
SHADOW_WORKER_DIED = Refusal(503, "SHADOW_WORKER_DIED", "the worker died with the copy in its hands")
