"""What all invocations share."""

from dataclasses import dataclass

from pierhead.gateway.access_log import AccessLog
from pierhead.gateway.dispatch import Dispatcher
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.observations import Observations
from pierhead.gateway.samples import Samples
from pierhead.gateway.shadows import Shadows
from pierhead.gateway.turn import Turn
from pierhead.gateway.wall_clock import WallClock


@dataclass(frozen=True, slots=True)
class InvocationLimits:
    max_body_bytes: int
    timeout_s: float
    """For endpoints that set none; counts from the arrival of the request, or of the worker that it was held for."""
    most_held_bytes: int = 512 * 1024 * 1024
    """What the bodies of all invocations together may take."""


@dataclass(slots=True)
class Desk:
    """Where invocations find everything, and what they hold together."""

    dispatcher: Dispatcher
    turn: Turn
    clock: WallClock
    samples: Samples
    access_log: AccessLog
    limits: InvocationLimits
    observations: Observations
    shadows: Shadows
    held_bytes: int = 0
    """Bodies that have arrived for invocations without an answer."""

    def refuse_size(self, total_bytes: int, new_bytes: int) -> Refusal | None:
        """What to say to `new_bytes` more of a body that has `total_bytes` with them; None if they are welcome."""
        if total_bytes > self.limits.max_body_bytes:
            message = f"the request body exceeds {self.limits.max_body_bytes} bytes; send fewer rows at a time"
            return Refusal(413, "MAX_REQUEST_SIZE_EXCEEDED", message)
        if self.held_bytes + new_bytes > self.limits.most_held_bytes:
            message = "the gateway holds as many request bodies as it can; try again in a moment"
            return Refusal(429, "REQUEST_LIMIT_EXCEEDED", message, b"retry-after: 1\r\n")
        return None
