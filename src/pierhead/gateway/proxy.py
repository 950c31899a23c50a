"""Everything that is no invocation goes to the api and comes back, piece by piece."""

import asyncio
from dataclasses import dataclass
from weakref import WeakSet

import structlog

from pierhead.gateway.forwarding import request_head, response_lines
from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.http.exchange import Exchange
from pierhead.gateway.http.handler import Handler
from pierhead.gateway.upstream import Upstream, UpstreamPool
from pierhead.kit.clock import monotonic_s

log = structlog.get_logger()

# A request whose body is no longer than this is kept until the answer begins, so that it can be sent again.
_REPLAY_BYTES = 64 * 1024

_MOST_TRIES = 3

_UNAVAILABLE = Refusal(
    503,
    "TEMPORARILY_UNAVAILABLE",
    "the control plane is not answering at this moment; invocations of endpoints still work. Try again",
    b"retry-after: 1\r\n",
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an api that says nothing is waited for. Checked at each sweep of the gateway."""

    answer_s: float = 330
    """From the last byte of the request that it took to the head of its answer. Longer than any call of the api."""
    stall_s: float = 330
    """Without a byte of an answer that has begun and whose caller is ready to read."""


class Proxy:
    """Forwards exchanges to the api."""

    def __init__(
        self,
        pool: UpstreamPool,
        loop: asyncio.AbstractEventLoop,
        patience: Patience | None = None,
        scheme: bytes = b"http",
    ) -> None:
        """`scheme` is what callers speak to us, `http` or `https`."""
        self._pool = pool
        self._loop = loop
        self._patience = patience or Patience()
        self._scheme = scheme
        self._under_way: WeakSet[Forwarded] = WeakSet()

    def serve(self, exchange: Exchange) -> Handler:
        forwarded = Forwarded(exchange, self._pool, self._loop, self._scheme)
        self._under_way.add(forwarded)
        forwarded.start()
        return forwarded

    def sweep(self) -> None:
        """Give up the exchanges about which the api has said nothing for too long."""
        now_s = monotonic_s()
        for forwarded in list(self._under_way):
            forwarded.check(now_s, self._patience)


class Forwarded:
    """An exchange on its way to the api and back. Holds no more of either body than the sockets' buffers do."""

    def __init__(self, exchange: Exchange, pool: UpstreamPool, loop: asyncio.AbstractEventLoop, scheme: bytes) -> None:
        self._exchange = exchange
        self._pool = pool
        self._loop = loop
        self._head = request_head(exchange.head, exchange.peer, scheme)
        self._sent: list[bytes] | None = []
        """All of the body so far, framed; None once it is too long to be sent again."""
        self._sent_bytes = 0
        self._is_complete = False
        self._upstream: Upstream | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._tries = 0
        self._touched_s = 0.0
        """When a byte went to the api or came from it."""
        self._is_caller_full = False

    def start(self) -> None:
        idle = self._pool.take_idle()
        if idle is None:
            self._connect()
        else:
            self._use(idle)

    # --- what the caller does

    def receive(self, chunk: bytes) -> None:
        self._send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._exchange.head.is_chunked else chunk)

    def complete(self) -> None:
        self._is_complete = True
        if self._exchange.head.is_chunked:
            self._send(b"0\r\n\r\n")

    def hung_up(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        self._drop_upstream()

    def pause_writing(self) -> None:
        self._is_caller_full = True
        if self._upstream is not None:
            self._upstream.pause()

    def resume_writing(self) -> None:
        self._is_caller_full = False
        self._touched_s = monotonic_s()
        if self._upstream is not None:
            self._upstream.resume()

    # --- what the api does

    def upstream_answers(self, status: int, reason: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self._sent = None
        self._touched_s = monotonic_s()
        lines, length = response_lines(headers)
        self._exchange.begin(status, reason, lines, length)

    def upstream_sends(self, chunk: bytes) -> None:
        self._touched_s = monotonic_s()
        self._exchange.write(chunk)

    def upstream_ended(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            if self._is_complete and upstream.is_kept_alive:
                self._pool.give_back(upstream)
            else:
                upstream.abandon()
        self._exchange.finish()

    def upstream_lost(self, *, was_read: bool) -> None:
        self._upstream = None
        if self._exchange.is_begun:
            self._exchange.abort()
        elif self._can_retry(was_read):
            self._connect()
        else:
            log.warning("api broke off", path=self._exchange.head.target.decode("latin-1").partition("?")[0])
            self._exchange.refuse(_UNAVAILABLE)

    def upstream_full(self) -> None:
        self._exchange.pause_body()

    def upstream_free(self) -> None:
        self._touched_s = monotonic_s()
        self._exchange.resume_body()

    # --- what the proxy does

    def check(self, now_s: float, patience: Patience) -> None:
        """Give up if the api has been silent for too long. Connecting has a limit of its own."""
        if self._upstream is None or self._is_caller_full:
            return
        silence_s = now_s - self._touched_s
        path = self._exchange.head.target.decode("latin-1").partition("?")[0]
        if self._exchange.is_begun:
            if silence_s > patience.stall_s:
                log.error("api stopped in the middle of an answer", path=path, silence_s=round(silence_s, 1))
                self._drop_upstream()
                self._exchange.abort()
        elif silence_s > patience.answer_s:
            log.error("api does not answer", path=path, silence_s=round(silence_s, 1))
            self._drop_upstream()
            self._exchange.refuse(_too_late(patience.answer_s))

    # --- details

    def _can_retry(self, was_read: bool) -> bool:
        """What the api never read can be sent again, whatever it is; what it may have begun only if nothing changes."""
        if self._sent is None or self._tries >= _MOST_TRIES:
            return False
        return not was_read or (self._exchange.head.method in ("GET", "HEAD") and self._tries < 2)

    def _send(self, data: bytes) -> None:
        if self._sent is not None:
            self._sent.append(data)
            self._sent_bytes += len(data)
        if self._upstream is not None:
            self._touched_s = monotonic_s()
            self._upstream.write(data)
            self._forget_what_is_long()

    def _forget_what_is_long(self) -> None:
        if self._sent_bytes > _REPLAY_BYTES:
            self._sent = None

    def _connect(self) -> None:
        # No body may pile up here while there is no way to send it on.
        self._exchange.pause_body()
        self._connecting = self._loop.create_task(self._connect_and_use())

    async def _connect_and_use(self) -> None:
        try:
            upstream = await self._pool.connect()
        except OSError as error:
            log.error("api cannot be reached", error=str(error))
            self._connecting = None
            self._exchange.refuse(_UNAVAILABLE)
            return
        self._connecting = None
        if self._exchange.is_gone or self._exchange.is_answered:
            upstream.abandon()
            return
        self._use(upstream)

    def _use(self, upstream: Upstream) -> None:
        self._tries += 1
        self._touched_s = monotonic_s()
        self._upstream = upstream
        upstream.begin(self, is_head=self._exchange.head.method == "HEAD")
        self._exchange.resume_body()
        upstream.write(b"".join((self._head, *(self._sent or ()))))
        self._forget_what_is_long()
        self._exchange.send_continue()

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abandon()


def _too_late(answer_s: float) -> Refusal:
    return Refusal(
        504,
        "DEADLINE_EXCEEDED",
        f"the control plane did not answer within {answer_s:g} s; what was asked may still be carried out. "
        "Look before you try again; invocations of endpoints still work",
    )
