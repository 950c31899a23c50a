"""An invocation as the way to the workers sees it."""

from collections.abc import Mapping
from typing import Protocol

from pierhead.gateway.assignment import Dealt
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.route import Route
from pierhead.gateway.routing import Target
from pierhead.kit.frames import Response


class Carrier(Protocol):
    """The link that took a call to a worker."""

    @property
    def is_doubted(self) -> bool:
        """Whether its worker seems to hang."""

    @property
    def in_flight(self) -> Mapping[int, "Call"]: ...

    def cancel(self, call: "Call") -> None: ...

    def give_up(self, call: "Call", now_s: float) -> None:
        """As `cancel`, for a call that is overdue."""


class Holder(Protocol):
    """Where a call waits or is counted: the crew that is to answer it."""

    def can_spare(self, link: Carrier) -> bool:
        """Whether this link's calls could go to a worker that is not doubted."""

    def let_go(self, call: "Call", now_s: float) -> None:
        """The call is answered, withdrawn, refused or without its worker: it is counted here no more."""


class Call(Protocol):
    """Hashable by identity. Times are seconds on the clock of `kit.clock.monotonic_s`."""

    @property
    def target(self) -> Target: ...

    @property
    def entity_name(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    @property
    def unit(self) -> bytes:
        """What its entity is chosen by, if there is a choice."""

    @property
    def is_shadow(self) -> bool:
        """Whether it is a copy that answers nobody: it never keeps another call waiting."""

    dealt: Dealt | None
    """What it was last dealt out by; None if nobody asked for its unit."""
    body: bytes
    timeout_s: float
    deadline_s: float
    """When it is given up. Moved while the call is held."""
    sent_s: float
    """When it was last handed to a worker; 0 while it waits."""
    held_since_s: float
    """Since when it has waited for any worker to exist; 0 while one does."""
    held_s: float
    """How long it has waited like that before."""
    losses: int
    """How many workers died with it in their hands."""
    is_native: bool
    """Whether a compiled worker has handed it back: only the original can answer it."""
    route: Route
    """What will answer, as the snapshot of the moment describes it; kept as it is while a worker has the call."""
    crew: Holder | None
    link: Carrier | None
    frame_id: int

    def answered(self, response: Response, now_s: float) -> None:
        """The worker's answer. The call is forgotten by its link; its crew forgets it now."""

    def refused(self, refusal: Refusal) -> None:
        """There will be no answer. The call is forgotten by everybody else."""
