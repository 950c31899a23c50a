"""What callers are told whose invocations cannot be answered. Pure."""

from pierhead.gateway.calls import Call
from pierhead.gateway.http.answers import Refusal


def too_many(endpoint: str, queue_limit: int) -> Refusal:
    message = f"endpoint {endpoint!r} has {queue_limit} invocations waiting or running; try again in a moment"
    return Refusal(429, "REQUEST_LIMIT_EXCEEDED", message, b"retry-after: 1\r\n")


def died_twice(entity: str) -> Refusal:
    message = f"the worker of served entity {entity!r} died twice while answering this request; it may be what kills it"
    return Refusal(500, "INTERNAL_ERROR", message)


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
