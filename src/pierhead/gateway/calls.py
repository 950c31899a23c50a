"""An invocation as the way to the workers sees it."""

from typing import Protocol

from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.routing import Target
from pierhead.kit.frames import Response
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute


class Holder(Protocol):
    """Where a call waits or is counted: the pool of its entity."""

    def remove(self, call: "Call") -> None: ...


class Carrier(Protocol):
    """The link that took a call to a worker."""

    def cancel(self, call: "Call") -> None: ...


class Call(Protocol):
    """Hashable by identity. Times are seconds on the clock of `kit.clock.monotonic_s`."""

    target: Target
    entity_name: str
    draw: float
    """What its entity was chosen by, in [0, 1)."""
    body: bytes
    content_type: str
    timeout_s: float
    deadline_s: float
    deadline_slot: int
    """Where its deadline is kept; -1 while it is not."""
    sent_s: float
    """When it was last handed to a worker; 0 while it waits."""
    losses: int
    """How many workers died with it in their hands."""
    pool: Holder | None
    link: Carrier | None
    frame_id: int

    def routed(self, endpoint: EndpointRoute, entity: EntityRoute) -> None:
        """This entity will answer, as the snapshot of the moment describes it. Never while a worker has the call."""

    def answered(self, response: Response) -> None:
        """The worker's answer. The call is forgotten by everybody else."""

    def refused(self, refusal: Refusal) -> None:
        """There will be no answer. The call is forgotten by everybody else."""
