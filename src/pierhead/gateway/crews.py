"""The workers that can answer the same calls, and the calls that they have or that wait for one of them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from pierhead.gateway.calls import Call, Carrier
from pierhead.gateway.links import WorkerLink
from pierhead.gateway.route import Route
from pierhead.gateway.workers import Worker
from pierhead.kit.clock import monotonic_s

# Enough to keep a worker busy; the rest waits here, where whichever worker is free first finds it, and where no death
# of a worker touches it.
MOST_IN_FLIGHT = 64

# A worker that runs all it has together is the better for having more.
MOST_IN_A_BATCH = 256


class CrewOwner(Protocol):
    """The pool that a crew is part of."""

    @property
    def route(self) -> Route:
        """What the pool stands for at this moment."""

    def leave(self, now_s: float) -> None:
        """A call is the pool's no more."""


class Crew:
    """Hands calls to the least busy worker.

    A call that no worker could take because there is none is *held*: its time-out begins when a worker exists, and
    until then it waits for as long as its endpoint lets it.

    A call that has seen a worker die is a suspect: it may be what kills them. A worker holds one suspect at a time, so
    that a deadly request, when it kills its second worker, takes none of its former companions with it.
    """

    __slots__ = (
        "_is_holding",
        "_on_hold",
        "_only",
        "_pool",
        "_suspects",
        "_waiting",
        "_workers",
        "in_flight",
        "most",
    )

    def __init__(self, pool: CrewOwner, on_hold: Callable[[], None]) -> None:
        self._pool = pool
        self.in_flight = 0
        """Calls in the workers' hands."""
        self.most = MOST_IN_FLIGHT
        """How many calls a worker may hold."""
        self._on_hold = on_hold
        self._workers: Sequence[Worker] = ()
        self._only: Worker | None = None
        self._waiting: dict[Call, None] = {}
        self._suspects: dict[Call, None] = {}
        self._is_holding = False

    @property
    def waiting(self) -> int:
        """How many calls no worker has."""
        return len(self._waiting) + len(self._suspects)

    @property
    def workers(self) -> int:
        """How many workers there is a link to."""
        return sum(worker.link is not None for worker in self._workers)

    def waiting_calls(self) -> list[Call]:
        return [*self._suspects, *self._waiting]

    def staff(self, workers: Sequence[Worker], *, most: int) -> None:
        """Use these workers from now on, each for `most` calls at a time."""
        self._workers = workers
        self._only = workers[0] if len(workers) == 1 else None
        self.most = most
        self.pump()

    def submit(self, call: Call) -> None:
        call.crew = self
        if call.held_since_s and self._has_worker():
            # It was held elsewhere, in a crew that is over.
            _let_run(call, monotonic_s())
        if not (call.losses or self._waiting):
            link = self._least_busy()
            if link is not None:
                self._send(link, call)
                return
        (self._suspects if call.losses else self._waiting)[call] = None
        self.pump()
        if call.link is None and not self._has_worker():
            self._hold(call)

    def forget(self, call: Call) -> None:
        """The call is not in this crew any more; it may go to another one of the same pool."""
        call.crew = None
        if call.sent_s:
            self.in_flight -= 1
        else:
            self._waiting.pop(call, None)
            self._suspects.pop(call, None)

    def let_go(self, call: Call, now_s: float) -> None:
        """As `forget`, and it is the pool's no more."""
        self.forget(call)
        self._pool.leave(now_s)

    def take_all(self) -> list[Call]:
        """Give up the calls that no worker has."""
        calls = self.waiting_calls()
        for call in calls:
            self.forget(call)
        return calls

    def pump(self) -> None:
        """Send what waits, as far as there are workers for it."""
        if self._is_holding and self._has_worker():
            self._release()
        while self._suspects:
            link = self._least_busy(for_suspect=True)
            if link is None:
                break
            call = next(iter(self._suspects))
            del self._suspects[call]
            self._send(link, call)
        while self._waiting:
            link = self._least_busy()
            if link is None:
                break
            call = next(iter(self._waiting))
            del self._waiting[call]
            self._send(link, call)

    def worker_lost(self) -> None:
        """A worker is gone; if it was the last, what waits is held."""
        if self.waiting and not self._has_worker():
            for call in self.waiting_calls():
                self._hold(call)

    def can_spare(self, link: Carrier) -> bool:
        return any(
            other is not None and other is not link and other.is_accepting and not other.is_doubted
            for other in (worker.link for worker in self._workers)
        )

    def spare_link(self) -> WorkerLink | None:
        """Where a call may go that must keep nobody waiting: a worker that has half its load at most, unless a call of
        ours waits for one."""
        if self._waiting or self._suspects:
            return None
        link = self._least_busy()
        return link if link is not None and len(link.in_flight) * 2 <= self.most else None

    # --- details

    def _send(self, link: WorkerLink, call: Call) -> None:
        self.in_flight += 1
        call.route = self._pool.route
        link.send(call)

    def _has_worker(self) -> bool:
        return any(worker.link is not None for worker in self._workers)

    def _hold(self, call: Call) -> None:
        if call.held_since_s and self._is_holding:
            return
        self._is_holding = True
        if not call.held_since_s:
            call.held_since_s = now_s = monotonic_s()
            call.deadline_s = now_s + self._pool.route.endpoint.hold_timeout_s
        self._on_hold()

    def _release(self) -> None:
        """There is a worker."""
        self._is_holding = False
        now_s = monotonic_s()
        for call in self.waiting_calls():
            if call.held_since_s:
                _let_run(call, now_s)

    def _least_busy(self, *, for_suspect: bool = False) -> WorkerLink | None:
        best = doubted = None
        fewest = self.most
        is_any_trusted = False
        if self._only is not None and not for_suspect:
            link = self._only.link
            return link if link is not None and link.is_accepting and len(link.in_flight) < fewest else None
        for worker in self._workers:
            link = worker.link
            if link is None or not link.is_accepting or (for_suspect and link.suspect is not None):
                continue
            load = len(link.in_flight)
            if link.is_doubted:
                doubted = link if load < self.most else doubted
                continue
            is_any_trusted = True
            if load < fewest:
                best, fewest = link, load
        # Whoever waits for one that works is better off than with one that hangs.
        return best if is_any_trusted else doubted


def _let_run(call: Call, now_s: float) -> None:
    """It is held no more: from now on the model's time counts."""
    call.held_s += now_s - call.held_since_s
    call.held_since_s = 0.0
    call.deadline_s = now_s + call.timeout_s
