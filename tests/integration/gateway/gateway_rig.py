"""A gateway on a real port, between real sockets: fake workers, a fake api, callers."""

import asyncio
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from pierhead.gateway.config import GatewayConfig
from pierhead.gateway.http.limits import Limits
from pierhead.gateway.pools import EntityPool
from pierhead.gateway.proxy import Patience
from pierhead.gateway.records import InferenceRecord, decode
from pierhead.gateway.server import Gateway
from pierhead.kit import frames
from pierhead.kit.clock import SystemClock
from pierhead.serving.domain import snapshot as routes
from pierhead.serving.domain.traffic import EntityTraffic, GatewayTraffic

TOKEN = "phd_test"
TABLE = "ml.serving.fraud_payload"
PATH = "/serving-endpoints/fraud/invocations"


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self, make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self.loop = make_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any], timeout_s: float = 20) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def close(self) -> None:
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What they closed on their way out is closed a turn later.
        await asyncio.sleep(0.01)


class FakeSpool:
    """Keeps records in memory; can be told to fail, or what to do first."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[bytes]]] = []
        self.error: OSError | None = None
        self.before: Callable[[], None] = lambda: None

    def append(self, table: str, records: Sequence[bytes]) -> None:
        self.before()
        if self.error is not None:
            raise self.error
        self.calls.append((table, list(records)))

    def records(self) -> list[InferenceRecord]:
        return [decode(raw) for _, records in list(self.calls) for raw in records]


class WorkerConnection:
    """A gateway's connection to a fake worker."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, response: frames.Response) -> None:
        self._writer.write(frames.encode_response(response))

    def answer(self, request: frames.Request, body: bytes = b'{"predictions": [1]}', status: int = 200) -> None:
        self.send(frames.Response(request.id, status, "application/json", 50, 700, body))

    def decline(self, request: frames.Request, reason: str) -> None:
        self._writer.write(frames.encode_declined(request.id, reason))

    def answer_together(self, requests: Sequence[frames.Request]) -> None:
        """All in one write."""
        answers = [frames.Response(one.id, 200, "application/json", 0, 0, one.body) for one in requests]
        self._writer.write(b"".join(map(frames.encode_response, answers)))

    def say_goodbye(self) -> None:
        self._writer.write(frames.encode_signal(frames.GOAWAY))

    def die(self) -> None:
        self._writer.transport.abort()


Behave = Callable[[frames.Request, WorkerConnection], Awaitable[None]]


async def answer_at_once(request: frames.Request, connection: WorkerConnection) -> None:
    connection.answer(request)


@dataclass
class FakeWorker:
    """A process that holds a model, as a unix server; `behave` says what it does with a request."""

    path: Path
    behave: Behave = answer_at_once
    requests: list[frames.Request] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    connections: list[WorkerConnection] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    """How many requests each read brought."""
    closed: int = 0
    server: asyncio.Server | None = None

    async def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self.server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def stop(self) -> None:
        """Die: every connection breaks and the socket refuses."""
        if self.server is not None:
            self.server.close()
        # What was just accepted becomes a connection first, or nobody would close it.
        await asyncio.sleep(0.02)
        for connection in self.connections:
            connection.die()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = WorkerConnection(writer)
        self.connections.append(connection)
        cutter = frames.FrameReader()
        tasks = set()
        try:
            while data := await reader.read(1 << 16):
                found = cutter.feed(data)
                self.reads.append(sum(kind == frames.REQUEST for kind, _, _ in found))
                for kind, request_id, payload in found:
                    if kind == frames.CANCEL:
                        self.cancelled.append(request_id)
                    if kind == frames.REQUEST:
                        request = frames.decode_request(request_id, payload)
                        self.requests.append(request)
                        task = asyncio.ensure_future(self.behave(request, connection))
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.closed += 1
            writer.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Rig:
    """The gateway under test and the world around it."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        patience: Patience | None = None,
        spool: Any = None,
        spool_folder: Path | None = None,
        **config: Any,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gw"))
        self.world = LoopThread(asyncio.new_event_loop)
        self.gateway_thread = LoopThread(uvloop.new_event_loop)
        self.spool: Any = spool or FakeSpool()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._nudges = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._nudges.bind(str(self.folder / "nudge.sock"))
        self._nudges.setblocking(False)
        self._number = 0
        self.at_end: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """What stops the world behind the gateway."""
        fields: dict[str, Any] = {
            "gateway_id": "g1",
            "traffic_folder": self.folder / "gateways",
            "max_body_bytes": 1_000_000,
            "invocation_timeout_s": 10.0,
            "queue_limit": 100,
            "nudge_socket": self.folder / "nudge.sock",
            **config,
        }
        self.config = GatewayConfig(
            listen_fd=self._listener.fileno(),
            api_socket=self.folder / "api.sock",
            snapshot=self.folder / "routes.json",
            spool=spool_folder or self.folder / "spool",
            **fields,
        )
        self._limits = limits
        self._patience = patience
        self.gateway: Gateway = self.gateway_thread.run(self._start())

    async def _start(self) -> Gateway:
        loop = asyncio.get_running_loop()
        gateway = Gateway(self.config, self.spool, SystemClock(), loop, self._limits, self._patience)
        gateway.start()
        return gateway

    def close(self) -> None:
        self.gateway_thread.run(self.gateway.stop(grace_s=0))
        self.gateway_thread.close()
        for end in self.at_end:
            self.world.run(end())
        self.world.close()
        self._listener.close()
        self._nudges.close()
        shutil.rmtree(self.folder)

    # --- the world behind the gateway

    def worker(self, name: str, behave: Behave = answer_at_once) -> FakeWorker:
        worker = FakeWorker(self.folder / f"{name}.sock", behave)
        self.world.run(worker.start())
        self.at_end.append(worker.stop)
        return worker

    def route(self, *endpoints: routes.EndpointRoute, principals: dict[str, routes.Principal] | None = None) -> None:
        """Write a snapshot and wait until the gateway follows it."""
        self._number += 1
        known = {digest(TOKEN): routes.Principal("1", "ada", [])} if principals is None else principals
        snapshot = routes.Snapshot(self._number, known, {endpoint.name: endpoint for endpoint in endpoints})
        new = self.config.snapshot.with_suffix(".new")
        new.write_bytes(routes.encode(snapshot))
        new.replace(self.config.snapshot)
        wait_until(lambda: self.gateway.snapshot.number == self._number)

    def route_fraud(self, *workers: FakeWorker, **endpoint: Any) -> None:
        """One endpoint `fraud` with one entity on these workers."""
        self.route(fraud([entity("fraud-1", *workers)], **endpoint))

    def pools(self) -> list[EntityPool]:
        return self.gateway.pools()

    def traffic(self) -> list[EntityTraffic]:
        """What the gateway last told of its entities."""
        try:
            return self.gateway_traffic().entities
        except FileNotFoundError:
            return []

    def gateway_traffic(self) -> GatewayTraffic:
        """All that the gateway last told. Raises FileNotFoundError if it has not yet."""
        return msgspec.json.decode((self.config.traffic_folder / "g1.json").read_bytes(), type=GatewayTraffic)

    def nudges(self) -> int:
        """How often the gateway has knocked since the last time."""
        count = 0
        while True:
            try:
                self._nudges.recv(64)
            except BlockingIOError:
                return count
            count += 1

    # --- callers

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        connection: HTTPConnection | None = None,
        **options: Any,
    ) -> Answer:
        http = connection or HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            http.request(method, path, body, {"Authorization": f"Bearer {TOKEN}", **(headers or {})}, **options)
            response = http.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            if connection is None:
                http.close()

    def invoke(self, body: bytes = b'{"inputs": [[1.0]]}', path: str = PATH, **headers: Any) -> Answer:
        return self.request("POST", path, body, {"content-type": "application/json", **headers})

    def invoke_on(self, connection: HTTPConnection, body: bytes) -> Answer:
        return self.request("POST", PATH, body, {"content-type": "application/json"}, connection=connection)

    def invoke_many(self, bodies: Sequence[bytes]) -> list[Answer]:
        """All at the same time; answers in the order of the bodies."""
        answers: list[Answer | None] = [None] * len(bodies)

        def call(at: int, body: bytes) -> None:
            answers[at] = self.invoke(body)

        threads = [threading.Thread(target=call, args=pair) for pair in enumerate(bodies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert None not in answers
        return [answer for answer in answers if answer is not None]


def digest(token: str) -> str:
    from hashlib import sha256

    return sha256(token.encode()).hexdigest()


def entity(name: str, *workers: FakeWorker, weight: int = 100) -> routes.EntityRoute:
    return routes.EntityRoute(name, f"id-{name}", "ml.fraud.model", "3", weight, [str(w.path) for w in workers])


def fraud(entities: list[routes.EntityRoute], *, captured: bool = True, **options: Any) -> routes.EndpointRoute:
    capture = routes.Capture(TABLE) if captured else None
    fields = {"name": "fraud", "endpoint_id": "e1", "config_version": 7, "capture": capture, **options}
    return routes.EndpointRoute(entities=entities, **fields)


def request_bytes(path: str = PATH, body: bytes = b"{}", extra: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{extra}\r\n".encode() + body


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    received = b""
    while mark not in received:
        data = connection.recv(1 << 16)
        if not data:
            raise AssertionError(f"closed before {mark!r}: {received!r}")
        received += data
    return received


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(1 << 16):
        received += data
    return received


def wait_until(condition: Callable[[], Any], timeout_s: float = 10) -> None:
    import time

    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("it never came true")
        time.sleep(0.005)
