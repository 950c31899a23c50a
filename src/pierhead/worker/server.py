"""The door of a worker whose predictions run on the model's own thread."""

import asyncio
import contextlib
import faulthandler
import os
import struct
import sys
import time
import traceback
from collections import deque
from typing import NoReturn

from pierhead.kit import frames
from pierhead.worker.batching import Batcher
from pierhead.worker.config import EXIT_STUCK, WorkerConfig
from pierhead.worker.door import Door
from pierhead.worker.model_thread import STUCK_GRACE_S, Job, ModelThread
from pierhead.worker.scoring import Scorer, refusal
from pierhead.worker.status import StatusFile

_WATCH_EVERY_S = 0.25

# How long an answer may be on its way after its request's time-out; by then its gateway has given up.
_ANSWER_LAG_S = 1.0

# Last words must be out before the model thread's alarm strikes.
_LAST_WORDS_OUT_S = 1.0


class WorkerServer(Door):
    """Reads and writes frames on the event loop; predictions run on the model's thread."""

    def __init__(
        self, config: WorkerConfig, scorer: Scorer, status: StatusFile, *, batcher: Batcher | None = None
    ) -> None:
        super().__init__(config, status)
        self._model = ModelThread(scorer, self._deliver, batcher=batcher)
        self._outstanding: set[Job] = set()
        self._answers: deque[tuple[Job, frames.Response | None]] = deque()
        self._flush_due = False
        self._watch: asyncio.Task[None] | None = None

    def opens(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._model.start()

    def new_link(self) -> "Link":
        return Link(self)

    def is_drained(self, now_s: float) -> bool:
        """Whether nobody waits for an answer any more. A request without a time-out is waited for without end."""
        awaited = [job for job in self._outstanding if not job.cancelled]
        if not awaited:
            return super().is_drained(now_s)
        return all(job.deadline_s is not None and now_s > job.deadline_s + _ANSWER_LAG_S for job in awaited)

    def take(self, job: Job) -> None:
        self._outstanding.add(job)
        self._model.submit(job)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._watch_model())

    def _deliver(self, job: Job, response: frames.Response | None) -> None:
        """On the model's thread: many answers may share one wake-up of the loop."""
        self._answers.append((job, response))
        if not self._flush_due:
            self._flush_due = True
            with contextlib.suppress(RuntimeError):  # The loop is closed: all time-outs were over.
                self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        links: set[Link] = set()
        while self._answers:
            job, response = self._answers.popleft()
            self._outstanding.discard(job)
            job.link.answer(job, response)
            links.add(job.link)
        self._last_busy_s = time.monotonic()
        for link in links:
            link.flush()

    async def _watch_model(self) -> None:
        while self._outstanding:
            if self._model.overdue_s(time.monotonic()) > 0:
                await self._end_stuck()
            await asyncio.sleep(_WATCH_EVERY_S)
        self._watch = None

    async def _end_stuck(self) -> NoReturn:
        """End the process. Gateways hear first which requests it was; those behind them have not died with us."""
        words = f"a prediction went on for more than {STUCK_GRACE_S:g} s after its time-out"
        with contextlib.suppress(OSError):
            self._status.ending(words)
        try:
            faulthandler.dump_traceback()
            self.say_good_bye()
            self._flush()
            for stuck in self._model.running:
                stuck.link.answer(stuck, _response(stuck, 504, "DEADLINE_EXCEEDED", words))
                stuck.link.flush()
            await self.hang_up(_LAST_WORDS_OUT_S)
        except Exception:
            # Nothing may keep a process alive that answers nobody.
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(EXIT_STUCK)


class Link(asyncio.Protocol):
    """One gateway's connection. Answers leave with `flush`: many in one write."""

    def __init__(self, server: WorkerServer) -> None:
        self._server = server
        self._reader = frames.FrameReader()
        self._jobs: dict[int, Job] = {}
        self._frames: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        for job in self._jobs.values():
            job.cancelled = True
        self._server.left(self)

    def data_received(self, data: bytes) -> None:
        for kind, request_id, payload in self._reader.feed(data):
            if kind == frames.REQUEST:
                job = Job(self, frames.decode_request(request_id, payload))
                self._jobs[request_id] = job
                self._server.take(job)
            elif kind == frames.CANCEL and request_id in self._jobs:
                self._jobs[request_id].cancelled = True
            elif kind == frames.PING:
                self.send(frames.encode_signal(frames.PONG, request_id))

    def answer(self, job: Job, response: frames.Response | None) -> None:
        self._jobs.pop(job.request.id, None)
        if response is not None:
            self._frames.append(_frame(job, response))

    def flush(self) -> None:
        if self._frames:
            written, self._frames = self._frames, []
            self.send(b"".join(written))

    def send(self, frame: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame)

    def close(self) -> None:
        self._transport.close()


def _frame(job: Job, response: frames.Response) -> bytes:
    try:
        return frames.encode_response(response)
    except (struct.error, MemoryError) as error:
        # The answers behind this one must not suffer for it.
        message = f"the answer could not be sent: {str(error) or type(error).__name__}"
        return frames.encode_response(_response(job, 500, "INTERNAL_ERROR", message))


def _response(job: Job, status: int, code: str, message: str) -> frames.Response:
    answer = refusal(status, code, message)
    return frames.Response(job.request.id, answer.status, answer.content_type, 0, 0, answer.body)
