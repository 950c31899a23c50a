"""Copies of invocations on their way to a candidate's workers: they take what room the others leave."""

from collections.abc import Callable, Iterator
from typing import Protocol

from pierhead.gateway.calls import Call, Carrier
from pierhead.gateway.counts import Counts
from pierhead.gateway.crews import Crew
from pierhead.gateway.refusals import SHADOW_NO_WORKER, SHADOW_NOT_SENT, SHADOW_WITHDRAWN
from pierhead.gateway.route import Route
from pierhead.kit.clock import monotonic_s
from pierhead.serving.domain.snapshot import RampRoute
from pierhead.serving.domain.traffic import EntityTraffic


class LaneOwner(Protocol):
    """The candidate's pool."""

    @property
    def route(self) -> Route: ...

    main: Crew
    native: Crew


class Lane:
    """A queue beside the pool's own: bounded, with a bound for what its workers have, and never first.

    A copy goes to a worker only while no invocation waits for one. It counts neither as the pool's nor as the crew's.
    """

    def __init__(self, pool: LaneOwner, ramp: RampRoute, wake: Callable[["Lane"], None]) -> None:
        """`wake` is called when the lane is to be pumped, at a time when nobody is kept waiting by it."""
        self.counts = Counts()
        self.dropped = 0
        """Copies that no worker ever had."""
        self.ramp = ramp
        self._pool = pool
        self._wake = wake
        self._in_flight: set[Call] = set()
        self._waiting: dict[Call, None] = {}
        self._declined: dict[Call, None] = {}
        """Those that a compiled worker has handed back."""

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._declined)

    @property
    def is_full(self) -> bool:
        return self.waiting >= self.ramp.shadow_queue

    def change(self, ramp: RampRoute) -> None:
        """The candidate's ramp, or its route, is another one now."""
        self.ramp = ramp
        for call in self._queued():
            call.route = self._pool.route
        self._wake(self)

    def report(self, told: EntityTraffic) -> None:
        """Fill in what the pool's report says of copies.

        Copies that the original alone can answer wait for its workers as any invocation does: they may wake them. What
        waits for the candidate itself wakes nobody, as whoever runs a ramp keeps its candidate awake.
        """
        told.shadow_requests_by_status = {str(status): count for status, count in self.counts.statuses.items()}
        told.shadow_latency_counts = list(self.counts.latency_counts)
        told.shadow_latency_sum_ms = self.counts.latency_sum_ms
        told.shadows_in_flight = len(self._in_flight)
        told.shadows_waiting = self.waiting
        told.shadows_dropped = self.dropped
        told.native_waiting += len(self._declined) if self._pool.route.entity.is_compiled else 0

    def submit(self, call: Call) -> None:
        """Queue a copy. Whoever was handed back had its place before: it is taken even if the queue is full."""
        now_s = monotonic_s()
        call.crew = self
        call.route = self._pool.route
        call.deadline_s = now_s + call.timeout_s
        (self._declined if call.is_native else self._waiting)[call] = None
        self._wake(self)

    def pump(self) -> None:
        """Send what waits, as far as there is room for it."""
        pool = self._pool
        native = pool.native if pool.route.entity.is_compiled else pool.main
        for queue, crew in ((self._declined, native), (self._waiting, pool.main)):
            while queue and len(self._in_flight) < self.ramp.shadow_concurrency:
                link = crew.spare_link()
                if link is None:
                    break
                call = next(iter(queue))
                del queue[call]
                self._in_flight.add(call)
                call.route = pool.route
                # What it waited here is not the candidate's fault.
                call.deadline_s = monotonic_s() + call.timeout_s
                link.send(call)

    def can_spare(self, link: Carrier) -> bool:  # noqa: ARG002
        """As a `Holder`: a copy keeps its worker, as nobody waits for it."""
        return False

    def let_go(self, call: Call, now_s: float) -> None:  # noqa: ARG002
        """As a `Holder`: the copy is here no more."""
        call.crew = None
        self._in_flight.discard(call)
        self._waiting.pop(call, None)
        self._declined.pop(call, None)
        if self.waiting:
            self._wake(self)

    def expire(self, now_s: float) -> None:
        """Give up what has waited for too long."""
        overdue = [call for call in self._queued() if call.deadline_s <= now_s]
        refusal = SHADOW_NOT_SENT if self._pool.main.workers else SHADOW_NO_WORKER
        for call in overdue:
            self.let_go(call, now_s)
            call.refused(refusal)

    def close(self) -> None:
        """Nobody wants to know any more: give up what no worker has."""
        for call in list(self._queued()):
            self.let_go(call, monotonic_s())
            call.refused(SHADOW_WITHDRAWN)

    def _queued(self) -> Iterator[Call]:
        yield from self._declined
        yield from self._waiting
