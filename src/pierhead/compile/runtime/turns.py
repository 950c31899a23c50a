"""The door of a compiled worker: whatever arrives in one turn of the event loop is answered together, in that turn."""

import asyncio
import signal
import struct
import time
import traceback
from typing import NamedTuple

from pierhead.compile.runtime.declining import Declined
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.kit import frames
from pierhead.worker.config import WorkerConfig
from pierhead.worker.door import Door
from pierhead.worker.model_thread import STUCK_GRACE_S
from pierhead.worker.status import StatusFile

_WITHOUT_TIME_OUT_S = 297.0


class _Waiting(NamedTuple):
    link: "TurnLink"
    request: frames.Request


class TurnServer(Door):
    """Runs the network on the event loop: a turn costs microseconds a request, a thread would cost more."""

    def __init__(self, config: WorkerConfig, scorer: CompiledScorer, status: StatusFile) -> None:
        super().__init__(config, status)
        self._scorer = scorer
        self._waiting: list[_Waiting] = []
        self._arrived_s = 0.0

    def opens(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def new_link(self) -> "TurnLink":
        return TurnLink(self)

    def is_drained(self, now_s: float) -> bool:
        return not self._waiting and super().is_drained(now_s)

    def take(self, link: "TurnLink", request: frames.Request) -> None:
        if not self._waiting:
            self._arrived_s = time.monotonic()
            self._loop.call_soon(self._turn)
        self._waiting.append(_Waiting(link, request))

    def forget(self, link: "TurnLink", request_id: int | None) -> None:
        """Nobody waits for this request, or for any of the link's, any more."""
        self._waiting[:] = [
            waiting
            for waiting in self._waiting
            if waiting.link is not link or request_id not in (None, waiting.request.id)
        ]

    def _turn(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        began_s = time.monotonic()
        # The kernel ends the process if the network never comes back: nobody else could while it holds the loop.
        longest_s = max(turn.request.timeout_ms for turn in waiting) / 1000 or _WITHOUT_TIME_OUT_S
        signal.setitimer(signal.ITIMER_REAL, longest_s + STUCK_GRACE_S)
        try:
            self._answer(waiting, began_s)
        except Exception:
            # No memory for the answers, most likely. Those who got none would wait for ever; when their links break,
            # the gateways ask again, here or elsewhere.
            traceback.print_exc()
            for link in {turn.link for turn in waiting}:
                link.abort()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _answer(self, waiting: list[_Waiting], began_s: float) -> None:
        outcomes = self._scorer.score_many([(turn.request.content_type, turn.request.body) for turn in waiting])
        self._last_busy_s = time.monotonic()
        queue_us = int((began_s - self._arrived_s) * 1e6)
        predict_us = int((self._last_busy_s - began_s) * 1e6)
        answers: dict[TurnLink, list[bytes]] = {}
        for (link, request), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, Declined):
                frame = frames.encode_declined(request.id, outcome.reason)
            else:
                status, body, content_type, _ = outcome
                frame = frames.encode_response(
                    frames.Response(request.id, status, content_type, queue_us, predict_us, body)
                )
            answers.setdefault(link, []).append(frame)
        for link, written in answers.items():
            link.send(b"".join(written))


class TurnLink(asyncio.Protocol):
    """One gateway's connection."""

    def __init__(self, server: TurnServer) -> None:
        self._server = server
        self._reader = frames.FrameReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # what unix servers make
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self._server.forget(self, None)
        self._server.left(self)

    def data_received(self, data: bytes) -> None:
        for kind, request_id, payload in self._reader.feed(data):
            if kind == frames.REQUEST:
                try:
                    request = frames.decode_request(request_id, payload)
                except struct.error:
                    self._transport.abort()
                    return
                self._server.take(self, request)
            elif kind == frames.CANCEL:
                self._server.forget(self, request_id)
            elif kind == frames.PING:
                self.send(frames.encode_signal(frames.PONG, request_id))

    def send(self, frame: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        """Leave at once."""
        self._transport.abort()
