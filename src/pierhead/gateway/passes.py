"""What a request's head entitles it to, once it was let in: good until the next routing snapshot."""

from pierhead.gateway.asker import Asker
from pierhead.gateway.assignment import Dealt
from pierhead.gateway.desk import Desk
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.http.shortcuts import ExpressLine
from pierhead.gateway.invocation import Invocation


class Pass:
    """A `Shortcut`: requests with the very same head need not be read again.

    Authentication and rights depend on nothing but the head, the snapshot and the time, so they hold for as long as
    the snapshot does; what depends on the moment (expiry, queue, limits, memory) is looked at each time.
    """

    __slots__ = ("_asker", "_bound", "_dealt", "_desk", "_expires_at_ms", "_pool", "length")

    def __init__(self, desk: Desk, asker: Asker, length: int) -> None:
        """`length` is that of the body, as the head announces it; it is no more than an invocation may have."""
        self.length = length
        self._asker = asker
        self._desk = desk
        self._bound = asker.endpoint.limits.bind(asker.principal)
        self._expires_at_ms = asker.principal.expires_at_ms
        pool = asker.endpoint.sole(asker.target.entity)
        self._pool = None if isinstance(pool, Refusal) else pool
        """Where all requests with this head belong; None if their bodies or their ids are to say."""
        self._dealt: Dealt | None = None
        if pool is None and asker.unit is not None:
            self._dealt = asker.endpoint.assignment.deal(asker.unit)
            self._pool = None if self._dealt is None else asker.endpoint.pools[self._dealt.entity]

    def take(self, line: ExpressLine, body: bytes, now_s: float) -> Invocation | None:
        """Begin to answer a request that has this head. None if it is to go the long way, which says why not."""
        asker, desk = self._asker, self._desk
        endpoint = asker.endpoint
        if self._expires_at_ms is not None and desk.clock.ms_at(now_s) >= self._expires_at_ms:
            return None
        if endpoint.load >= desk.dispatcher.queue_limit:
            return None
        if desk.held_bytes + self.length > desk.limits.most_held_bytes:
            return None
        invocation = Invocation(desk, line, asker, now_s)
        pool = self._pool or invocation.choose(endpoint, body)
        if isinstance(pool, Refusal):
            return None
        if self._dealt is not None:
            invocation.dealt = self._dealt
        # The last of all questions: it counts.
        if self._bound is not None and endpoint.limits.refuse(self._bound, now_s) is not None:
            return None
        invocation.begin(pool, body)
        return invocation
