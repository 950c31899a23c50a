"""The gateway process."""

import asyncio
import gc
import os
import resource
import signal

import structlog
import uvloop

from pierhead.gateway.config import GatewayConfig
from pierhead.gateway.dispatch import Dispatcher
from pierhead.gateway.front import Front
from pierhead.gateway.http.connection import Site
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.http.listener import Listener
from pierhead.gateway.invocation import Desk, InvocationLimits
from pierhead.gateway.invocations import Invocations
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.proxy import Patience, Proxy
from pierhead.gateway.snapshot_follower import SnapshotFollower
from pierhead.gateway.traffic import Traffic, TrafficFile
from pierhead.gateway.turn import Spool, Turn
from pierhead.gateway.upstream import UpstreamPool
from pierhead.kit.clock import Clock, SystemClock, monotonic_s
from pierhead.kit.spool import SpoolWriter
from pierhead.serving.domain.snapshot import Snapshot

log = structlog.get_logger()

__all__ = ["Gateway", "GatewayConfig", "run"]

_TRAFFIC_EVERY_S = 1.0
_DRAIN_FOR_S = 30.0
_DRAIN_STEP_S = 0.02


def run(config: GatewayConfig) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is in flight and return. Closes the descriptor it is given."""
    _allow_many_connections()
    spool = SpoolWriter(config.spool, f"gateway-{config.gateway_id}")
    try:
        uvloop.run(_serve(config, spool))
    finally:
        spool.close()


async def _serve(config: GatewayConfig, spool: Spool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(config, spool, SystemClock(), loop)
    # The listener has a copy. With this one open too, callers would still be let in while we drain, and never served.
    os.close(config.listen_fd)
    gateway.start()
    # What lives now lives for ever: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    await stop.wait()
    await gateway.stop()


class Gateway:
    """All parts of a gateway, joined."""

    def __init__(
        self,
        config: GatewayConfig,
        spool: Spool,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._loop = loop
        self._limits = limits or Limits()
        self._dispatcher = Dispatcher(loop, config.queue_limit)
        self._turn = Turn(spool, loop)
        self._traffic = Traffic(config.gateway_id)
        self._traffic_file = TrafficFile(config.traffic_folder, config.gateway_id)
        invocation_limits = InvocationLimits(config.max_body_bytes, config.invocation_timeout_s)
        self._desk = Desk(self._dispatcher, self._turn, self._traffic, invocation_limits)
        self._upstreams = UpstreamPool(str(config.api_socket), loop)
        self._proxy = Proxy(self._upstreams, loop, patience)
        self._site = Site(Front(Invocations(self._desk, clock), self._proxy).serve, self._limits, loop)
        self._listener = Listener(config.listen_fd, self._site, loop)
        self._follower = SnapshotFollower(config.snapshot, self._dispatcher.follow, loop)
        self._chores: list[asyncio.Task[None]] = []

    @property
    def snapshot(self) -> Snapshot:
        """What this gateway routes by."""
        return self._dispatcher.snapshot

    @property
    def connections(self) -> int:
        """How many callers are connected."""
        return len(self._site.open)

    @property
    def held_bytes(self) -> int:
        """Bodies of invocations that have no answer yet."""
        return self._desk.held_bytes

    @property
    def idle_upstreams(self) -> int:
        """How many connections to the api wait for a request."""
        return self._upstreams.idle

    def pools(self) -> list[EntityPool]:
        """The calls under way, by served entity."""
        return self._dispatcher.pools()

    def start(self) -> None:
        """Load the snapshot, then accept."""
        self._follower.start()
        self._chores = [self._loop.create_task(self._sweep()), self._loop.create_task(self._report())]
        self._listener.start()

    async def stop(self, grace_s: float = _DRAIN_FOR_S) -> None:
        """Accept nothing new, answer what is in flight for at most `grace_s`, then close everything."""
        self._listener.stop()
        self._site.drain()
        until_s = monotonic_s() + grace_s
        while (self._site.open or self._listener.is_greeting) and monotonic_s() < until_s:
            await asyncio.sleep(_DRAIN_STEP_S)
            # Whoever was being greeted a moment ago is here now.
            self._site.drain()
        if self._site.open:
            log.warning("stopped with requests in flight", connections=len(self._site.open))
        self._follower.stop()
        for chore in self._chores:
            chore.cancel()
        self._site.abort()
        self._turn.flush()
        self._dispatcher.close()
        self._upstreams.close()
        self._write_traffic()
        # The event loop tells everybody that their connection is gone.
        await asyncio.sleep(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._limits.sweep_s)
            self._site.sweep()
            self._proxy.sweep()

    async def _report(self) -> None:
        while True:
            self._write_traffic()
            await asyncio.sleep(_TRAFFIC_EVERY_S)

    def _write_traffic(self) -> None:
        report = self._traffic.report(self.pools(), self._turn.records_dropped)
        self._traffic_file.write(report)


def _allow_many_connections() -> None:
    """Every caller costs a descriptor: take all that the system grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
