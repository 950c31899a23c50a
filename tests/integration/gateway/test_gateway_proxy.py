"""Everything but invocations goes through to the api."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import pytest
import uvicorn
from gateway_rig import TOKEN, Rig, read_all, read_until, wait_until

from pierhead.gateway.http.limits import Limits
from pierhead.gateway.proxy import Patience

Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class FakeApi:
    """An ASGI application behind a real uvicorn on the api's socket."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.bodies: list[tuple[int, str]] = []
        self.disconnects = 0
        self.connections: set[Any] = set()
        self.gate = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.scopes.append(scope)
        await getattr(self, scope["path"].strip("/").split("/")[0])(scope, receive, send)

    async def echo(self, scope: Any, receive: Any, send: Any) -> None:
        body = await self._read(receive)
        headers = [(b"x-one", b"1"), (b"x-one", b"2"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": scope["method"].encode() + b" " + body})

    async def sized(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"12345"})

    async def nothing(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def upload(self, scope: Any, receive: Any, send: Any) -> None:
        digest, size = hashlib.sha256(), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnects += 1
                return
            digest.update(message["body"])
            size += len(message["body"])
            if not message["more_body"]:
                break
        self.bodies.append((size, digest.hexdigest()))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})

    async def download(self, scope: Any, receive: Any, send: Any) -> None:
        size = int(scope["path"].rsplit("/")[-1])
        headers = [(b"content-length", str(size).encode())] if scope["query_string"] == b"sized" else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while size > 0:
            chunk = b"z" * min(size, 100_000)
            size -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def wait(self, scope: Any, receive: Any, send: Any) -> None:
        await self._read(receive)
        assert (await receive())["type"] == "http.disconnect"
        self.disconnects += 1

    async def refuse_early(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 409, "headers": []})
        await send({"type": "http.response.body", "body": b"no"})

    async def _read(self, receive: Any) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                return bytes(body)


class Server:
    """A uvicorn in the rig's world; `stop` and `start` are a restart."""

    def __init__(self, rig: Rig, app: FakeApi, keep_alive_s: int = 5) -> None:
        self._rig = rig
        self._app = app
        self._keep_alive_s = keep_alive_s
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        config = uvicorn.Config(
            self._app,
            uds=str(self._rig.config.api_socket),
            log_level="error",
            timeout_keep_alive=self._keep_alive_s,
            timeout_graceful_shutdown=1,
            lifespan="off",
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._server = server

        async def begin() -> None:
            self._task = asyncio.ensure_future(server._serve())
            while not server.started:
                await asyncio.sleep(0.005)

        self._rig.world.run(begin())

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
            self._server = None


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def server(rig: Rig, api: FakeApi) -> Server:
    server = Server(rig, api)
    server.start()
    rig.at_end.append(server.stop)
    return server


def raw_api(rig: Rig, serve: Raw) -> None:
    """An api that does exactly what `serve` does with each connection."""

    async def guard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    started: asyncio.Server = rig.world.run(asyncio.start_unix_server(guard, str(rig.config.api_socket)))

    async def stop() -> None:
        started.close()

    rig.at_end.append(stop)


def test_a_request_goes_through_and_its_answer_comes_back(rig: Rig, api: FakeApi, server: Server) -> None:
    answer = rig.request("PUT", "/echo/a%20b?c=d&c=e", b"body", {"X-Two": "2", "Host": "pier.example"})

    assert (answer.status, answer.body) == (201, b"PUT body")
    [scope] = api.scopes
    assert (scope["raw_path"], scope["query_string"]) == (b"/echo/a%20b", b"c=d&c=e")
    headers = dict(scope["headers"])
    assert headers[b"host"] == b"pier.example"
    assert headers[b"authorization"] == f"Bearer {TOKEN}".encode()
    assert headers[b"x-two"] == b"2"
    assert (headers[b"x-forwarded-for"], headers[b"x-forwarded-proto"]) == (b"127.0.0.1", b"http")


def test_repeated_headers_come_back_repeated(rig: Rig, server: Server) -> None:
    http = HTTPConnection("127.0.0.1", rig.port, timeout=10)
    http.request("GET", "/echo")
    response = http.getresponse()
    assert response.headers.get_all("x-one") == ["1", "2"]
    response.read()
    http.close()


def test_what_is_said_between_neighbours_stays_there(rig: Rig, api: FakeApi, server: Server) -> None:
    rig.request(
        "POST",
        "/echo",
        b"x",
        {"Connection": "keep-alive, X-Private", "X-Private": "1", "TE": "trailers", "X-Forwarded-For": "10.0.0.1"},
    )

    headers = dict(api.scopes[0]["headers"])
    assert not {b"x-private", b"te", b"connection"} & set(headers)
    assert headers[b"x-forwarded-for"] == b"10.0.0.1, 127.0.0.1"


def test_connections_to_the_api_are_used_again(rig: Rig, api: FakeApi, server: Server) -> None:
    for _ in range(5):
        assert rig.request("GET", "/sized").body == b"12345"

    assert len(api.scopes) == 5
    assert rig.gateway.idle_upstreams == 1


def test_a_head_request_has_no_body_and_spoils_no_connection(rig: Rig, server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", rig.port, timeout=10)
    for _ in range(3):
        head = rig.request("HEAD", "/sized", connection=connection)
        assert (head.status, head.headers["content-length"], head.body) == (200, "5", b"")
        assert rig.request("GET", "/sized", connection=connection).body == b"12345"
    connection.close()


def test_an_answer_without_content_passes(rig: Rig, server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", rig.port, timeout=10)
    assert rig.request("DELETE", "/nothing", connection=connection).status == 204
    assert rig.request("GET", "/sized", connection=connection).status == 200
    connection.close()


def test_a_caller_of_http_1_0_gets_no_chunks(rig: Rig, server: Server) -> None:
    with rig.connect() as caller:
        caller.sendall(b"GET /download/300000 HTTP/1.0\r\n\r\n")
        head, _, body = read_all(caller).partition(b"\r\n\r\n")

    assert b"chunked" not in head
    assert body == b"z" * 300_000


def test_a_caller_that_waits_for_100_continue_gets_it_once(rig: Rig, server: Server) -> None:
    with rig.connect() as caller:
        caller.sendall(b"PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert read_until(caller, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(b"body")
        assert read_until(caller, b"PUT body").startswith(b"HTTP/1.1 201 Created\r\n")


def test_a_chunked_upload_goes_through(rig: Rig, api: FakeApi, server: Server) -> None:
    chunks = [b"%06d" % number for number in range(2000)]

    answer = rig.request("PUT", "/upload", iter(chunks), encode_chunked=True)

    assert answer.body == b"12000"
    assert api.bodies == [(12000, hashlib.sha256(b"".join(chunks)).hexdigest())]


@pytest.mark.parametrize("query", ["", "?sized"])
def test_a_long_download_comes_through(rig: Rig, server: Server, query: str) -> None:
    answer = rig.request("GET", f"/download/20000000{query}")

    assert len(answer.body) == 20_000_000
    assert ("content-length" in answer.headers) == bool(query)


def test_a_caller_who_hangs_up_frees_the_api(rig: Rig, api: FakeApi, server: Server) -> None:
    caller = rig.connect()
    caller.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: api.scopes)
    caller.close()

    wait_until(lambda: api.disconnects == 1)


def test_a_caller_who_hangs_up_in_an_upload_frees_the_api(rig: Rig, api: FakeApi, server: Server) -> None:
    caller = rig.connect()
    caller.sendall(b"PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
    wait_until(lambda: api.scopes)
    caller.close()

    wait_until(lambda: api.disconnects == 1)


def test_a_caller_who_hangs_up_in_a_download_frees_the_api(rig: Rig, api: FakeApi, server: Server) -> None:
    with rig.connect() as caller:
        caller.sendall(b"GET /download/500000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        read_until(caller, b"zzz")

    wait_until(lambda: rig.gateway.connections == 0)
    assert rig.request("GET", "/sized").status == 200


def test_an_answer_before_the_end_of_the_upload_reaches_the_caller(rig: Rig, server: Server) -> None:
    answer = rig.request("PUT", "/refuse_early", b"x" * 5_000_000)

    assert (answer.status, answer.body) == (409, b"no")
    assert rig.request("GET", "/sized").status == 200


def test_an_api_that_is_starting_is_waited_for(rig: Rig, api: FakeApi) -> None:
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(rig.request("POST", "/echo", b"x").status))
    thread.start()
    time.sleep(0.3)
    assert not answers

    server = Server(rig, api)
    server.start()
    rig.at_end.append(server.stop)
    thread.join(10)

    assert answers == [201]


def test_a_caller_who_hangs_up_while_the_api_is_away_is_forgotten(rig: Rig) -> None:
    caller = rig.connect()
    caller.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: rig.gateway.connections == 1)
    caller.close()

    wait_until(lambda: rig.gateway.connections == 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_the_api_closed_while_idle_surprises_nobody(rig: Rig, api: FakeApi, method: str) -> None:
    server = Server(rig, api)
    server.start()
    for _ in range(3):
        assert rig.request(method, "/echo", b"x").status == 201
        rig.world.run(server.stop())
        server.start()
    rig.at_end.append(server.stop)

    assert rig.request(method, "/echo", b"x").status == 201


def test_a_connection_that_is_closed_as_the_request_arrives_surprises_nobody(rig: Rig) -> None:
    served: list[bytes] = []

    async def close_without_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not served:
            served.append(await reader.readuntil(b"first"))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            # As a server does that closes what is idle: whatever is on its way is never read.
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(0.5)
            writer.transport.abort()
            return
        served.append(await reader.readuntil(b"second"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    raw_api(rig, close_without_reading)

    assert rig.request("POST", "/x", b"first").status == 200
    assert rig.request("POST", "/x", b"second").status == 200
    assert len(served) == 2


def test_what_the_api_may_have_begun_is_not_sent_again(rig: Rig) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(1 << 16))
        await asyncio.sleep(0.05)

    raw_api(rig, serve)

    answer = rig.request("POST", "/runs/create", b"{}")

    assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert len(seen) == 1


def test_a_question_is_asked_again_once(rig: Rig) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        if len(seen) == 2:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            await writer.drain()

    raw_api(rig, serve)
    assert rig.request("GET", "/x").status == 200
    assert len(seen) == 2


def test_a_question_is_not_asked_for_ever(rig: Rig) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))

    raw_api(rig, serve)
    assert rig.request("GET", "/x").status == 503
    assert len(seen) == 2


def test_an_answer_that_breaks_off_is_seen_to_be_broken(rig: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()

    raw_api(rig, serve)

    with pytest.raises(IncompleteRead):
        rig.request("GET", "/x")


def test_an_answer_that_ends_with_its_connection_comes_through(rig: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it")
        await writer.drain()

    raw_api(rig, serve)

    assert rig.request("GET", "/x").body == b"all of it"


def test_interim_answers_stay_behind(rig: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 Fine\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    raw_api(rig, serve)

    with rig.connect() as caller:
        caller.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_until(caller, b"ok").startswith(b"HTTP/1.1 200 Fine\r\n")


def test_nonsense_from_the_api_is_not_passed_on(rig: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"nonsense\r\n\r\n")
        await writer.drain()

    raw_api(rig, serve)

    assert rig.request("POST", "/x", b"").status == 503


def test_pipelined_requests_to_the_api_are_answered_in_order(rig: Rig, server: Server) -> None:
    requests = b"".join(
        b"PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n%03d" % number for number in range(20)
    )
    with rig.connect() as caller:
        caller.sendall(requests)
        received = read_until(caller, b"PUT 019")

    places = [received.index(b"PUT %03d" % number) for number in range(20)]
    assert places == sorted(places)


def test_an_empty_answer_to_head_does_not_end_the_next_exchange(rig: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            body = b"" if head.startswith(b"HEAD") else b"second"
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()

    raw_api(rig, serve)

    with rig.connect() as caller:
        caller.sendall(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_until(caller, b"second").count(b"HTTP/1.1 200 OK") == 2


@pytest.fixture
def impatient() -> Iterator[Rig]:
    rig = Rig(limits=Limits(sweep_s=0.05), patience=Patience(answer_s=0.4, stall_s=0.4))
    yield rig
    rig.close()


def test_an_api_that_never_answers_is_given_up(impatient: Rig) -> None:
    lost = threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        lost.set()

    raw_api(impatient, serve)
    answer = impatient.request("POST", "/runs/create", b"{}")

    assert (answer.status, answer.json["error_code"]) == (504, "DEADLINE_EXCEEDED")
    assert "may still be carried out" in answer.json["message"]
    assert lost.wait(10)


def test_an_api_that_takes_no_more_of_a_body_is_given_up(impatient: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(3)

    raw_api(impatient, serve)
    with impatient.connect() as caller:
        caller.sendall(b"PUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 500_000)

        assert read_until(caller, b"DEADLINE_EXCEEDED").startswith(b"HTTP/1.1 504 ")


def test_an_api_that_stops_in_the_middle_of_an_answer_is_given_up(impatient: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await asyncio.sleep(3)

    raw_api(impatient, serve)

    with pytest.raises((IncompleteRead, ConnectionError)):
        impatient.request("GET", "/x")


def test_a_slow_api_that_says_something_now_and_then_is_not_given_up(impatient: Rig) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.15)
            writer.write(b"x")
        await writer.drain()

    raw_api(impatient, serve)

    assert impatient.request("GET", "/x").body == b"x" * 8


def test_a_caller_who_rests_in_a_download_is_not_the_apis_fault(impatient: Rig, api: FakeApi) -> None:
    server = Server(impatient, api)
    server.start()
    impatient.at_end.append(server.stop)
    with impatient.connect() as caller:
        caller.sendall(b"GET /download/20000000?sized HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        read_until(caller, b"\r\n\r\n")
        time.sleep(1)

        assert len(read_all(caller)) > 10_000_000
