"""The worker's door: a unix socket that speaks the frames of `kit.frames` with any number of gateways at once."""

import asyncio
import contextlib
import signal
import time
from typing import Protocol

from pierhead.kit import frames
from pierhead.worker.config import WorkerConfig
from pierhead.worker.status import StatusFile

# With nothing outstanding for this long, no gateway that heard GOAWAY will send more.
QUIET_S = 1.0

# For what was written last to leave.
_ANSWERS_OUT_S = 30.0


class AnyLink(Protocol):
    """One gateway's connection."""

    def send(self, frame: bytes) -> None: ...

    def close(self) -> None:
        """Leave when the last bytes are out."""


class Door:
    """Opens when the model is ready, closes when told to stop. What happens to requests is its heirs' affair."""

    def __init__(self, config: WorkerConfig, status: StatusFile) -> None:
        self._config = config
        self._status = status
        self._links: set[AnyLink] = set()
        self._last_busy_s = time.monotonic()
        self._draining = False

    async def run(self, *, message: str, load_ms: int) -> None:
        """Listen, say so, and return when told to stop and all is answered, or every time-out is over."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        # Whoever runs a model counts on the kernel's own answer to the alarm: the end.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        self.opens(loop)
        self._config.socket.unlink(missing_ok=True)
        self._listener = await loop.create_unix_server(self.new_link, str(self._config.socket), backlog=512)
        self._config.socket.chmod(0o600)
        self._status.ready(message, load_ms)
        await stop.wait()
        # Those still waiting to be accepted get their link, so that they hear GOAWAY instead of silence.
        await asyncio.sleep(0)
        # A full disk must not cost anybody an answer.
        with contextlib.suppress(OSError):
            self._status.draining()
        self.say_good_bye()
        self._last_busy_s = time.monotonic()
        while self._links and not self.is_drained(time.monotonic()):
            await asyncio.sleep(0.01)
        await self.hang_up(_ANSWERS_OUT_S)

    def opens(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called once, before the first link."""
        raise NotImplementedError

    def new_link(self) -> asyncio.Protocol:
        """For a connection that comes in."""
        raise NotImplementedError

    def is_drained(self, now_s: float) -> bool:
        """Whether nobody waits for an answer any more."""
        return now_s - self._last_busy_s > QUIET_S

    def say_good_bye(self) -> None:
        """Let nobody new in, and have the gateways take their next requests elsewhere."""
        self._draining = True
        self._listener.close()
        self._config.socket.unlink(missing_ok=True)
        for link in self._links:
            link.send(frames.encode_signal(frames.GOAWAY))

    async def hang_up(self, patience_s: float) -> None:
        for link in list(self._links):
            link.close()
        # A link leaves when its last bytes are out.
        limit_s = time.monotonic() + patience_s
        while self._links and time.monotonic() < limit_s:
            await asyncio.sleep(0.01)

    def joined(self, link: AnyLink) -> None:
        self._links.add(link)
        if self._draining:
            link.send(frames.encode_signal(frames.GOAWAY))

    def left(self, link: AnyLink) -> None:
        self._links.discard(link)
