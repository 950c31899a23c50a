"""The worker's door: a unix socket that speaks the frames of `kit.frames` with any number of gateways at once."""

import asyncio
import contextlib
import faulthandler
import os
import signal
import struct
import sys
import time
import traceback
from collections import deque
from typing import NoReturn

from pierhead.kit import frames
from pierhead.worker.config import EXIT_STUCK, WorkerConfig
from pierhead.worker.model_thread import STUCK_GRACE_S, Job, ModelThread
from pierhead.worker.scoring import Scorer, refusal
from pierhead.worker.status import StatusFile

# With nothing outstanding for this long, no gateway that heard GOAWAY will send more.
_QUIET_S = 1.0
_WATCH_EVERY_S = 0.25

# How long an answer may be on its way after its request's time-out; by then its gateway has given up.
_ANSWER_LAG_S = 1.0

# For what was written last to leave; last words must be out before the model thread's alarm strikes.
_ANSWERS_OUT_S = 30.0
_LAST_WORDS_OUT_S = 1.0


class WorkerServer:
    """Reads and writes frames on the event loop; predictions run on the model's thread."""

    def __init__(self, config: WorkerConfig, scorer: Scorer, status: StatusFile) -> None:
        self._config = config
        self._status = status
        self._model = ModelThread(scorer, self._deliver)
        self._links: set[Link] = set()
        self._outstanding: set[Job] = set()
        self._last_busy_s = time.monotonic()
        self._answers: deque[tuple[Job, frames.Response | None]] = deque()
        self._flush_due = False
        self._watch: asyncio.Task[None] | None = None
        self._draining = False

    async def run(self, *, message: str, load_ms: int) -> None:
        """Listen, say so, and return when told to stop and all is answered, or every time-out is over."""
        self._loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        self._loop.add_signal_handler(signal.SIGTERM, stop.set)
        # The model's thread counts on the kernel's own answer to the alarm: the end.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        self._model.start()
        self._config.socket.unlink(missing_ok=True)
        self._listener = await self._loop.create_unix_server(lambda: Link(self), str(self._config.socket), backlog=512)
        self._config.socket.chmod(0o600)
        self._status.ready(message, load_ms)
        await stop.wait()
        # Those still waiting to be accepted get their link, so that they hear GOAWAY instead of silence.
        await asyncio.sleep(0)
        # A full disk must not cost anybody an answer.
        with contextlib.suppress(OSError):
            self._status.draining()
        self._say_good_bye()
        self._last_busy_s = time.monotonic()
        while self._links and not self.is_drained(time.monotonic()):
            await asyncio.sleep(0.01)
        await self._hang_up(_ANSWERS_OUT_S)

    def _say_good_bye(self) -> None:
        """Let nobody new in, and have the gateways take their next requests elsewhere."""
        self._draining = True
        self._listener.close()
        self._config.socket.unlink(missing_ok=True)
        for link in self._links:
            link.send(frames.encode_signal(frames.GOAWAY))

    def is_drained(self, now_s: float) -> bool:
        """Whether nobody waits for an answer any more. A request without a time-out is waited for without end."""
        awaited = [job for job in self._outstanding if not job.cancelled]
        if not awaited:
            return now_s - self._last_busy_s > _QUIET_S
        return all(job.deadline_s is not None and now_s > job.deadline_s + _ANSWER_LAG_S for job in awaited)

    async def _hang_up(self, patience_s: float) -> None:
        for link in list(self._links):
            link.close()
        # A link leaves when its last bytes are out.
        limit_s = time.monotonic() + patience_s
        while self._links and time.monotonic() < limit_s:
            await asyncio.sleep(0.01)

    def joined(self, link: "Link") -> None:
        self._links.add(link)
        if self._draining:
            link.send(frames.encode_signal(frames.GOAWAY))

    def left(self, link: "Link") -> None:
        self._links.discard(link)

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
        while self._answers:
            job, response = self._answers.popleft()
            self._outstanding.discard(job)
            self._last_busy_s = time.monotonic()
            job.link.answer(job, response)

    async def _watch_model(self) -> None:
        while self._outstanding:
            if self._model.overdue_s(time.monotonic()) > 0:
                await self._end_stuck()
            await asyncio.sleep(_WATCH_EVERY_S)
        self._watch = None

    async def _end_stuck(self) -> NoReturn:
        """End the process. Gateways hear first which request it was; those behind it have not died with us."""
        words = f"a prediction went on for more than {STUCK_GRACE_S:g} s after its time-out"
        with contextlib.suppress(OSError):
            self._status.ending(words)
        try:
            faulthandler.dump_traceback()
            self._say_good_bye()
            self._flush()
            stuck = self._model.running
            if stuck is not None:
                stuck.link.answer(stuck, _response(stuck, 504, "DEADLINE_EXCEEDED", words))
            await self._hang_up(_LAST_WORDS_OUT_S)
        except Exception:
            # Nothing may keep a process alive that answers nobody.
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(EXIT_STUCK)


class Link(asyncio.Protocol):
    """One gateway's connection."""

    def __init__(self, server: WorkerServer) -> None:
        self._server = server
        self._reader = frames.FrameReader()
        self._jobs: dict[int, Job] = {}

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
            self.send(_frame(job, response))

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
