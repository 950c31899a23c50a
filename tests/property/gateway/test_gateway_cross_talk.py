"""Answer k belongs to request k, whatever happens: hang-ups, pipelines, deaths, batches that fail, hand-backs."""

import os
import socket
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from itertools import cycle
from pathlib import Path

from gateway_world import Caller, FakeLoop, FakeTransport
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pierhead.gateway.config import GatewayConfig
from pierhead.gateway.gateway import Gateway
from pierhead.gateway.links import WorkerLink
from pierhead.kit import frames
from pierhead.kit.clock import SystemClock
from pierhead.serving.domain import snapshot as routes

TABLE = "ml.serving.fraud_payload"
PADDINGS = (0, 3, 2000)
COMPILED, NATIVE, CANDIDATE = ("/w/0", "/w/1"), ("/w/native",), ("/w/candidate",)


class ListSpool:
    """Fails now and then, as a full disk does."""

    def __init__(self) -> None:
        self.count = 0
        self.is_full = False

    def append(self, table: str, records: Sequence[bytes]) -> None:
        if self.is_full:
            raise OSError("full")
        self.count += len(records)


class WorkerEnd:
    """A worker and the gateway's link to it: holds what it got until it is told what to do."""

    def __init__(self, world: "World", path: str) -> None:
        self._worker = world.gateway._dispatcher._workers.get(path)
        self._world = world
        self._connect()

    def _connect(self) -> None:
        self._reader = frames.FrameReader()
        self.has: list[frames.Request] = []
        self._link = WorkerLink(self._worker.path, self._worker, self._world.loop)
        self._transport = FakeTransport(self._link)
        self._link.connection_made(self._transport)
        self._worker.link = self._link
        self._world.gateway._dispatcher.worker_free(self._worker.path)

    def read(self) -> None:
        """Take what was written to it."""
        written, self._transport.written = self._transport.written, b""
        for kind, request_id, payload in self._reader.feed(written):
            if kind == frames.REQUEST:
                self.has.append(frames.decode_request(request_id, payload))
            elif kind == frames.CANCEL:
                # A worker that has begun answers all the same.
                self.has = [one for one in self.has if one.id != request_id or request_id % 2]

    def act(self, mood: int, picks: list[int]) -> None:
        """Answer some of what it has, in any order, all in one read."""
        self.read()
        chosen = [self.has.pop(pick % len(self.has)) for pick in picks if self.has]
        if not chosen:
            return
        answers = [self._answer(request, (mood + number) % 8) for number, request in enumerate(chosen)]
        stream = b"".join(answers)
        at = mood * 7 % (len(stream) + 1)
        for piece in (stream[:at], stream[at:]):
            if piece and not self._transport.is_over:
                self._link.data_received(piece)

    def _answer(self, request: frames.Request, mood: int) -> bytes:
        if mood == 0 and self._worker.path in COMPILED:
            return frames.encode_declined(request.id, "not plain")
        status = 500 if mood == 1 else 200
        return frames.encode_response(frames.Response(request.id, status, "application/json", 1, 2, request.body))

    def die(self) -> None:
        self._transport.lose()
        self._connect()


class World:
    def __init__(self, folder: Path, ramps: Sequence[routes.RampRoute | None] = ()) -> None:
        """With `ramps` there is a candidate, and each new snapshot has the next one of them."""
        self.loop = FakeLoop()
        self.spool = ListSpool()
        listener = socket.socket()
        config = GatewayConfig(
            gateway_id="g1",
            listen_fd=listener.fileno(),
            api_socket=folder / "api.sock",
            snapshot=folder / "routes.json",
            spool=folder / "spool",
            traffic_folder=folder / "gateways",
            max_body_bytes=100_000,
            invocation_timeout_s=60,
            queue_limit=1000,
            access_log_fd=os.open(os.devnull, os.O_WRONLY),
            access_log_rate=0.5,
        )
        self._descriptor = config.access_log_fd
        self.gateway = Gateway(config, self.spool, SystemClock(), self.loop)
        listener.close()
        entity = routes.EntityRoute(
            "fraud-1", "id-1", "ml.fraud.model", "3", 100, list(COMPILED), is_compiled=True, native_sockets=list(NATIVE)
        )
        limits = [routes.RateLimit(1_000_000, "user")]
        endpoint = routes.EndpointRoute(
            "fraud", "e1", 7, [entity], capture=routes.Capture(TABLE), rate_limits=limits, verify_rate=0.1
        )
        candidate = routes.EntityRoute("fraud-2", "id-2", "ml.fraud.model", "4", 0, list(CANDIDATE))
        entities = [entity, candidate] if ramps else [entity]
        observers = ["ro1"] if ramps else []
        known = {sha256(b"phd_test").hexdigest(): routes.Principal("1", "ada", [])}
        endpoints = [replace(endpoint, entities=entities, ramp=ramp, observed_by=observers) for ramp in ramps or [None]]
        self._snapshots = cycle([routes.Snapshot(1, known, {"fraud": each}) for each in endpoints])
        self.gateway._follow(next(self._snapshots))
        paths = (*COMPILED, *NATIVE, *CANDIDATE) if ramps else (*COMPILED, *NATIVE)
        self.workers = [WorkerEnd(self, path) for path in paths]
        self.callers: list[Asking] = [Asking(self, number) for number in range(4)]
        # So that the requests to come take shortcuts, unless something about them speaks against it.
        for padding in PADDINGS:
            self.callers[0].ask(1, padding, 0)
            self.settle(3)
        assert self.gateway.shortcuts == len(PADDINGS)

    def turn(self) -> None:
        self.loop.run_due()
        for caller in self.callers:
            caller.read_on()
        self.loop.run_due()

    def settle(self, turns: int = 200) -> None:
        """Until nothing moves any more, with workers that only answer."""
        for _ in range(turns):
            self.turn()
            for worker in self.workers:
                worker.read()
                worker.act(2, [0] * len(worker.has))
            self.turn()

    def follow_anew(self) -> None:
        self.gateway._follow(next(self._snapshots))

    def close(self) -> None:
        os.close(self._descriptor)
        self.gateway._listener._socket.close()
        self.gateway._nudge.close()


class Asking:
    """A caller that numbers its requests."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._number = number
        self._generation = 0
        self._connect()

    def _connect(self) -> None:
        self.asked: list[bytes] = []
        self._rest = b""
        self._caller = Caller(self._world.gateway._site.connection())

    def ask(self, count: int, padding: int, cut: int) -> None:
        """So many requests behind each other; the last one only up to a cut, the rest of it with the next."""
        stream = self._rest
        for _ in range(count):
            body = b'"%d-%d-%d"' % (self._number, self._generation, len(self.asked)) + b" " * padding
            self.asked.append(body)
            stream += (
                b"POST /serving-endpoints/fraud/invocations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer phd_test\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            ) + body
        at = len(stream) - cut if 0 < cut < len(stream) else len(stream)
        self._rest = stream[at:]
        self._caller.send(stream[:at])

    def finish_asking(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._caller.send(rest)

    def read_on(self) -> None:
        self._caller.read_on()

    def hang_up(self) -> None:
        self._caller.transport.lose()
        self.check(is_complete=False)
        self._generation += 1
        self._connect()

    def check(self, *, is_complete: bool) -> None:
        """Every answer that came is that of the request at its place."""
        rest = self._caller.transport.written
        got = 0
        while rest:
            head, end, rest = rest.partition(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            status, body, rest = int(head[9:12]), rest[:length], rest[length:]
            assert end
            assert len(body) == length
            assert status in (200, 500)
            # A model's own failure is an echo here, too; what died twice is told by the gateway.
            assert body == self.asked[got] or (status == 500 and b"died twice" in body)
            got += 1
        assert got <= len(self.asked)
        assert not is_complete or got == len(self.asked)


numbers = st.integers(0, 3)
asking = st.tuples(
    st.just("ask"),
    numbers,
    st.sampled_from([1, 1, 1, 2, 5]),
    st.sampled_from(PADDINGS),
    st.sampled_from([0, 0, 0, 0, 1, 7, 90]),
)
steps = st.one_of(
    st.tuples(st.just("act"), numbers, st.integers(0, 40), st.lists(st.integers(0, 9), max_size=9)),
    st.tuples(st.just("hang up"), numbers),
    st.tuples(st.just("die"), numbers),
    st.tuples(st.just("turn")),
    st.tuples(st.just("settle")),
    st.tuples(st.just("full disk"), st.booleans()),
    st.tuples(st.just("new snapshot")),
)


def do(world: World, step: tuple[object, ...]) -> None:
    match step:
        case ("ask", int(number), int(count), int(padding), int(cut)):
            world.callers[number].ask(count, padding, cut)
        case ("act", int(number), int(mood), list(picks)):
            world.workers[number % len(world.workers)].act(mood, picks)
        case ("hang up", int(number)):
            world.callers[number].hang_up()
        case ("die", int(number)):
            world.workers[number % len(world.workers)].die()
        case ("turn",):
            world.turn()
        case ("settle",):
            world.settle(3)
        case ("full disk", bool(is_full)):
            world.spool.is_full = is_full
        case ("new snapshot",):
            world.follow_anew()


scripts = st.lists(asking | asking | steps, min_size=10, max_size=60)


@settings(max_examples=200, deadline=None)
@given(scripts)
def test_every_answer_belongs_to_its_request(script: list[tuple[object, ...]]) -> None:
    play(script, ())


ramps = st.builds(
    routes.RampRoute,
    st.just("fraud-2"),
    st.sampled_from([0, 3000, 10_000]),
    st.just("salt"),
    st.sampled_from([0.0, 0.5, 1.0]),
    shadow_concurrency=st.integers(1, 3),
    shadow_queue=st.integers(1, 5),
)


@settings(max_examples=100, deadline=None)
@given(scripts, st.lists(st.none() | ramps, min_size=1, max_size=3))
def test_no_copy_mixes_anything_up(
    script: list[tuple[object, ...]], given_ramps: list[routes.RampRoute | None]
) -> None:
    play(script, given_ramps)


def play(script: list[tuple[object, ...]], given_ramps: Sequence[routes.RampRoute | None]) -> None:
    """Do all of it, let everything settle, and look whether anybody got a wrong answer, or anything is left."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), given_ramps)
        for step in script:
            do(world, step)
        for caller in world.callers:
            caller.finish_asking()
        world.settle()

        for caller in world.callers:
            caller.check(is_complete=True)
        for pool in world.gateway.pools():
            assert pool.load == pool.main.in_flight == pool.native.in_flight == 0
            if pool.lane is not None:
                told = pool.report(0.0)
                assert told.shadows_in_flight == told.shadows_waiting == 0
        assert world.gateway.held_bytes == world.gateway.shadow_bytes == 0
        [endpoint] = world.gateway._dispatcher.endpoints.values()
        assert endpoint.load == 0
        world.close()
