"""Requests whose head was read before."""

import json
import os
import socket
import time

import pytest
from gateway_rig import (
    PATH,
    TOKEN,
    Rig,
    WorkerConnection,
    digest,
    entity,
    fraud,
    read_all,
    read_until,
    request_bytes,
    wait_until,
)

from pierhead.gateway.http.limits import Limits
from pierhead.kit import frames
from pierhead.serving.domain.snapshot import Principal, RateLimit


async def echo(request: frames.Request, connection: WorkerConnection) -> None:
    connection.answer(request, request.body)


def ask(caller: socket.socket, message: bytes, answer: bytes) -> bytes:
    caller.sendall(message)
    return read_until(caller, answer)


def test_the_same_head_is_read_once(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    with rig.connect() as caller:
        for number in range(5):
            head = ask(caller, request_bytes(body=b'"a-%d"' % number), b'"a-%d"' % number)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert head.lower().count(b"x-request-id: ") == 1

    assert rig.gateway.shortcuts == 1
    assert len({record.request_id for record in rig.spool.records()}) == 5


def test_head_and_body_may_come_apart(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    message = request_bytes(body=b'"apart"')
    with rig.connect() as caller:
        for cut in (7, 7, 3, len(message) - 5, 7):
            caller.sendall(message[:-cut])
            time.sleep(0.05)
            assert ask(caller, message[-cut:], b'"apart"').startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_revoked_token_opens_nothing_however_often_its_head_was_read(rig: Rig) -> None:
    worker = rig.worker("w1", echo)
    rig.route(fraud([entity("fraud-1", worker)]))
    with rig.connect() as caller:
        for _ in range(2):
            ask(caller, request_bytes(body=b'"in"'), b'"in"')
        rig.route(fraud([entity("fraud-1", worker)]), principals={})

        assert ask(caller, request_bytes(body=b'"in"'), b"}").startswith(b"HTTP/1.1 401 ")


def test_a_token_that_expires_between_two_requests_opens_nothing(rig: Rig) -> None:
    soon_ms = int(time.time() * 1000) + 1500
    principals = {digest(TOKEN): Principal("1", "ada", [], expires_at_ms=soon_ms)}
    rig.route(fraud([entity("fraud-1", rig.worker("w1", echo))]), principals=principals)
    with rig.connect() as caller:
        ask(caller, request_bytes(body=b'"in"'), b'"in"')
        time.sleep(2.2)

        assert ask(caller, request_bytes(body=b'"in"'), b"}").startswith(b"HTTP/1.1 401 ")


def test_what_changes_between_a_known_head_and_its_body_counts(rig: Rig) -> None:
    old, new = rig.worker("w1", echo), rig.worker("w2", echo)
    rig.route(fraud([entity("old", old)]))
    message = request_bytes(body=b'"x"')
    with rig.connect() as caller:
        ask(caller, message, b'"x"')
        caller.sendall(message[:-3])
        time.sleep(0.1)
        rig.route(fraud([entity("new", new)]))

        assert b"served-model-name: new\r\n" in ask(caller, message[-3:], b'"x"')


def test_a_known_head_without_a_body_is_answered_each_time_also_when_it_is_refused(rig: Rig) -> None:
    limits = [RateLimit(2, "endpoint")]
    rig.route(fraud([entity("fraud-1", rig.worker("w1"))], rate_limits=limits))
    with rig.connect() as caller:
        for _ in range(2):
            ask(caller, request_bytes(body=b""), b"predictions")

        assert ask(caller, request_bytes(body=b""), b"}").startswith(b"HTTP/1.1 429 ")


def test_a_right_that_is_taken_away_is_gone_at_once(rig: Rig) -> None:
    worker = rig.worker("w1", echo)
    rig.route(fraud([entity("fraud-1", worker)]))
    with rig.connect() as caller:
        ask(caller, request_bytes(body=b'"in"'), b'"in"')
        rig.route(fraud([entity("fraud-1", worker)], query_groups=frozenset({"others"})))

        assert ask(caller, request_bytes(body=b'"in"'), b"}").startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "extra",
    ["Expect: 100-continue\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "X-A:  two spaces\r\n"],
)
def test_heads_with_more_to_them_are_read_each_time(rig: Rig, extra: str) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    for _ in range(2):
        with rig.connect() as caller:
            caller.sendall(request_bytes(extra=extra))
            caller.recv(1 << 16)

    assert rig.gateway.shortcuts == 0


def test_a_head_that_names_another_length_is_another_head(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", echo))
    with rig.connect() as caller:
        for body in (b'"1"', b'"22"', b'"1"', b'"333"', b'"22"'):
            ask(caller, request_bytes(body=body), body)

    assert rig.gateway.shortcuts == 3


def test_requests_behind_one_that_took_a_shortcut_are_answered_in_order(rig: Rig) -> None:
    async def slowly(request: frames.Request, connection: WorkerConnection) -> None:
        import asyncio

        await asyncio.sleep(0.2 if b"first" in request.body else 0)
        connection.answer(request, request.body)

    rig.route_fraud(rig.worker("w1", slowly))
    with rig.connect() as caller:
        ask(caller, request_bytes(body=b'"first"'), b'"first"')
        caller.sendall(request_bytes(body=b'"first"'))
        time.sleep(0.05)
        received = ask(caller, request_bytes(body=b'"later"') + request_bytes(body=b'"third"'), b'"third"')

    assert received.index(b'"first"') < received.index(b'"later"') < received.index(b'"third"')


def test_a_caller_who_hangs_up_on_a_shortcut_is_forgotten(rig: Rig) -> None:
    async def only_the_first(request: frames.Request, connection: WorkerConnection) -> None:
        if request.id == 1:
            connection.answer(request, request.body)

    worker = rig.worker("w1", only_the_first)
    rig.route_fraud(worker)
    with rig.connect() as caller:
        ask(caller, request_bytes(body=b'"x"'), b'"x"')
        caller.sendall(request_bytes(body=b'"x"'))
        wait_until(lambda: len(worker.requests) == 2)

    wait_until(lambda: worker.cancelled == [2])
    assert rig.pools()[0].load == 0
    assert rig.gateway.held_bytes == 0


def test_a_known_head_without_its_body_is_refused_in_time() -> None:
    rig = Rig(limits=Limits(body_stall_s=0.3, sweep_s=0.05))
    try:
        rig.route_fraud(rig.worker("w1", echo))
        with rig.connect() as caller:
            ask(caller, request_bytes(body=b'"x"'), b'"x"')
            caller.sendall(request_bytes(body=b'"x"')[:-3])

            assert read_all(caller).startswith(b"HTTP/1.1 408 ")
    finally:
        rig.close()


def test_some_invocations_get_a_line_in_the_access_log_without_their_bodies() -> None:
    read_fd, write_fd = os.pipe()
    rig = Rig(access_log_fd=write_fd, access_log_rate=1.0)
    try:
        rig.route_fraud(rig.worker("w1", echo))
        rig.invoke(b'"secret"', **{"x-request-id": "r-1"})
        rig.invoke(b'"secret"', **{"x-request-id": "r-2"})
        rig.gateway_thread.loop.call_soon_threadsafe(rig.gateway._flush_logs)
        raw = os.read(read_fd, 1 << 16)
    finally:
        rig.close()
        os.close(read_fd)
        os.close(write_fd)

    first, second = map(json.loads, raw.splitlines())
    assert (first["request_id"], second["request_id"]) == ("r-1", "r-2")
    assert (first["status"], first["endpoint"], first["entity"], first["user"]) == (200, "fraud", "fraud-1", "ada")
    assert first["total_ms"] > 0
    assert b"secret" not in raw
    assert TOKEN.encode() not in raw


def test_a_request_to_another_path_with_a_known_heads_length_is_another_request(rig: Rig) -> None:
    rig.route(
        fraud([entity("one", rig.worker("w1", echo))]), fraud([entity("two", rig.worker("w2", echo))], name="other")
    )
    with rig.connect() as caller:
        for path, name in ((PATH, b"one"), ("/serving-endpoints/other/invocations", b"two")) * 3:
            received = ask(caller, request_bytes(path, b'"x"'), b'"x"')
            assert b"served-model-name: %b\r\n" % name in received
