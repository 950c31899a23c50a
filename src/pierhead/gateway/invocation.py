"""One invocation with its whole body: goes to a worker as a call, and answers its caller."""

from typing import Final

from pierhead.gateway import units
from pierhead.gateway.asker import Asker
from pierhead.gateway.assignment import Dealt
from pierhead.gateway.calls import Carrier, Holder
from pierhead.gateway.capture import LARGEST_BODY_BYTES, error_code_of, is_sampled, missing_bodies
from pierhead.gateway.client_ids import may_hold_client_keys, strip_client_keys
from pierhead.gateway.desk import Desk
from pierhead.gateway.endpoints import Endpoint
from pierhead.gateway.http.answers import JSON, Refusal
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.records import CANDIDATE, DIRECT, Fields
from pierhead.gateway.request_ids import new_request_id
from pierhead.gateway.route import Route
from pierhead.gateway.routing import Target
from pierhead.gateway.shadow_calls import Original
from pierhead.gateway.turn import Reply
from pierhead.kit.clock import monotonic_s
from pierhead.kit.frames import Response

_CALLER_GONE = 499
_TOO_MANY = 429
_OK, _OUR_FAULT = 200, 500

_TOLD = "x-request-id: %s\r\nserver-timing: queue;dur=%.3f, wakeup;dur=%.3f, predict;dur=%.3f, total;dur=%.3f\r\n"
"""Header lines. The queue is what was waited besides the wake-up, in the gateway and in the worker."""

_NO_CODES: list[str] = []


class Invocation:
    """A `Handler` towards the caller and a `Call` towards the workers."""

    __slots__ = (
        "_arrived_s",
        "_asker",
        "_client_request_id",
        "_desk",
        "_is_done",
        "_raw",
        "_reply",
        "body",
        "content_type",
        "crew",
        "deadline_s",
        "dealt",
        "frame_id",
        "held_s",
        "held_since_s",
        "is_native",
        "link",
        "losses",
        "request_id",
        "route",
        "sent_s",
        "timeout_s",
    )

    body: bytes
    route: Route
    timeout_s: float
    deadline_s: float
    frame_id: int
    is_shadow: Final = False

    def __init__(self, desk: Desk, reply: Reply, asker: Asker, arrived_s: float) -> None:
        self._desk = desk
        self._reply = reply
        self._asker = asker
        self._arrived_s = arrived_s
        self._is_done = False
        self.content_type = asker.content_type
        self.request_id = asker.request_id or new_request_id()
        self.dealt: Dealt | None = None
        self.sent_s = self.held_since_s = self.held_s = 0.0
        self.losses = 0
        self.is_native = False
        self.crew: Holder | None = None
        self.link: Carrier | None = None

    def choose(self, endpoint: Endpoint, raw: bytes) -> EntityPool | Refusal:
        """Where this invocation belongs, with the body as the caller sent it."""
        self._raw = raw
        return endpoint.choose(self)

    def begin(self, pool: EntityPool, raw: bytes) -> None:
        """Go to this pool's workers with the body as the caller sent it. Its time-out counts from the arrival."""
        self._raw = raw
        if may_hold_client_keys(raw):
            self.body, self._client_request_id = strip_client_keys(raw)
        else:
            self.body, self._client_request_id = raw, None
        desk = self._desk
        desk.held_bytes += len(raw)
        self._asker.endpoint.load += 1
        self.timeout_s = timeout_s = pool.route.endpoint.timeout_s or desk.limits.timeout_s
        self.deadline_s = self._arrived_s + timeout_s
        pool.enter(self, self._arrived_s)

    # --- what the dispatcher asks

    @property
    def target(self) -> Target:
        return self._asker.target

    @property
    def entity_name(self) -> str:
        return self.route.entity.name

    @property
    def unit(self) -> bytes:
        asker = self._asker
        return asker.unit or units.in_body(asker.endpoint.route.unit, self._raw) or self.request_id.encode()

    # --- what the caller does

    def receive(self, chunk: bytes) -> None:
        """The body was complete before."""

    def complete(self) -> None:
        pass

    def hung_up(self) -> None:
        if self._is_done:
            return
        self._desk.dispatcher.withdraw(self)
        total_ms = (monotonic_s() - self._arrived_s) * 1000
        route = self.route
        route.counts.observe(_CALLER_GONE, total_ms)
        record = self._record(_CALLER_GONE, b"", None, total_ms, total_ms, 0.0) if route.is_watched else None
        sent = self.body
        self._let_go()
        if record is not None:
            self._tell(route, _CALLER_GONE, record, sent, b"")

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass

    # --- what the dispatcher does

    def answered(self, response: Response, now_s: float) -> None:
        if self.crew is not None:
            self.crew.let_go(self, now_s)
        _, status, content_type, queue_us, predict_us, body = response
        if not 200 <= status < 600:
            self.refused(Refusal(500, "INTERNAL_ERROR", f"the worker of {self.entity_name!r} answered {status}"))
            return
        route = self.route
        queue_ms = (self.sent_s - self._arrived_s) * 1000 + queue_us / 1000
        predict_ms = predict_us / 1000
        if status == 200 and route.verify_rate and not self.is_native:
            self._desk.samples.offer(route, self.content_type, self.body, body)
        code = error_code_of(body) if status >= 400 else None
        self._finish(status, route.lines_of(content_type), body, code, queue_ms, predict_ms, now_s)

    def refused(self, refusal: Refusal) -> None:
        now_s = monotonic_s()
        waited_ms = (now_s - self._arrived_s) * 1000
        lines = JSON + refusal.lines + self.route.entity_lines
        self._finish(refusal.status, lines, refusal.body(), refusal.code, waited_ms, 0.0, now_s)

    # --- details

    def _finish(
        self,
        status: int,
        lines: bytes,
        body: bytes,
        code: str | None,
        queue_ms: float,
        predict_ms: float,
        now_s: float,
    ) -> None:
        desk, route, request_id = self._desk, self.route, self.request_id
        total_ms = (now_s - self._arrived_s) * 1000
        # Who was never let in is no business of the inference table.
        rate = route.sampling_rate
        is_kept = status != _TOO_MANY and (rate >= 1 or (rate > 0 and is_sampled(request_id, rate)))
        record = None
        if is_kept or route.is_watched:
            record = self._record(status, body, code, total_ms, queue_ms, predict_ms)
            if is_kept:
                desk.turn.keep(route.table or "", record)
        held_ms = self.held_s * 1000
        route.counts.observe(status, total_ms)
        if predict_ms:
            route.counts.observe_parts(queue_ms - held_ms, held_ms, predict_ms)
        told = _TOLD % (request_id, queue_ms - held_ms, held_ms, predict_ms, total_ms)
        if desk.access_log.is_next():
            desk.access_log.write(self._asker, route, self._reply.peer, request_id, status, total_ms)
        sent = self.body
        self._let_go()
        desk.turn.answer(self._reply, status, lines + told.encode(), body)
        if record is not None and route.is_watched:
            self._tell(route, status, record, sent, body)

    def _record(
        self, status: int, body: bytes, code: str | None, total_ms: float, queue_ms: float, predict_ms: float
    ) -> Fields:
        """This invocation with its answer: see `InferenceRecord` for what each field is."""
        raw, asker, route, dealt = self._raw, self._asker, self.route, self.dealt
        is_long = len(raw) > LARGEST_BODY_BYTES or len(body) > LARGEST_BODY_BYTES
        missing = missing_bodies(raw, body) if is_long else _NO_CODES
        return (
            self.request_id,
            self._client_request_id,
            self._desk.clock.ms_at(self._arrived_s),
            status,
            total_ms,
            route.sampling_rate,
            None if len(raw) > LARGEST_BODY_BYTES else raw,
            self.content_type,
            None if len(body) > LARGEST_BODY_BYTES else body,
            missing,
            *route.record_tail,
            asker.principal.user_name,
            queue_ms,
            predict_ms,
            code,
            route.role if asker.target.entity is None else DIRECT,
            None if dealt is None else dealt.bucket,
            None if dealt is None else dealt.unit_hash,
            None,
        )

    def _tell(self, route: Route, status: int, record: Fields, sent: bytes, answer: bytes) -> None:
        """Those who observe the endpoint get the record, and the candidate a copy of the request, if it is its turn.

        What a copy was made of is always observed, or there would be nothing to compare the copy's answer with. One
        that the caller spoiled or that nobody waited for has no answer to compare.
        """
        is_direct = self.target.entity is not None
        is_copied = (
            (status == _OK or status >= _OUR_FAULT) and not is_direct and is_sampled(self.request_id, route.shadow_rate)
        )
        is_candidate = route.role == CANDIDATE and not is_direct
        if is_copied or is_candidate or is_sampled(self.request_id, route.endpoint.observe_rate):
            self._desk.observations.keep(route.observed_by, record, len(sent) + len(answer))
        if is_copied:
            asker = self._asker
            user_name = asker.principal.user_name
            original = Original(
                self.request_id, self._client_request_id, user_name, self.dealt, self.content_type, sent
            )
            self._desk.shadows.copy(asker.endpoint, original)

    def _let_go(self) -> None:
        """Give the memory of the body back."""
        self._is_done = True
        self._desk.held_bytes -= len(self._raw)
        self._asker.endpoint.load -= 1
        self._raw = self.body = b""
