"""All parts of a gateway, joined."""

import asyncio
import os
from collections.abc import Callable

import structlog

from pierhead.gateway.access_log import AccessLog
from pierhead.gateway.config import GatewayConfig
from pierhead.gateway.desk import Desk, InvocationLimits
from pierhead.gateway.dispatch import Bounds, Dispatcher
from pierhead.gateway.front import Front
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.http.listener import Listener
from pierhead.gateway.http.site import Site
from pierhead.gateway.http.tls import lasting_tls_context
from pierhead.gateway.invocations import Invocations
from pierhead.gateway.nudge import Nudge
from pierhead.gateway.observations import FLUSH_EVERY_S, Observations, spools_in
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.proxy import Patience, Proxy
from pierhead.gateway.samples import Samples
from pierhead.gateway.shadows import Shadows
from pierhead.gateway.shared_limits import EVERY_S, SharedLimits
from pierhead.gateway.snapshot_follower import SnapshotFollower
from pierhead.gateway.traffic import TrafficFile
from pierhead.gateway.turn import Spool, Turn
from pierhead.gateway.upstream import UpstreamPool
from pierhead.gateway.wall_clock import WallClock
from pierhead.kit.clock import Clock, monotonic_s
from pierhead.serving.domain.snapshot import Snapshot
from pierhead.serving.domain.traffic import GatewayTraffic

log = structlog.get_logger()

_TRAFFIC_EVERY_S = 1.0
# With a thousand endpoints it takes milliseconds to tell, and those who must wait may come in every turn.
_TELL_EVERY_S = 0.02
_EXPIRE_EVERY_S = 0.05
_FLUSH_EVERY_S = 0.5
_DRAIN_FOR_S = 30.0
_RETIRE_FOR_S = 10.0
_DRAIN_STEP_S = 0.02


class Gateway:
    """Accepts, answers, reports; everything it decides is decided in its parts."""

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
        self._turn = Turn(spool, loop)
        wall_clock = WallClock(clock)
        folder = config.observations_folder or config.traffic_folder.parent / "observations"
        self._observations = Observations(spools_in(folder, config.gateway_id), loop)
        self._shadows = Shadows(self._observations, self._turn, wall_clock, loop, config.shadow_bytes)
        self._dispatcher = Dispatcher(
            loop, Bounds(config.queue_limit), self._tell_of_held, self._turn.flush, self._shadows.wake
        )
        samples_folder = config.samples_folder or config.traffic_folder.parent / "samples"
        self._samples = Samples(samples_folder, config.gateway_id)
        self._access_log = AccessLog(config.access_log_fd, config.access_log_rate, wall_clock)
        self._desk = Desk(
            self._dispatcher,
            self._turn,
            wall_clock,
            self._samples,
            self._access_log,
            InvocationLimits(config.max_body_bytes, config.invocation_timeout_s),
            self._observations,
            self._shadows,
        )
        self._nudge = Nudge(config.nudge_socket)
        self._is_telling = False
        self._told_s = 0.0
        self._traffic_file = TrafficFile(config.traffic_folder, config.gateway_id)
        self._shared = SharedLimits(config.traffic_folder, config.gateway_id) if config.gateways > 1 else None
        self._upstreams = UpstreamPool(str(config.api_socket), loop)
        kept = config.traffic_folder.parent / "tls.pem"
        tls = lasting_tls_context(config.tls_certificate, config.tls_key, kept)
        self._proxy = Proxy(self._upstreams, loop, patience, scheme=b"http" if tls is None else b"https")
        self._invocations = Invocations(self._desk)
        self._site = Site(Front(self._invocations, self._proxy).serve, self._limits, loop)
        self._listener = Listener(config.listen_fd, self._site, loop, tls)
        self._follower = SnapshotFollower(config.snapshot, self._follow, loop)
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
    def shadow_bytes(self) -> int:
        """Bodies of copies that are not over."""
        return self._shadows.held_bytes

    @property
    def idle_upstreams(self) -> int:
        """How many connections to the api wait for a request."""
        return self._upstreams.idle

    @property
    def shortcuts(self) -> int:
        """How many heads need not be read again."""
        return len(self._site.shortcuts.known)

    def pools(self) -> list[EntityPool]:
        """The calls under way, by served entity."""
        return self._dispatcher.pools()

    def start(self) -> None:
        """Load the snapshot, then accept."""
        self._follower.start()
        chores = [
            (self._limits.sweep_s, self._sweep),
            (_TRAFFIC_EVERY_S, self._write_traffic),
            (_EXPIRE_EVERY_S, self._expire),
            (_FLUSH_EVERY_S, self._flush_logs),
            (FLUSH_EVERY_S, self._observations.flush),
        ]
        if self._shared is not None:
            chores.append((EVERY_S, self._share_limits))
        self._chores = [self._loop.create_task(_repeat(interval_s, chore)) for interval_s, chore in chores]
        self._listener.start()
        # Under the number of this process, so whoever waits for us to accept knows it now.
        self._write_traffic()

    async def retire(self, patience_s: float = _RETIRE_FOR_S) -> None:
        """Accept nothing new, as a successor does; close each connection behind its next answer.

        A connection on which nobody asks anything may be one on which a request is about to be sent: it stays for
        `patience_s`. `stop` does the rest.
        """
        self._listener.stop()
        self._traffic_file.give_up_name()
        self._site.retire()
        until_s = monotonic_s() + patience_s
        while (self._site.open or self._listener.is_greeting) and monotonic_s() < until_s:
            await asyncio.sleep(_DRAIN_STEP_S)

    async def stop(self, grace_s: float = _DRAIN_FOR_S) -> None:
        """Accept nothing new, answer what is in flight for at most `grace_s`, then close everything."""
        self._listener.stop()
        self._traffic_file.give_up_name()
        self._write_traffic()
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
        self._dispatcher.give_up_copies()
        self._turn.flush()
        self._observations.close()
        self._flush_logs()
        self._dispatcher.close()
        self._upstreams.close()
        if self._shared is not None:
            self._shared.close()
        self._nudge.close()
        self._write_traffic()
        # The event loop tells everybody that their connection is gone.
        await asyncio.sleep(0)

    # --- what the parts tell

    def _follow(self, snapshot: Snapshot) -> None:
        # First: what heads led to counts no more from the moment at which anything else does.
        self._site.shortcuts.forget_all()
        self._dispatcher.follow(snapshot)
        self._observations.follow(
            observer for endpoint in snapshot.endpoints.values() for observer in endpoint.observed_by
        )

    def _tell_of_held(self) -> None:
        """Somebody waits for a worker: say so at the end of this turn, or soon, once for all who came by then."""
        if not self._is_telling:
            self._is_telling = True
            self._loop.call_later(max(0.0, self._told_s + _TELL_EVERY_S - monotonic_s()), self._tell)

    def _tell(self) -> None:
        self._is_telling = False
        self._told_s = monotonic_s()
        self._write_traffic()
        self._nudge.send()

    # --- chores

    def _sweep(self) -> None:
        self._site.sweep()
        self._proxy.sweep()

    def _expire(self) -> None:
        self._dispatcher.expire(monotonic_s())

    def _flush_logs(self) -> None:
        self._access_log.flush()
        self._samples.flush()

    def _share_limits(self) -> None:
        if self._shared is not None:
            self._shared.exchange(self._dispatcher.endpoints, monotonic_s())

    def _write_traffic(self) -> None:
        now_s = monotonic_s()
        self._traffic_file.write(
            GatewayTraffic(
                gateway_id=self._traffic_file.gateway_id,
                process_id=os.getpid(),
                records_dropped=self._turn.records_dropped,
                records_dropped_by_table=dict(self._turn.dropped_by_table),
                entities=[pool.report(now_s) for pool in self.pools()],
                limited=self._invocations.limited,
                samples_dropped=self._samples.dropped,
                observations_dropped=self._observations.dropped,
            )
        )


async def _repeat(interval_s: float, chore: Callable[[], None]) -> None:
    """For ever; a chore that fails is logged, and done again."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            chore()
        except Exception as error:
            log.error("chore failed", exc_info=error)
