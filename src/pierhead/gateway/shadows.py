"""Copies of live invocations for the candidates of ramps: what becomes of them touches no caller."""

import asyncio

from pierhead.gateway.capture import is_sampled
from pierhead.gateway.endpoints import Endpoint
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.lanes import Lane
from pierhead.gateway.observations import Observations
from pierhead.gateway.records import Fields
from pierhead.gateway.refusals import SHADOW_MEMORY_FULL, SHADOW_QUEUE_FULL
from pierhead.gateway.shadow_calls import Original, ShadowCall
from pierhead.gateway.turn import Turn
from pierhead.gateway.wall_clock import WallClock
from pierhead.kit.clock import monotonic_s


class Shadows:
    """Makes copies, and keeps account of them until they are over. The first to be given up when room is short."""

    def __init__(
        self,
        observations: Observations,
        turn: Turn,
        clock: WallClock,
        loop: asyncio.AbstractEventLoop,
        most_held_bytes: int,
    ) -> None:
        """The bodies of all copies together take `most_held_bytes` at most; what is beyond is dropped."""
        self.held_bytes = 0
        """Bodies of copies that are not over."""
        self._observations = observations
        self._turn = turn
        self._clock = clock
        self._loop = loop
        self._most_held_bytes = most_held_bytes
        self._awake: dict[Lane, None] = {}

    def wake(self, lane: Lane) -> None:
        """Pump this lane behind everything that this turn of the event loop has yet to do."""
        if not self._awake:
            self._loop.call_soon(self._pump)
        self._awake[lane] = None

    def copy(self, endpoint: Endpoint, original: Original) -> None:
        """Give the endpoint's candidate a copy, if there is one, or put on record why it did not get it."""
        ramp = endpoint.route.ramp
        pool = None if ramp is None else endpoint.pools.get(ramp.entity)
        if pool is None or pool.lane is None:
            # The ramp has ended since the original was sent on its way.
            return
        call = ShadowCall(self, pool.lane, original, pool.route, monotonic_s())
        self.held_bytes += call.size
        refusal = self._refuse(call)
        if refusal is None:
            pool.lane.submit(call)
        else:
            call.refused(refusal)

    # --- what copies tell

    def now_ms(self, now_s: float) -> int:
        return self._clock.ms_at(now_s)

    def conclude(self, call: ShadowCall, record: Fields) -> None:
        self.held_bytes -= call.size
        route, original = call.route, call.original
        if call.is_tried and route.table is not None and is_sampled(original.request_id, route.sampling_rate):
            self._turn.keep(route.table, record)
            self._turn.flush_soon()
        self._observations.keep(route.observed_by, record, call.size)

    # --- details

    def _refuse(self, call: ShadowCall) -> Refusal | None:
        if call.lane.is_full:
            return SHADOW_QUEUE_FULL
        return SHADOW_MEMORY_FULL if self.held_bytes > self._most_held_bytes else None

    def _pump(self) -> None:
        awake, self._awake = self._awake, {}
        for lane in awake:
            lane.pump()
