"""From a call to a worker, as the snapshot of the moment says."""

import asyncio
from collections import defaultdict

from pierhead.gateway.calls import Call
from pierhead.gateway.deadlines import Deadlines
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.routing import Target, choose, find_endpoint
from pierhead.gateway.workers import Workers
from pierhead.serving.domain.snapshot import EMPTY, EndpointRoute, EntityRoute, Snapshot

# Losing a worker twice is no accident any more.
_MOST_LOSSES = 2


class Dispatcher:
    """Every call that was submitted is answered or refused once, unless it is withdrawn."""

    def __init__(self, loop: asyncio.AbstractEventLoop, queue_limit: int) -> None:
        self.snapshot: Snapshot = EMPTY
        self._loop = loop
        self._queue_limit = queue_limit
        self._workers = Workers(self, loop)
        self._pools: dict[tuple[str, str], EntityPool] = {}
        self._pools_at: dict[str, list[EntityPool]] = {}
        """Pools that use the worker at a path."""
        self._load: defaultdict[str, int] = defaultdict(int)
        """Calls by endpoint that wait or are in a worker's hands."""
        self._deadlines: Deadlines[Call] = Deadlines(loop, self._expire)

    def pools(self) -> list[EntityPool]:
        return list(self._pools.values())

    def follow(self, snapshot: Snapshot) -> None:
        """Route by this snapshot from now on; calls that wait for what is gone are placed anew."""
        self.snapshot = snapshot
        entities = [(endpoint, entity) for endpoint in snapshot.endpoints.values() for entity in endpoint.entities]
        self._workers.follow(path for _, entity in entities for path in entity.sockets)
        former, self._pools, self._pools_at = self._pools, {}, {}
        for endpoint, entity in entities:
            key = (endpoint.name, entity.name)
            pool = former.pop(key, None) or EntityPool(endpoint, entity)
            self._pools[key] = pool
            for path in entity.sockets:
                self._pools_at.setdefault(path, []).append(pool)
        for endpoint, entity in entities:
            workers = [self._workers.get(path) for path in entity.sockets]
            self._pools[endpoint.name, entity.name].staff(endpoint, entity, workers)
        for pool in former.values():
            for call in pool.take_all():
                self._place(call)

    def find_route(self, target: Target, draw: float) -> tuple[EndpointRoute, EntityRoute] | Refusal:
        """Where an invocation would go at this moment."""
        endpoint = find_endpoint(self.snapshot, target)
        if isinstance(endpoint, Refusal):
            return endpoint
        if self._is_full(endpoint.name):
            return self._too_many(endpoint.name)
        entity = choose(endpoint, target.entity, draw)
        return entity if isinstance(entity, Refusal) else (endpoint, entity)

    def submit(self, call: Call) -> None:
        """Send the call to a worker, now or as soon as there is one; it is refused at its deadline."""
        if self._is_full(call.target.endpoint):
            call.refused(self._too_many(call.target.endpoint))
            return
        self._load[call.target.endpoint] += 1
        call.deadline_slot = self._deadlines.add(call, call.deadline_s)
        self._place(call)

    def withdraw(self, call: Call) -> None:
        """Nobody waits for the answer any more."""
        if call.link is not None:
            call.link.cancel(call)
        self._forget(call)

    def close(self) -> None:
        self._deadlines.close()
        self._workers.close()

    # --- what the workers tell us

    def call_answered(self, call: Call) -> None:
        self._forget(call)

    def worker_free(self, path: str) -> None:
        pools = self._pools_at.get(path, [])
        for pool in pools:
            pool.pump()
        if len(pools) > 1:
            # Who came first this time comes last the next time: no entity starves another one.
            pools.append(pools.pop(0))

    def call_orphaned(self, call: Call, *, is_death: bool) -> None:
        if call.pool is not None:
            call.pool.remove(call)
        if is_death:
            call.losses += 1
        if call.losses < _MOST_LOSSES:
            self._place(call)
            return
        self._refuse(
            call,
            Refusal(
                500,
                "INTERNAL_ERROR",
                f"the worker of served entity {call.entity_name!r} died twice while answering this request; "
                "it may be what kills it",
            ),
        )

    # --- details

    def _is_full(self, endpoint: str) -> bool:
        return self._load.get(endpoint, 0) >= self._queue_limit

    def _too_many(self, endpoint: str) -> Refusal:
        return Refusal(
            429,
            "REQUEST_LIMIT_EXCEEDED",
            f"endpoint {endpoint!r} has {self._queue_limit} invocations waiting or running; try again in a moment",
            b"retry-after: 1\r\n",
        )

    def _place(self, call: Call) -> None:
        pool = self._pools.get((call.target.endpoint, call.entity_name))
        if pool is None:
            # The entity is gone since the call was routed: its endpoint may have others now.
            endpoint = find_endpoint(self.snapshot, call.target)
            if isinstance(endpoint, Refusal):
                self._refuse(call, endpoint)
                return
            entity = choose(endpoint, call.target.entity, call.draw)
            if isinstance(entity, Refusal):
                self._refuse(call, entity)
                return
            pool = self._pools[endpoint.name, entity.name]
        pool.submit(call)

    def _expire(self, call: Call) -> None:
        if call.deadline_slot < 0:
            return
        waited = "its worker did not answer" if call.link is not None else "no worker was ready to take it"
        if call.link is not None:
            call.link.cancel(call)
        self._refuse(
            call,
            Refusal(
                504,
                "DEADLINE_EXCEEDED",
                f"the invocation of served entity {call.entity_name!r} of endpoint {call.target.endpoint!r} "
                f"took longer than {call.timeout_s:g} s: {waited}",
            ),
        )

    def _refuse(self, call: Call, refusal: Refusal) -> None:
        self._forget(call)
        call.refused(refusal)

    def _forget(self, call: Call) -> None:
        if call.deadline_slot < 0:
            return
        self._deadlines.remove(call, call.deadline_slot)
        call.deadline_slot = -1
        if call.pool is not None:
            call.pool.remove(call)
        endpoint = call.target.endpoint
        self._load[endpoint] -= 1
        if not self._load[endpoint]:
            del self._load[endpoint]
