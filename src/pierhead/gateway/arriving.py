"""An invocation whose body is on its way in."""

from pierhead.gateway.asker import Asker
from pierhead.gateway.desk import Desk
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.invocation import Invocation
from pierhead.gateway.request_ids import request_id_line


class Arriving:
    """The `Handler` that takes the body, and hands everything on to an `Invocation` once it has it."""

    __slots__ = ("_arriving", "_desk", "_exchange", "_held_bytes", "_invocation")

    def __init__(self, desk: Desk, exchange: Exchange, asker: Asker, arrived_s: float) -> None:
        """Of this request everything is known but the body; its time-out counts from `arrived_s`."""
        self._desk = desk
        self._exchange = exchange
        self._invocation = Invocation(desk, exchange, asker, arrived_s)
        # One stretch of memory: a list of tiny chunks would take many times what they bring.
        self._arriving = bytearray()
        self._held_bytes = 0

    def receive(self, chunk: bytes) -> None:
        size = len(chunk)
        refusal = self._desk.refuse_size(self._held_bytes + size, size)
        if refusal is None:
            self._held_bytes += size
            self._desk.held_bytes += size
            self._arriving += chunk
        else:
            self._refuse(refusal)

    def complete(self) -> None:
        invocation = self._invocation
        endpoint = self._desk.dispatcher.find(invocation.target)
        if isinstance(endpoint, Refusal):
            self._refuse(endpoint)
            return
        raw = bytes(self._arriving)
        pool = invocation.choose(endpoint, raw)
        if isinstance(pool, Refusal):
            self._refuse(pool)
            return
        self._let_go()
        self._exchange.handler = invocation
        invocation.begin(pool, raw)

    def hung_up(self) -> None:
        self._let_go()

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass

    def _refuse(self, refusal: Refusal) -> None:
        self._let_go()
        self._exchange.refuse(refusal, request_id_line(self._invocation.request_id))

    def _let_go(self) -> None:
        self._desk.held_bytes -= self._held_bytes
        self._held_bytes = 0
        self._arriving = bytearray()
