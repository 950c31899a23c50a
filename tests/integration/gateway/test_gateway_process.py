"""The gateway as a process: memory, signals, sharing the listening socket, sudden death."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import psutil
import pytest
from gateway_rig import (
    PATH,
    TABLE,
    TOKEN,
    FakeWorker,
    LoopThread,
    WorkerConnection,
    digest,
    entity,
    fraud,
    read_until,
    request_bytes,
    wait_until,
)

from harness.certificates import make_certificate
from pierhead.gateway.records import decode
from pierhead.kit import frames, spool
from pierhead.serving.domain import snapshot as routes

_RUN = """
import sys
from pathlib import Path
from pierhead.gateway.server import GatewayConfig, run

folder = Path(sys.argv[2])
certificate, key = folder / "certificate.pem", folder / "key.pem"
run(GatewayConfig(
    gateway_id=sys.argv[3], listen_fd=int(sys.argv[1]), api_socket=folder / "api.sock",
    snapshot=folder / "routes.json", spool=folder / "spool", traffic_folder=folder / "gateways",
    max_body_bytes=16_000_000, invocation_timeout_s=10, queue_limit=1000,
    tls_certificate=certificate if certificate.exists() else None, tls_key=key if key.exists() else None,
))
"""


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Pier:
    """Gateway processes on one listening socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self.listener.getsockname()[1]
        self.world = LoopThread(asyncio.new_event_loop)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[FakeWorker] = []
        self.servers: list[asyncio.Server] = []

    def start(self, gateway_id: str = "g1") -> subprocess.Popen[bytes]:
        number = self.listener.fileno()
        command = [sys.executable, "-c", _RUN, str(number), str(self.folder), gateway_id]
        process = subprocess.Popen(command, pass_fds=[number], stderr=subprocess.PIPE)
        self.processes.append(process)
        counters = self.folder / "gateways" / f"{gateway_id}.json"
        wait_until(lambda: counters.exists() and json.loads(counters.read_bytes())["process_id"] == process.pid, 30)
        return process

    def route_fraud(self) -> FakeWorker:
        worker = FakeWorker(self.folder / f"w{len(self.workers)}.sock")
        self.world.run(worker.start())
        self.workers.append(worker)
        endpoint = fraud([entity("fraud-1", worker)])
        snapshot = routes.Snapshot(1, {digest(TOKEN): routes.Principal("1", "ada", [])}, {"fraud": endpoint})
        (self.folder / "routes.json").write_bytes(routes.encode(snapshot))
        return worker

    def serve_api(self, serve: Serve) -> None:
        path = str(self.folder / "api.sock")
        self.servers.append(self.world.run(asyncio.start_unix_server(serve, path)))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def invoke(self, body: bytes = b"{}") -> tuple[int, bytes]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as http:
            http.request("POST", PATH, body, {"Authorization": f"Bearer {TOKEN}"})
            with http.getresponse() as response:
                return response.status, response.read()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()

        async def stop() -> None:
            for worker in self.workers:
                await worker.stop()
            for server in self.servers:
                server.close()

        self.world.run(stop())
        self.world.close()
        self.listener.close()


@pytest.fixture
def pier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pier]:
    pier = Pier(tmp_path_factory.mktemp("g"))
    yield pier
    pier.close()


def memory_bytes(process: subprocess.Popen[bytes]) -> int:
    return int(psutil.Process(process.pid).memory_info().rss)


class Peak(threading.Thread):
    """The most memory a process held while this ran."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._stop_now = threading.Event()
        self.before = memory_bytes(process)
        self.bytes = self.before

    def __enter__(self) -> "Peak":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_now.set()
        self.join()

    def run(self) -> None:
        while not self._stop_now.wait(0.005):
            self.bytes = max(self.bytes, memory_bytes(self._process))


def test_a_long_download_to_a_slow_caller_takes_little_memory(pier: Pier) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        for _ in range(100):
            writer.write(b"z" * 1_000_000)
            await writer.drain()
        writer.close()

    pier.serve_api(serve)
    process = pier.start()
    received = 0
    with pier.connect() as caller, Peak(process) as peak:
        caller.sendall(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
        caller.recv(1000)
        time.sleep(0.5)
        while received < 99_990_000:
            received += len(caller.recv(1 << 20))

    assert peak.bytes - peak.before < 16_000_000


def test_a_long_upload_to_a_slow_api_takes_little_memory(pier: Pier) -> None:
    async def serve_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.5)
        left = 100_000_000
        while left:
            left -= len(await reader.read(min(left, 1 << 20)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    pier.serve_api(serve_slowly)
    process = pier.start()
    with pier.connect() as caller, Peak(process) as peak:
        caller.sendall(b"PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100):
            caller.sendall(b"z" * 1_000_000)
        assert b"200 OK" in read_until(caller, b"ok")

    assert peak.bytes - peak.before < 16_000_000


def test_an_upload_waits_outside_while_the_api_is_away(pier: Pier) -> None:
    process = pier.start()
    with pier.connect() as caller, Peak(process) as peak:
        caller.sendall(b"PUT /file HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        caller.settimeout(0.5)
        with pytest.raises(TimeoutError):
            caller.sendall(b"z" * 100_000_000)

    assert peak.bytes - peak.before < 16_000_000


def test_a_term_signal_ends_the_process_after_its_answers(pier: Pier) -> None:
    worker = pier.route_fraud()

    async def answer_late(request: frames.Request, connection: WorkerConnection) -> None:
        await asyncio.sleep(0.5)
        connection.answer(request)

    worker.behave = answer_late
    process = pier.start()
    with pier.connect() as caller:
        caller.sendall(request_bytes())
        wait_until(lambda: worker.requests)
        process.send_signal(signal.SIGTERM)

        assert b"connection: close" in read_until(caller, b"predictions")
    assert process.wait(10) == 0
    # The name without its process id is left to a successor.
    [file] = (pier.folder / "gateways").glob("*.json")
    assert file.name == f"g1.{process.pid}.json"
    assert json.loads(file.read_bytes())["entities"][0]["in_flight"] == 0


def test_a_successor_takes_over_without_a_failed_request(pier: Pier) -> None:
    pier.route_fraud()
    old = pier.start()
    until = time.monotonic() + 4
    statuses: list[int] = []
    failures: list[object] = []

    def call(number: int) -> None:
        # A caller that keeps its connection for as long as it may, as clients do, and sends nothing twice.
        http = HTTPConnection("127.0.0.1", pier.port, timeout=20)
        while time.monotonic() < until:
            try:
                http.request("POST", PATH, b'"%d"' % number, {"Authorization": f"Bearer {TOKEN}"})
                with http.getresponse() as response:
                    statuses.append(response.status)
                    response.read()
            except (OSError, HTTPException) as error:
                failures.append(error)
                http.close()
            # Some are quick, some leave their connection alone for longer than the hand-over takes.
            time.sleep(0.002 if number < 4 else 0.9)
        http.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    new = pier.start()
    old.send_signal(signal.SIGUSR1)
    for thread in threads:
        thread.join(30)

    assert old.wait(20) == 0
    assert new.poll() is None
    assert not failures
    assert len(statuses) > 100
    assert set(statuses) == {200}
    told = sorted(path.name for path in (pier.folder / "gateways").glob("*.json"))
    assert told == [f"g1.{old.pid}.json", "g1.json"]


def test_a_retiring_process_ends_at_once_when_it_is_told_to_stop(pier: Pier) -> None:
    pier.route_fraud()
    process = pier.start()
    with pier.connect():
        wait_until(lambda: psutil.Process(process.pid).num_fds() > 0)
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)

        assert process.wait(5) == 0


def test_an_interrupt_ends_an_idle_process_at_once(pier: Pier) -> None:
    process = pier.start()
    with pier.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        read_until(caller, b"ok")
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_gateways_share_one_socket_and_replace_each_other(pier: Pier) -> None:
    pier.route_fraud()
    first, second = pier.start("g1"), pier.start("g2")
    assert {pier.invoke()[0] for _ in range(20)} == {200}

    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    assert {pier.invoke()[0] for _ in range(20)} == {200}

    second.kill()
    second.wait(10)
    with pier.connect() as caller:
        caller.sendall(request_bytes())
        pier.start("g3")
        assert b"200 OK" in read_until(caller, b"predictions")


def test_what_was_answered_is_on_record_after_a_sudden_death(pier: Pier) -> None:
    pier.route_fraud()
    process = pier.start()
    answered: list[bytes] = []

    def call(number: int) -> None:
        body = b'"r-%d-%%d"' % number
        try:
            for count in range(1000):
                status, _ = pier.invoke(body % count)
                assert status == 200
                answered.append(body % count)
        except (OSError, HTTPException):
            # The gateway died under this request: it counts as not answered.
            pass

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answered) > 100)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    pier.listener.close()
    for thread in threads:
        thread.join(30)

    [stream] = spool.streams(pier.folder / "spool", TABLE)
    records, _ = spool.read(stream, 0, 1 << 30)
    assert {decode(raw).request for raw in records} >= set(answered)


def test_a_gateway_that_is_killed_while_its_key_is_half_written_speaks_tls_again(pier: Pier) -> None:
    certificate, key = make_certificate(pier.folder)
    trust = ssl.create_default_context(cafile=str(certificate))
    pier.route_fraud()
    first = pier.start()
    key.write_bytes(key.read_bytes()[:40])
    first.kill()
    first.wait(10)

    pier.start()

    with closing(HTTPSConnection("127.0.0.1", pier.port, timeout=20, context=trust)) as https:
        https.request("POST", PATH, b"{}", {"Authorization": f"Bearer {TOKEN}"})
        with https.getresponse() as response:
            assert response.status == 200
