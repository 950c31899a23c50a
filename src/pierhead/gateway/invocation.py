"""One invocation: takes the body from its caller, goes through the dispatcher as a call, answers."""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from pierhead.gateway.calls import Carrier, Holder
from pierhead.gateway.capture import Asked, Outcome, error_code_of, is_sampled, record_of
from pierhead.gateway.client_ids import strip_client_keys
from pierhead.gateway.dispatch import Dispatcher
from pierhead.gateway.http.answers import JSON, Refusal, header_value
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.routing import Target
from pierhead.gateway.traffic import Traffic
from pierhead.gateway.turn import Turn
from pierhead.kit.clock import monotonic_s
from pierhead.kit.frames import Response
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute, Principal

_CALLER_GONE = 499
_TOO_MANY = 429


class InvocationLimits(msgspec.Struct, frozen=True):
    max_body_bytes: int
    timeout_s: float
    """For endpoints that set none; counts from the arrival of the request."""
    most_held_bytes: int = 512 * 1024 * 1024
    """What the bodies of all invocations together may take."""


class Desk:
    """What all invocations share."""

    def __init__(self, dispatcher: Dispatcher, turn: Turn, traffic: Traffic, limits: InvocationLimits) -> None:
        self.dispatcher = dispatcher
        self.turn = turn
        self.traffic = traffic
        self.limits = limits
        self.held_bytes = 0
        """Bodies that have arrived for invocations without an answer."""

    def refuse_size(self, total_bytes: int, new_bytes: int) -> Refusal | None:
        """What to say to `new_bytes` more of a body that has `total_bytes` with them; None if they are welcome."""
        if total_bytes > self.limits.max_body_bytes:
            message = f"the request body exceeds {self.limits.max_body_bytes} bytes; send fewer rows at a time"
            return Refusal(413, "MAX_REQUEST_SIZE_EXCEEDED", message)
        if self.held_bytes + new_bytes > self.limits.most_held_bytes:
            message = "the gateway holds as many request bodies as it can; try again in a moment"
            return Refusal(_TOO_MANY, "REQUEST_LIMIT_EXCEEDED", message, b"retry-after: 1\r\n")
        return None


class Asker(NamedTuple):
    """Who asks, and what is known of the request before its body."""

    principal: Principal
    request_id: str
    content_type: str
    timestamp_ms: int


class Invocation:
    """A `Handler` towards the caller and a `Call` towards the workers."""

    __slots__ = (
        "_arrived_s",
        "_arriving",
        "_asker",
        "_client_request_id",
        "_desk",
        "_endpoint",
        "_entity",
        "_exchange",
        "_held",
        "_is_done",
        "_raw",
        "body",
        "content_type",
        "deadline_s",
        "deadline_slot",
        "draw",
        "entity_name",
        "frame_id",
        "link",
        "losses",
        "pool",
        "sent_s",
        "target",
        "timeout_s",
    )

    def __init__(
        self,
        desk: Desk,
        exchange: Exchange,
        asker: Asker,
        target: Target,
        route: tuple[EndpointRoute, EntityRoute],
        draw: float,
    ) -> None:
        self._desk = desk
        self._exchange = exchange
        self._asker = asker
        self._endpoint, self._entity = route
        self._arrived_s = monotonic_s()
        # One stretch of memory: a list of tiny chunks would take many times what they bring.
        self._arriving = bytearray()
        self._held = 0
        self._raw = b""
        self._client_request_id: str | None = None
        self._is_done = False
        self.target = target
        self.entity_name = self._entity.name
        self.draw = draw
        self.body = b""
        self.content_type = asker.content_type
        self.timeout_s = self._endpoint.timeout_s or desk.limits.timeout_s
        self.deadline_s = self._arrived_s + self.timeout_s
        self.deadline_slot = -1
        self.sent_s = 0.0
        self.losses = 0
        self.pool: Holder | None = None
        self.link: Carrier | None = None
        self.frame_id = 0

    # --- what the caller does

    def receive(self, chunk: bytes) -> None:
        size = len(chunk)
        refusal = self._desk.refuse_size(self._held + size, size)
        if refusal is None:
            self._held += size
            self._desk.held_bytes += size
            self._arriving += chunk
            return
        self._let_go()
        self._exchange.refuse(refusal, request_id_line(self._asker.request_id))

    def complete(self) -> None:
        self._raw, self._arriving = bytes(self._arriving), bytearray()
        self.body, self._client_request_id = strip_client_keys(self._raw)
        self._desk.dispatcher.submit(self)

    def hung_up(self) -> None:
        if self._is_done:
            return
        self._let_go()
        self._desk.dispatcher.withdraw(self)
        self._observe(_CALLER_GONE)

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass

    # --- what the dispatcher does

    def routed(self, endpoint: EndpointRoute, entity: EntityRoute) -> None:
        self._endpoint, self._entity = endpoint, entity
        self.entity_name = entity.name

    def answered(self, response: Response) -> None:
        status = response.status
        if not 200 <= status < 600:
            self.refused(Refusal(500, "INTERNAL_ERROR", f"the worker of {self.entity_name!r} answered {status}"))
            return
        queue_ms = (self.sent_s - self._arrived_s) * 1000 + response.queue_us / 1000
        code = error_code_of(response.body) if status >= 400 else None
        outcome = Outcome(status, response.body, code, self._elapsed_ms(), queue_ms, response.predict_us / 1000)
        self._finish(outcome, content_type_line(response.content_type))

    def refused(self, refusal: Refusal) -> None:
        total_ms = self._elapsed_ms()
        outcome = Outcome(refusal.status, refusal.body(), refusal.code, total_ms, total_ms, 0.0)
        self._finish(outcome, JSON + refusal.lines)

    # --- details

    def _finish(self, outcome: Outcome, lines: bytes) -> None:
        desk, asker = self._desk, self._asker
        capture = self._endpoint.capture
        # Who was never let in is no business of the inference table.
        if capture is not None and outcome.status != _TOO_MANY and is_sampled(asker.request_id, capture.sampling_rate):
            asked = Asked(
                asker.request_id,
                self._client_request_id,
                asker.timestamp_ms,
                asker.principal,
                self.content_type,
                self._raw,
                self._endpoint,
                self._entity,
            )
            desk.turn.keep(capture.table, record_of(asked, outcome, capture.sampling_rate))
        lines = b"".join(
            (
                lines,
                entity_line(self.entity_name),
                request_id_line(asker.request_id),
                b"server-timing: queue;dur=%.3f, predict;dur=%.3f, total;dur=%.3f\r\n"
                % (outcome.queue_ms, outcome.predict_ms, outcome.total_ms),
            )
        )
        self._let_go()
        self._observe(outcome.status)
        desk.turn.answer(self._exchange, outcome.status, lines, outcome.body)

    def _let_go(self) -> None:
        """Give the memory of the body back."""
        self._is_done = True
        self._desk.held_bytes -= self._held
        self._held = 0
        self._arriving = bytearray()
        self._raw = self.body = b""

    def _observe(self, status: int) -> None:
        self._desk.traffic.observe(self.target.endpoint, self.entity_name, status, self._elapsed_ms())

    def _elapsed_ms(self) -> float:
        return (monotonic_s() - self._arrived_s) * 1000


def request_id_line(request_id: str) -> bytes:
    return b"x-request-id: %b\r\n" % request_id.encode()


@lru_cache(maxsize=1024)
def content_type_line(content_type: str) -> bytes:
    return b"content-type: %b\r\n" % header_value(content_type)


@lru_cache(maxsize=4096)
def entity_line(entity: str) -> bytes:
    return b"served-model-name: %b\r\n" % header_value(entity)
