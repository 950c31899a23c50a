"""From a call to a worker, as the snapshot of the moment says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from pierhead.gateway.calls import Call, Carrier
from pierhead.gateway.endpoints import Endpoint
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.lanes import Lane
from pierhead.gateway.limits import RateLimits
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.refusals import SHADOW_WITHDRAWN, SHADOW_WORKER_DIED, cannot_start, died_twice, too_late, too_many
from pierhead.gateway.routing import Target, find_endpoint
from pierhead.gateway.workers import Workers
from pierhead.kit.clock import monotonic_s
from pierhead.serving.domain.snapshot import EMPTY, EndpointRoute, Snapshot

log = structlog.get_logger()

# Losing a worker twice is no accident any more.
_MOST_LOSSES = 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a dispatcher lets wait, and for how long."""

    queue_limit: int
    """Invocations of one endpoint that wait or run at the same time in this gateway."""


class Dispatcher:
    """Every call that was submitted is answered or refused once, unless it is withdrawn."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bounds: Bounds,
        on_hold: Callable[[], None],
        on_answers: Callable[[], None],
        wake: Callable[[Lane], None],
    ) -> None:
        """`on_hold` is called when a call must wait because there is no worker, `on_answers` after some were answered
        together, `wake` when a lane's copies may go on."""
        self.snapshot: Snapshot = EMPTY
        self._bounds = bounds
        self._on_hold = on_hold
        self._on_answers = on_answers
        self._wake = wake
        self._workers = Workers(self, loop)
        self._endpoints: dict[str, Endpoint] = {}
        self._pools_at: dict[str, list[EntityPool]] = {}
        """Pools that use the worker at a path."""
        self._lanes: list[Lane] = []

    @property
    def queue_limit(self) -> int:
        return self._bounds.queue_limit

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        return self._endpoints

    def pools(self) -> list[EntityPool]:
        return [pool for endpoint in self._endpoints.values() for pool in endpoint.pools.values()]

    def follow(self, snapshot: Snapshot) -> None:
        """Route by this snapshot from now on; calls that wait for what is gone are placed anew.

        Only what has changed is touched: with a thousand endpoints most snapshots change one.
        """
        self.snapshot = snapshot
        self._workers.follow(
            path
            for endpoint in snapshot.endpoints.values()
            for entity in endpoint.entities
            for path in (*entity.sockets, *entity.native_sockets)
        )
        second = int(monotonic_s())
        former, self._endpoints = self._endpoints, {}
        changed: list[tuple[Endpoint, EndpointRoute]] = []
        gone: list[EntityPool] = []
        for name, route in snapshot.endpoints.items():
            endpoint = former.pop(name, None)
            if endpoint is None:
                endpoint = Endpoint(route, RateLimits(name, route.rate_limits))
                changed.append((endpoint, route))
            elif endpoint.route != route:
                changed.append((endpoint, route))
            self._endpoints[name] = endpoint
        for endpoint in former.values():
            gone += endpoint.pools.values()
        for endpoint, route in changed:
            gone += self._rebuild(endpoint, route, second)
        self._index()
        for endpoint, route in changed:
            for entity in route.entities:
                endpoint.pools[entity.name].staff(route, entity, self._workers)
        self._lanes = [pool.lane for pool in self.pools() if pool.lane is not None]
        for pool in gone:
            for call in pool.take_all():
                pool.leave(monotonic_s())
                self._place(call)

    def find(self, target: Target) -> Endpoint | Refusal:
        """The endpoint that an invocation means, if it has something live and takes one more."""
        found = find_endpoint(self.snapshot, target)
        if isinstance(found, Refusal):
            return found
        endpoint = self._endpoints[target.endpoint]
        return too_many(target.endpoint, self.queue_limit) if endpoint.load >= self.queue_limit else endpoint

    def expire(self, now_s: float) -> None:
        """Refuse every call whose time is over.

        Looking at all that is under way from time to time costs less than keeping the deadline of each: nearly every
        call is answered long before.
        """
        self._refuse_the_hopeless()
        waiting = [
            call
            for endpoint in self._endpoints.values()
            if endpoint.load
            for pool in endpoint.pools.values()
            for crew in (pool.main, pool.native)
            for call in crew.waiting_calls()
            if call.deadline_s <= now_s
        ]
        for lane in self._lanes:
            lane.expire(now_s)
        for call in waiting + self._workers.overdue(now_s):
            refusal, link = too_late(call, now_s), call.link
            if link is not None:
                link.give_up(call, now_s)
            self._refuse(call, refusal)
            if link is not None and link.is_doubted:
                self._rescue(link)
        self._workers.relent(now_s)

    def _refuse_the_hopeless(self) -> None:
        """Who waits for a worker that cannot be started is told so, instead of being held to the end."""
        for endpoint in self._endpoints.values():
            if not endpoint.load:
                continue
            for pool in endpoint.pools.values():
                trouble = pool.route.entity.trouble
                if trouble and not pool.main.workers:
                    for call in pool.main.waiting_calls():
                        self._refuse(call, cannot_start(call, trouble))

    def withdraw(self, call: Call) -> None:
        """Nobody waits for the answer any more."""
        if call.link is not None:
            call.link.cancel(call)
        _forget(call)

    def give_up_copies(self) -> None:
        """Nobody will compare what is not answered yet."""
        for lane in self._lanes:
            lane.close()
        for call in self._workers.calls():
            if call.is_shadow:
                if call.link is not None:
                    call.link.cancel(call)
                self._refuse(call, SHADOW_WITHDRAWN)

    def close(self) -> None:
        self._workers.close()

    # --- what the workers tell us

    def call_declined(self, call: Call, reason: str) -> None:
        if call.is_native or not call.route.entity.is_compiled:
            log.error("an original handed a call back", entity=call.entity_name, reason=reason)
            message = f"the worker of served entity {call.entity_name!r} does not answer this request: {reason}"
            self._refuse(call, Refusal(500, "INTERNAL_ERROR", message))
            return
        if not call.is_shadow:
            call.route.counts.declined += 1
        call.is_native = True
        self._take_back(call)
        self._place(call)

    def worker_answered(self, path: str) -> None:
        self.worker_free(path)
        self._on_answers()

    def worker_free(self, path: str) -> None:
        pools = self._pools_at.get(path, ())
        for pool in pools:
            if pool.main.waiting:
                pool.main.pump()
            if pool.native.waiting:
                pool.native.pump()
            if pool.lane is not None and pool.lane.waiting:
                pool.lane.pump()
        if len(pools) > 1:
            # Who came first this time comes last the next time: no entity starves another one.
            self._pools_at[path] = [*pools[1:], pools[0]]

    def worker_lost(self, path: str) -> None:
        for pool in self._pools_at.get(path, ()):
            pool.main.worker_lost()
            pool.native.worker_lost()

    def call_orphaned(self, call: Call, *, is_death: bool) -> None:
        if call.is_shadow:
            self._refuse(call, SHADOW_WORKER_DIED if is_death else SHADOW_WITHDRAWN)
            return
        if is_death:
            call.losses += 1
        if call.losses >= _MOST_LOSSES:
            self._refuse(call, died_twice(call.entity_name))
            return
        self._take_back(call)
        self._place(call)

    # --- details

    def _rebuild(self, endpoint: Endpoint, route: EndpointRoute, second: int) -> list[EntityPool]:
        """Give an endpoint the pools of its new route, without workers as yet; returns those that are over."""
        former = dict(endpoint.pools)
        pools = {}
        for entity in route.entities:
            kept = former.pop(entity.name, None)
            pools[entity.name] = kept or EntityPool(route, entity, self._on_hold, self._wake)
        endpoint.change(route, pools)
        endpoint.limits.change(route.rate_limits, second)
        return list(former.values())

    def _index(self) -> None:
        pools_at: dict[str, list[EntityPool]] = {}
        for endpoint in self._endpoints.values():
            for entity in endpoint.route.entities:
                for path in (*entity.sockets, *entity.native_sockets):
                    pools_at.setdefault(path, []).append(endpoint.pools[entity.name])
        self._pools_at = pools_at

    def _rescue(self, link: Carrier) -> None:
        """What waits behind a call that hangs goes to other workers, if there are any."""
        for call in list(link.in_flight.values()):
            if call.crew is not None and call.crew.can_spare(link):
                link.cancel(call)
                self._take_back(call)
                self._place(call)

    def _take_back(self, call: Call) -> None:
        """Out of the hands of its worker, to be placed anew."""
        _forget(call)
        call.sent_s = 0.0

    def _place(self, call: Call) -> None:
        endpoint = self._endpoints.get(call.target.endpoint)
        pool = None if endpoint is None else endpoint.pools.get(call.entity_name)
        if pool is None:
            # The entity is gone since the call was routed: its endpoint may have others now.
            found = find_endpoint(self.snapshot, call.target)
            if isinstance(found, Refusal):
                self._refuse(call, found)
                return
            chosen = self._endpoints[found.name].choose(call)
            if isinstance(chosen, Refusal):
                self._refuse(call, chosen)
                return
            pool = chosen
        if not call.is_shadow:
            pool.enter(call, monotonic_s())
        elif pool.lane is not None:
            pool.lane.submit(call)
        else:
            self._refuse(call, SHADOW_WITHDRAWN)

    def _refuse(self, call: Call, refusal: Refusal) -> None:
        _forget(call)
        call.refused(refusal)


def _forget(call: Call) -> None:
    if call.crew is not None:
        call.crew.let_go(call, monotonic_s())
