"""One invocation with its whole body: goes to a worker as a call, and answers its caller."""

from pierhead.gateway.asker import Asker
from pierhead.gateway.calls import Carrier, Holder
from pierhead.gateway.capture import LARGEST_BODY_BYTES, error_code_of, is_sampled, missing_bodies
from pierhead.gateway.client_ids import may_hold_client_keys, strip_client_keys
from pierhead.gateway.desk import Desk
from pierhead.gateway.http.answers import JSON, Refusal
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.request_ids import new_request_id
from pierhead.gateway.route import Route
from pierhead.gateway.routing import Target
from pierhead.gateway.turn import Reply
from pierhead.kit.clock import monotonic_s
from pierhead.kit.frames import Response

_CALLER_GONE = 499
_TOO_MANY = 429

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
        "draw",
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

    def __init__(self, desk: Desk, reply: Reply, asker: Asker, draw: float, arrived_s: float) -> None:
        self._desk = desk
        self._reply = reply
        self._asker = asker
        self._arrived_s = arrived_s
        self._is_done = False
        self.content_type = asker.content_type
        self.request_id = asker.request_id or new_request_id()
        self.draw = draw
        self.sent_s = self.held_since_s = self.held_s = 0.0
        self.losses = 0
        self.is_native = False
        self.crew: Holder | None = None
        self.link: Carrier | None = None

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

    # --- what the caller does

    def receive(self, chunk: bytes) -> None:
        """The body was complete before."""

    def complete(self) -> None:
        pass

    def hung_up(self) -> None:
        if self._is_done:
            return
        self._desk.dispatcher.withdraw(self)
        now_s = monotonic_s()
        self.route.counts.observe(_CALLER_GONE, (now_s - self._arrived_s) * 1000)
        self._let_go()

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
        if status != _TOO_MANY and (rate >= 1 or (rate > 0 and is_sampled(request_id, rate))):
            self._keep(route, status, body, code, total_ms, queue_ms, predict_ms)
        route.counts.observe(status, total_ms)
        held_ms = self.held_s * 1000
        told = _TOLD % (request_id, queue_ms - held_ms, held_ms, predict_ms, total_ms)
        if desk.access_log.is_next():
            desk.access_log.write(self._asker, route, self._reply.peer, request_id, status, total_ms)
        self._let_go()
        desk.turn.answer(self._reply, status, lines + told.encode(), body)

    def _keep(
        self,
        route: Route,
        status: int,
        body: bytes,
        code: str | None,
        total_ms: float,
        queue_ms: float,
        predict_ms: float,
    ) -> None:
        """Put this invocation on record: see `InferenceRecord` for what each field is."""
        raw, asker = self._raw, self._asker
        is_long = len(raw) > LARGEST_BODY_BYTES or len(body) > LARGEST_BODY_BYTES
        missing = missing_bodies(raw, body) if is_long else _NO_CODES
        self._desk.turn.keep(
            route.table or "",
            (
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
            ),
        )

    def _let_go(self) -> None:
        """Give the memory of the body back."""
        self._is_done = True
        self._desk.held_bytes -= len(self._raw)
        self._asker.endpoint.load -= 1
        self._raw = self.body = b""
