"""HTTP/1.1 as callers speak it, well and badly."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from gateway_rig import PATH, TOKEN, Rig, WorkerConnection, read_all, read_until, request_bytes, wait_until

from pierhead.gateway.http.limits import Limits
from pierhead.kit import frames


async def echo(request: frames.Request, connection: WorkerConnection) -> None:
    connection.answer(request, request.body)


@pytest.fixture
def impatient() -> Iterator[Rig]:
    limits = Limits(
        header_timeout_s=0.3, body_stall_s=0.3, idle_timeout_s=0.6, write_stall_s=0.5, linger_s=0.3, sweep_s=0.05
    )
    rig = Rig(limits=limits)
    yield rig
    rig.close()


def test_health_is_answered_without_token_and_api(rig: Rig) -> None:
    for path in ("/health", "/ping", "/health/", "/ping?probe=1"):
        answer = rig.request("GET", path, headers={"Authorization": ""})
        assert (answer.status, answer.json) == (200, {"status": "ok"})
    head = rig.request("HEAD", "/health")
    assert (head.status, head.headers["content-length"], head.body) == (200, "15", b"")
    assert rig.request("POST", "/health").status == 405


def test_a_connection_serves_many_requests(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    connection = HTTPConnection("127.0.0.1", rig.port, timeout=10)

    for number in range(50):
        answer = rig.request("POST", PATH, b"%d" % number, connection=connection)
        assert answer.body == b"%d" % number
        assert "connection" not in answer.headers
    connection.close()


def test_pipelined_requests_are_answered_in_order(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    with rig.connect() as caller:
        first = b"".join(request_bytes(body=b'"item-%d"' % number) for number in range(50))
        caller.sendall(first + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + request_bytes(body=b'"last"'))
        received = read_until(caller, b'"last"')

    marks = [b'"item-%d"' % number for number in range(50)] + [b'{"status":"ok"}', b'"last"']
    places = [received.index(mark) for mark in marks]
    assert places == sorted(places)


def test_requests_may_come_byte_by_byte(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    with rig.connect() as caller:
        for byte in request_bytes(body=b'"slow"'):
            caller.sendall(bytes([byte]))
        assert b"200 OK" in read_until(caller, b'"slow"')


def test_a_caller_that_says_close_is_closed(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    with rig.connect() as caller:
        caller.sendall(request_bytes(body=b'"bye"', extra="Connection: close\r\n"))
        answer = read_all(caller)

    assert b"connection: close\r\n" in answer
    assert answer.endswith(b'"bye"')


def test_a_request_of_http_1_0_is_answered_and_closed(rig: Rig) -> None:
    with rig.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert read_all(caller).startswith(b"HTTP/1.1 200 OK\r\n")
    with rig.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)
        assert read_until(caller, b"ok").count(b"connection: keep-alive\r\n") >= 1


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_gets_a_clear_answer(rig: Rig, nonsense: bytes) -> None:
    with rig.connect() as caller:
        caller.sendall(nonsense)
        head, _, body = read_all(caller).partition(b"\r\n\r\n")

    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))
    assert json.loads(body)["error_code"] == "BAD_REQUEST"


def test_what_was_asked_before_the_nonsense_is_answered_first(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    with rig.connect() as caller:
        caller.sendall(request_bytes(body=b'"good"') + b"nonsense\r\n\r\n")
        received = read_all(caller)

    assert received.index(b'"good"') < received.index(b"HTTP/1.1 400 ")


def test_a_broken_chunk_spoils_only_its_own_request(rig: Rig) -> None:
    worker = rig.worker("w1", echo)
    rig.route_fraud(worker)
    with rig.connect() as caller:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
        caller.sendall(head.encode() + b"zz\r\n")
        assert b"HTTP/1.1 400 " in read_all(caller)

    assert not worker.requests
    assert rig.invoke(b'"other"').status == 200


def test_bytes_behind_a_last_request_do_no_harm(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    with rig.connect() as caller:
        caller.sendall(request_bytes(body=b'"bye"', extra="Connection: close\r\n") + b"\r\nmore")
        assert read_until(caller, b'"bye"').startswith(b"HTTP/1.1 200 OK")


def test_an_unknown_transfer_coding_is_refused(rig: Rig) -> None:
    with rig.connect() as caller:
        caller.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
        assert b"HTTP/1.1 501 " in read_all(caller)


@pytest.mark.parametrize("pieces", [1, 20])
def test_endless_headers_are_refused(rig: Rig, pieces: int) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: x\r\nx-long: " + b"a" * 70_000
    with rig.connect() as caller:
        step = len(head) // pieces
        for start in range(0, len(head), step):
            caller.sendall(head[start : start + step])
            time.sleep(0.001)
        received = read_all(caller)

    assert received.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


def test_many_headers_in_one_piece_are_refused(rig: Rig) -> None:
    headers = b"".join(b"x-%d: %s\r\n" % (number, b"a" * 100) for number in range(1000))
    with rig.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
        assert read_all(caller).startswith(b"HTTP/1.1 431 ")


def test_a_websocket_is_refused(rig: Rig) -> None:
    with rig.connect() as caller:
        caller.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        received = read_all(caller)

    assert received.startswith(b"HTTP/1.1 501 ")
    assert b"NOT_IMPLEMENTED" in received


def test_an_offer_of_http_2_is_passed_over_and_the_body_read(rig: Rig) -> None:
    worker = rig.worker("w1", echo)
    rig.route_fraud(worker)
    extra = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    with rig.connect() as caller:
        caller.sendall(request_bytes(body=b'"first"', extra=extra) + request_bytes(body=b'"second"'))
        received = read_until(caller, b'"second"')

    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert [request.body for request in worker.requests] == [b'"first"', b'"second"']


def test_what_follows_a_last_answer_is_not_served(rig: Rig) -> None:
    worker = rig.worker("w1", echo)
    rig.route_fraud(worker)
    too_long = request_bytes(body=b"").replace(b"Length: 0", b"Length: 2000000")
    with rig.connect() as caller:
        caller.sendall(too_long.replace(b"Length: 2000000", b"Length: 2000000\r\nExpect: 100-continue"))
        caller.sendall(request_bytes(body=b'"never"'))
        received = read_all(caller)

    assert received.count(b"HTTP/1.1 ") == 1
    assert not worker.requests


def test_a_refused_request_with_a_small_body_leaves_the_connection_usable(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    connection = HTTPConnection("127.0.0.1", rig.port, timeout=10)

    assert rig.request("POST", "/serving-endpoints/x/invocations", b"a" * 5000, connection=connection).status == 404
    assert rig.request("POST", PATH, b'"ok"', connection=connection).status == 200
    connection.close()


def test_headers_that_do_not_arrive_end_the_connection(impatient: Rig) -> None:
    with impatient.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nx-a: ")
        assert read_all(caller).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stops_arriving_ends_the_connection(impatient: Rig) -> None:
    impatient.route_fraud(impatient.worker("w1"))
    with impatient.connect() as caller:
        caller.sendall(request_bytes(body=b"{}").replace(b"Length: 2", b"Length: 20"))
        assert b"HTTP/1.1 408 " in read_all(caller)


def test_an_idle_connection_ends(impatient: Rig) -> None:
    with impatient.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        read_until(caller, b"ok")
        began = time.monotonic()
        assert caller.recv(1) == b""
        assert 0.3 < time.monotonic() - began < 3


def test_a_caller_that_does_not_read_its_answer_is_cut_off(impatient: Rig) -> None:
    async def answer_much(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, b"1" * 30_000_000)

    impatient.route_fraud(impatient.worker("w1", answer_much))
    with impatient.connect() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.sendall(request_bytes() + request_bytes())
        wait_until(lambda: impatient.gateway.connections == 1)

        wait_until(lambda: impatient.gateway.connections == 0)


def test_a_slow_model_is_not_mistaken_for_a_slow_caller(impatient: Rig) -> None:
    async def answer_late(request: frames.Request, connection: WorkerConnection) -> None:
        await asyncio.sleep(1.2 if request.body == b"slow" else 0)
        connection.answer(request)

    impatient.route_fraud(impatient.worker("w1", answer_late))
    connection = HTTPConnection("127.0.0.1", impatient.port, timeout=10)

    assert impatient.request("POST", PATH, b"slow", connection=connection).status == 200
    time.sleep(0.2)
    assert impatient.request("POST", PATH, b"quick", connection=connection).status == 200
    connection.close()


def test_many_callers_are_served_at_once() -> None:
    rig = Rig(queue_limit=500)
    rig.route_fraud(rig.worker("w1", echo))
    callers = [rig.connect() for _ in range(300)]
    for number, caller in enumerate(callers):
        caller.sendall(request_bytes(body=b'"n-%d"' % number))
    received = [read_until(caller, b'"n-%d"' % number) for number, caller in enumerate(callers)]
    for caller in callers:
        caller.close()
    rig.close()

    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in received)


def test_a_stopped_gateway_answers_what_it_has_and_leaves_the_socket_to_others(rig: Rig) -> None:
    gate = asyncio.Event()

    async def answer_later(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request, b'"done"')

    worker = rig.worker("w1", answer_later)
    rig.route_fraud(worker)
    busy, idle = rig.connect(), rig.connect()
    idle.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    read_until(idle, b"ok")
    busy.sendall(request_bytes())
    wait_until(lambda: worker.requests)

    stopping = asyncio.run_coroutine_threadsafe(rig.gateway.stop(10), rig.gateway_thread.loop)
    assert idle.recv(1) == b""
    with rig.connect() as queued:
        queued.settimeout(0.2)
        queued.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            queued.recv(1)
    assert not stopping.done()
    rig.world.loop.call_soon_threadsafe(gate.set)
    answer = read_all(busy)
    stopping.result(10)

    assert b"connection: close\r\n" in answer
    assert answer.endswith(b'"done"')
    idle.close()
    busy.close()


def test_a_caller_that_reads_slowly_but_steadily_gets_its_answer(impatient: Rig) -> None:
    size = 8_000_000

    async def answer_much(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, b"1" * size)

    impatient.route_fraud(impatient.worker("w1", answer_much))
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        caller.settimeout(10)
        caller.connect(("127.0.0.1", impatient.port))
        caller.sendall(request_bytes(extra="Connection: close\r\n"))
        began, received = time.monotonic(), 0
        while data := caller.recv(100_000):
            received += len(data)
            time.sleep(0.025)

    # Much longer than a caller may take no byte at all.
    assert time.monotonic() - began > 1.5
    assert received > size


def test_the_head_of_the_next_request_has_its_own_time(impatient: Rig) -> None:
    first = b"GET /health HTTP/1.1\r\nHost: x\r\nx-a: b\r\n\r\n"
    with impatient.connect() as caller:
        caller.sendall(first[:10])
        time.sleep(0.2)
        caller.sendall(first[10:] + first[:10])
        time.sleep(0.2)
        caller.sendall(first[10:])
        caller.sendall(first.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = read_all(caller)

    assert received.count(b"HTTP/1.1 200 ") == 3
    assert b"HTTP/1.1 408 " not in received


def test_a_target_that_is_no_url_is_refused(rig: Rig) -> None:
    with rig.connect() as caller:
        caller.sendall(b"GET http://[x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = read_all(caller).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error_code"] == "BAD_REQUEST"


def test_an_endless_trailer_ends_its_request(rig: Rig) -> None:
    worker = rig.worker("w1", echo)
    rig.route_fraud(worker)
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with rig.connect() as caller:
        caller.sendall(head.encode() + b"2\r\n{}\r\n0\r\nx-t: ")
        for _ in range(4):
            caller.sendall(b"a" * 50_000)
            time.sleep(0.02)
        assert b"HTTP/1.1 431 " in read_all(caller)

    assert not worker.requests
    assert rig.gateway.held_bytes == 0


def test_a_body_of_tiny_chunks_takes_no_more_memory_than_it_brings(rig: Rig) -> None:
    import tracemalloc

    rig.route_fraud(rig.worker("w1"))
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with rig.connect() as caller:
        caller.sendall(head.encode())
        tracemalloc.start()
        try:
            for _ in range(10):
                caller.sendall(b"2\r\n12\r\n" * 20_000)
            wait_until(lambda: rig.gateway.held_bytes == 400_000)
            taken_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    # The lists of small pieces that this replaced took 28 times the body.
    assert taken_bytes < 2_500_000


def test_a_connection_that_came_as_the_gateway_stopped_is_closed(rig: Rig) -> None:
    late: list[socket.socket] = []

    async def connect_and_stop() -> None:
        # The connection waits in the backlog, is accepted in one turn of the loop and greeted in a later one.
        late.append(rig.connect())
        rig.gateway._listener._accept()
        await asyncio.wait_for(rig.gateway.stop(10), 5)

    rig.gateway_thread.run(connect_and_stop())

    with late[0]:
        assert late[0].recv(1) == b""


def test_a_request_that_came_as_the_gateway_stopped_is_answered(rig: Rig) -> None:
    late: list[socket.socket] = []

    async def connect_and_stop() -> None:
        late.append(rig.connect())
        rig.gateway._listener._accept()
        asyncio.get_running_loop().call_later(0.1, late[0].sendall, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(rig.gateway.stop(10), 5)

    rig.gateway_thread.run(connect_and_stop())

    with late[0]:
        assert read_all(late[0]).startswith(b"HTTP/1.1 200 ")


def test_a_request_of_http_1_1_without_a_host_is_refused_and_one_of_http_1_0_answered(rig: Rig) -> None:
    with rig.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nx-a: b\r\n\r\n")
        received = read_all(caller)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"no 'host' header" in received
    with rig.connect() as caller:
        caller.sendall(b"GET /health HTTP/1.0\r\nx-a: b\r\n\r\n")
        assert read_all(caller).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_comes_byte_by_byte_is_not_read_for_ever() -> None:
    rig = Rig(limits=Limits(body_stall_s=0.3, sweep_s=0.05))
    try:
        rig.route_fraud(rig.worker("w1"))
        with rig.connect() as caller:
            caller.sendall(request_bytes(body=b" " * 1000)[:-999])
            until = time.monotonic() + 10
            with contextlib.suppress(OSError):
                while time.monotonic() < until:
                    caller.sendall(b" ")
                    caller.settimeout(0.05)
                    with contextlib.suppress(TimeoutError):
                        assert caller.recv(100).startswith(b"HTTP/1.1 408 ")
                        break
            assert time.monotonic() < until
    finally:
        rig.close()
