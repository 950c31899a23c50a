"""A persistent connection to one worker."""

import asyncio
import socket
import struct
from typing import Protocol, cast

import structlog

from pierhead.gateway.calls import Call
from pierhead.gateway.doubts import DOUBT_S, seems_to_hang
from pierhead.kit.clock import monotonic_s
from pierhead.kit.frames import (
    CANCEL,
    DECLINED,
    GOAWAY,
    RESPONSE,
    FrameReader,
    FrameTooLong,
    Request,
    decode_declined,
    decode_response,
    encode_request,
    encode_signal,
)

log = structlog.get_logger()

_WRITE_BUFFER_BYTES = 256 * 1024

# No answer of a model is longer: what claims to be is no frame.
_LONGEST_PAYLOAD_BYTES = 256 * 1024 * 1024

# What a request frame can carry; nobody sends so long a content type in earnest.
_LONGEST_CONTENT_TYPE = 1000
_LONGEST_TIMEOUT_MS = 2**32 - 1


class LinkOwner(Protocol):
    """Who hears of a link's changes."""

    def link_declined(self, call: Call, reason: str) -> None:
        """A call has left the link without an answer: the worker says that only the original has one."""

    def link_answered(self) -> None:
        """All that one read brought is taken: some calls have left the link."""

    def link_free(self) -> None:
        """The link can take calls again, or another suspect."""

    def link_goes_away(self) -> None:
        """The worker takes nothing new."""

    def link_closed(self, orphans: list[Call], *, is_death: bool) -> None:
        """The link is gone, with calls that had no answer. `is_death` unless the worker had said good-bye."""


class WorkerLink(asyncio.Protocol):
    """All frames of one turn of the event loop leave in one write."""

    def __init__(self, path: str, owner: LinkOwner, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self.in_flight: dict[int, Call] = {}
        self.suspect: Call | None = None
        """The one call among those in flight that has seen a worker die."""
        self.is_doubted = False
        """Whether it seems to hang: calls go elsewhere while they can."""
        self._doubted_s = self._heard_s = monotonic_s()
        self._owner = owner
        self._loop = loop
        self._reader = FrameReader(_LONGEST_PAYLOAD_BYTES)
        self._frames: list[bytes] = []
        self._frames_bytes = 0
        self._last_id = 0
        self._transport: asyncio.Transport | None = None
        self.is_accepting = False
        """Whether it takes one more call, as far as the socket and the worker's good-byes go."""
        self._is_full = False
        self._is_going = False
        self._is_closed = False

    async def open(self, connection: socket.socket) -> None:
        """Take over a connected socket. Raises OSError."""
        try:
            await self._loop.create_unix_connection(lambda: self, sock=connection)
        except BaseException:
            connection.close()
            raise

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def send(self, call: Call) -> None:
        """Hand a call to the worker. Only while `is_accepting`."""
        self._last_id = frame_id = self._last_id + 1
        now_s = monotonic_s()
        call.link = self
        call.frame_id = frame_id
        call.sent_s = now_s
        if call.losses:
            self.suspect = call
        self.in_flight[frame_id] = call
        timeout_ms = int((call.deadline_s - now_s) * 1000)
        if not 0 < timeout_ms <= _LONGEST_TIMEOUT_MS:
            timeout_ms = 1 if timeout_ms <= 0 else _LONGEST_TIMEOUT_MS
        self._put(encode_request(Request(frame_id, call.content_type[:_LONGEST_CONTENT_TYPE], timeout_ms, call.body)))

    def cancel(self, call: Call) -> None:
        """Nobody waits for this call any more."""
        if self.in_flight.pop(call.frame_id, None) is None:
            return
        call.link = None
        if self.suspect is call:
            self.suspect = None
        self._put(encode_signal(CANCEL, call.frame_id))
        self._owner.link_free()
        self._close_if_done()

    def give_up(self, call: Call, now_s: float) -> None:
        """As `cancel`, for a call that is overdue; it leaves a doubt."""
        if seems_to_hang(now_s - max(self._heard_s, call.sent_s), call.timeout_s):
            self.is_doubted = True
            self._doubted_s = now_s
        self.cancel(call)

    def relent(self, now_s: float) -> None:
        """Trust it again if it is still there long after a doubt."""
        if self.is_doubted and now_s - self._doubted_s >= DOUBT_S:
            self._trust()

    def finish(self) -> None:
        """Take nothing new; close when all is answered."""
        self._is_going = True
        self._look()
        self._close_if_done()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # --- what the event loop tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES, low=_WRITE_BUFFER_BYTES // 4)
        self._look()

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except FrameTooLong as error:
            self._break_off(str(error))
            return
        self._heard_s = now_s = monotonic_s()
        if self.is_doubted:
            self._trust()
        for kind, frame_id, payload in frames:
            if kind == RESPONSE:
                # A call that was cancelled may be answered all the same.
                if frame_id in self.in_flight and not self._take(frame_id, payload, now_s):
                    break
            elif kind == DECLINED:
                self._hand_back(frame_id, payload)
            elif kind == GOAWAY:
                self._is_going = True
                self._look()
                self._owner.link_goes_away()
        if frames:
            self._owner.link_answered()
            self._close_if_done()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._is_closed = True
        self._look()
        orphans = list(self.in_flight.values())
        self.in_flight.clear()
        self._frames.clear()
        self.suspect = None
        for call in orphans:
            call.link = None
        self._owner.link_closed(orphans, is_death=not self._is_going)

    def pause_writing(self) -> None:
        self._is_full = True
        self._look()

    def resume_writing(self) -> None:
        self._is_full = False
        self._look()
        self._owner.link_free()

    # --- details

    def _trust(self) -> None:
        self.is_doubted = False
        self._owner.link_free()

    def _look(self) -> None:
        """Kept as a fact: it is asked for with each call, and changes rarely."""
        self.is_accepting = (
            self._transport is not None
            and not self._is_full
            and not self._is_going
            and not self._is_closed
            and self._frames_bytes < _WRITE_BUFFER_BYTES
        )

    def _take(self, frame_id: int, payload: bytes, now_s: float) -> bool:
        try:
            response = decode_response(frame_id, payload)
        except struct.error as error:
            self._break_off(str(error))
            return False
        call = self.in_flight.pop(frame_id)
        call.link = None
        if self.suspect is call:
            self.suspect = None
        call.answered(response, now_s)
        return True

    def _hand_back(self, frame_id: int, payload: bytes) -> None:
        call = self.in_flight.pop(frame_id, None)
        if call is None:
            return
        call.link = None
        if self.suspect is call:
            self.suspect = None
        self._owner.link_declined(call, decode_declined(payload))

    def _break_off(self, reason: str) -> None:
        log.error("worker breaks the protocol", socket=self.path, reason=reason)
        self.abort()

    def _put(self, frame: bytes) -> None:
        if not self._frames:
            self._loop.call_soon(self._flush)
        self._frames.append(frame)
        self._frames_bytes += len(frame)
        if self._frames_bytes >= _WRITE_BUFFER_BYTES:
            self.is_accepting = False

    def _flush(self) -> None:
        frames, self._frames = self._frames, []
        had_room, self._frames_bytes = self._frames_bytes < _WRITE_BUFFER_BYTES, 0
        # uvloop raises where asyncio only logs.
        if frames and self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))
        if not had_room:
            self._look()
            self._owner.link_free()
        self._close_if_done()

    def _close_if_done(self) -> None:
        done = self._is_going and not self.in_flight and not self._frames
        if done and self._transport is not None and not self._transport.is_closing():
            self._transport.close()
