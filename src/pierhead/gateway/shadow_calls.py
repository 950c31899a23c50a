"""A copy of an invocation: goes to the candidate's workers as a call, and answers nobody."""

from typing import Final, NamedTuple, Protocol

from pierhead.gateway.assignment import Dealt
from pierhead.gateway.calls import Carrier, Holder
from pierhead.gateway.capture import LARGEST_BODY_BYTES, error_code_of, missing_bodies
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.lanes import Lane
from pierhead.gateway.records import SHADOW, Fields
from pierhead.gateway.request_ids import new_request_id
from pierhead.gateway.route import Route
from pierhead.gateway.routing import Target
from pierhead.kit.clock import monotonic_s
from pierhead.kit.frames import Response

WITHOUT_BODIES = "SHADOW_DROPPED"
"""Why the record of a copy that no worker had holds no bodies: its original's record does."""


class Original(NamedTuple):
    """What was copied."""

    request_id: str
    client_request_id: str | None
    requester: str
    dealt: Dealt | None
    content_type: str
    body: bytes


class Ledger(Protocol):
    """Who keeps account of copies."""

    def now_ms(self, now_s: float) -> int:
        """Milliseconds since 1970 at a moment of the monotonic clock."""

    def conclude(self, call: "ShadowCall", record: Fields) -> None:
        """A copy is over, with what goes on record of it."""


class ShadowCall:
    """A `Call`. It is never placed anew: what goes wrong with it is its result.

    Its time-out counts from its being queued, and anew from a worker's getting it.
    """

    __slots__ = (
        "_ledger",
        "_since_s",
        "body",
        "content_type",
        "crew",
        "deadline_s",
        "dealt",
        "frame_id",
        "held_s",
        "held_since_s",
        "is_native",
        "lane",
        "link",
        "losses",
        "original",
        "route",
        "sent_s",
        "size",
        "target",
        "timeout_s",
    )

    frame_id: int
    is_shadow: Final = True

    def __init__(self, ledger: Ledger, lane: Lane, original: Original, route: Route, now_s: float) -> None:
        """`lane` and `route` are the candidate's at this moment."""
        self._ledger = ledger
        self.lane = lane
        self.original = original
        self._since_s = now_s
        self.target = Target(route.endpoint.name, route.entity.name)
        self.content_type = original.content_type
        self.body = original.body
        self.size = len(original.body)
        self.dealt = original.dealt
        self.route = route
        self.timeout_s = lane.ramp.shadow_timeout_s
        self.deadline_s = now_s + self.timeout_s
        self.sent_s = self.held_since_s = self.held_s = 0.0
        self.losses = 0
        self.is_native = False
        self.crew: Holder | None = None
        self.link: Carrier | None = None

    @property
    def entity_name(self) -> str:
        return self.route.entity.name

    @property
    def unit(self) -> bytes:
        return self.original.request_id.encode()

    @property
    def is_tried(self) -> bool:
        """Whether a worker has had it."""
        return self.is_native or self.sent_s > 0

    def answered(self, response: Response, now_s: float) -> None:
        sent_s = self.sent_s
        if self.crew is not None:
            self.crew.let_go(self, now_s)
        _, status, _, queue_us, predict_us, body = response
        if not 200 <= status < 600:
            self.refused(Refusal(500, "INTERNAL_ERROR", f"the worker answered {status}"))
            return
        code = error_code_of(body) if status >= 400 else None
        self._conclude(status, body, code, queue_us / 1000, predict_us / 1000, (now_s - sent_s) * 1000)

    def refused(self, refusal: Refusal) -> None:
        since_s = self.sent_s or self._since_s
        waited_ms = (monotonic_s() - since_s) * 1000
        self._conclude(refusal.status, None, refusal.code, waited_ms, 0.0, waited_ms)

    def _conclude(
        self, status: int, body: bytes | None, code: str | None, queue_ms: float, predict_ms: float, total_ms: float
    ) -> None:
        original, route = self.original, self.route
        sent = original.body
        is_long = body is not None and (len(sent) > LARGEST_BODY_BYTES or len(body) > LARGEST_BODY_BYTES)
        missing = [WITHOUT_BODIES] if body is None else missing_bodies(sent, body) if is_long else []
        dealt = original.dealt
        record = (
            new_request_id(),
            original.client_request_id,
            self._ledger.now_ms(self._since_s),
            status,
            total_ms,
            route.sampling_rate,
            None if body is None or len(sent) > LARGEST_BODY_BYTES else sent,
            original.content_type,
            None if body is None or len(body) > LARGEST_BODY_BYTES else body,
            missing,
            *route.record_tail,
            original.requester,
            queue_ms,
            predict_ms,
            code,
            SHADOW,
            None if dealt is None else dealt.bucket,
            None if dealt is None else dealt.unit_hash,
            original.request_id,
        )
        self.body = b""
        if self.is_tried:
            self.lane.counts.observe(status, total_ms)
        else:
            self.lane.dropped += 1
        self._ledger.conclude(self, record)
