"""The worker's door: a unix socket that speaks the frames of `kit.frames` with any number of gateways at once."""

import asyncio
import contextlib
import faulthandler
import os
import signal
import time
from collections import deque

from pierhead.kit import frames
from pierhead.worker.config import EXIT_STUCK, WorkerConfig
from pierhead.worker.model_thread import Job, ModelThread
from pierhead.worker.scoring import Scorer
from pierhead.worker.status import StatusFile

# With nothing outstanding for this long, no gateway that heard GOAWAY will send more.
_QUIET_S = 1.0
_WATCH_EVERY_S = 0.25


class WorkerServer:
    """Reads and writes frames on the event loop; predictions run on the model's thread."""

    def __init__(self, config: WorkerConfig, scorer: Scorer, status: StatusFile) -> None:
        self._config = config
        self._status = status
        self._model = ModelThread(scorer, self._deliver, stuck_grace_s=config.stuck_grace_s)
        self._links: set[Link] = set()
        self._outstanding = 0
        self._last_busy_s = time.monotonic()
        self._answers: deque[tuple[Job, frames.Response | None]] = deque()
        self._flush_due = False
        self._watch: asyncio.Task[None] | None = None
        self._draining = False

    async def run(self, *, message: str, load_ms: int) -> None:
        """Listen, say so, and return when told to stop and all is answered (or the drain limit is over)."""
        self._loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        self._loop.add_signal_handler(signal.SIGTERM, stop.set)
        # The model's thread counts on the kernel's own answer to the alarm: the end.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        self._model.start()
        self._config.socket.unlink(missing_ok=True)
        listener = await self._loop.create_unix_server(lambda: Link(self), str(self._config.socket), backlog=512)
        self._config.socket.chmod(0o600)
        self._status.ready(message, load_ms)
        await stop.wait()
        # Those still waiting to be accepted get their link, so that they hear GOAWAY instead of silence.
        await asyncio.sleep(0)
        listener.close()
        self._config.socket.unlink(missing_ok=True)
        await self._drain()

    async def _drain(self) -> None:
        self._draining = True
        self._status.draining()
        for link in self._links:
            link.send(frames.encode_signal(frames.GOAWAY))
        limit_s = time.monotonic() + self._config.drain_limit_s
        self._last_busy_s = time.monotonic()
        while self._links and time.monotonic() < limit_s:
            if not self._outstanding and time.monotonic() - self._last_busy_s > _QUIET_S:
                break
            await asyncio.sleep(0.01)
        for link in list(self._links):
            link.close()
        # A link leaves when its last bytes are out.
        while self._links and time.monotonic() < limit_s:
            await asyncio.sleep(0.01)

    def joined(self, link: "Link") -> None:
        self._links.add(link)
        if self._draining:
            link.send(frames.encode_signal(frames.GOAWAY))

    def left(self, link: "Link") -> None:
        self._links.discard(link)

    def take(self, job: Job) -> None:
        self._outstanding += 1
        self._model.submit(job)
        if self._watch is None:
            self._watch = self._loop.create_task(self._watch_model())

    def _deliver(self, job: Job, response: frames.Response | None) -> None:
        """On the model's thread: many answers may share one wake-up of the loop."""
        self._answers.append((job, response))
        if not self._flush_due:
            self._flush_due = True
            with contextlib.suppress(RuntimeError):  # The loop is closed: the drain limit was over.
                self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        while self._answers:
            job, response = self._answers.popleft()
            self._outstanding -= 1
            self._last_busy_s = time.monotonic()
            job.link.answer(job, response)

    async def _watch_model(self) -> None:
        while self._outstanding:
            if self._model.overdue_s(time.monotonic()) > 0:
                self._end_stuck()
            await asyncio.sleep(_WATCH_EVERY_S)
        self._watch = None

    def _end_stuck(self) -> None:
        grace_s = self._config.stuck_grace_s
        self._status.ending(f"a prediction went on for more than {grace_s:g} s after its time-out")
        faulthandler.dump_traceback()
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
            self.send(frames.encode_response(response))

    def send(self, frame: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(frame)

    def close(self) -> None:
        self._transport.close()
