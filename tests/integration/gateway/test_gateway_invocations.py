"""What callers of an endpoint see."""

import asyncio
import base64
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

from pierhead.kit import frames
from pierhead.serving.domain.snapshot import Principal


def test_an_invocation_is_answered_by_the_model(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.route_fraud(worker)

    answer = rig.invoke(b'{"inputs": [[1.0]]}')

    assert (answer.status, answer.body) == (200, b'{"predictions": [1]}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["served-model-name"] == "fraud-1"
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["server-timing"].startswith("queue;dur=")
    assert "predict;dur=0.700" in answer.headers["server-timing"]
    [request] = worker.requests
    assert (request.body, request.content_type) == (b'{"inputs": [[1.0]]}', "application/json")
    assert 9000 < request.timeout_ms <= 10000


def test_names_in_paths_may_be_encoded_and_end_with_a_slash(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.route(fraud([entity("fraud-1", worker)], name="fraud v2"))

    assert rig.invoke(path="/serving-endpoints/fraud%20v2/invocations/?x=1").status == 200
    assert rig.invoke(path="/serving-endpoints/fraud%20v2/served-models/fraud%2d1/invocations").status == 200


def test_a_served_model_can_be_asked_by_name(rig: Rig) -> None:
    champion, challenger = rig.worker("w1"), rig.worker("w2")
    rig.route(fraud([entity("champion", champion), entity("challenger", challenger, weight=0)]))

    answer = rig.invoke(path="/serving-endpoints/fraud/served-models/challenger/invocations")

    assert answer.headers["served-model-name"] == "challenger"
    assert (len(champion.requests), len(challenger.requests)) == (0, 1)
    missing = rig.invoke(path="/serving-endpoints/fraud/served-models/nobody/invocations")
    assert (missing.status, missing.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "'champion'" in missing.json["message"]


def test_a_callers_request_id_is_kept_if_it_is_sane(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    assert rig.invoke(**{"x-request-id": "order-17/3"}).headers["x-request-id"] == "order-17/3"
    assert rig.invoke(**{"x-request-id": "a b"}).headers["x-request-id"] != "a b"
    assert len(rig.invoke(**{"x-request-id": "a" * 129}).headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"bearer  {TOKEN}", "Basic " + base64.b64encode(f"any:{TOKEN}".encode()).decode()],
)
def test_a_token_opens_the_door(rig: Rig, authorization: str) -> None:
    rig.route_fraud(rig.worker("w1"))

    assert rig.invoke(Authorization=authorization).status == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic ???", "Basic YQ==", f"Digest {TOKEN}"])
def test_without_a_valid_token_nothing_is_scored(rig: Rig, authorization: str) -> None:
    worker = rig.worker("w1")
    rig.route_fraud(worker)

    answer = rig.invoke(Authorization=authorization)

    assert (answer.status, answer.json["error_code"]) == (401, "UNAUTHENTICATED")
    assert not worker.requests
    assert not rig.spool.calls


def test_an_expired_token_is_refused(rig: Rig) -> None:
    expired = Principal("1", "ada", [], expires_at_ms=1000)
    rig.route(fraud([entity("fraud-1", rig.worker("w1"))]), principals={digest(TOKEN): expired})

    assert rig.invoke().status == 401


def test_a_request_that_another_site_made_a_browser_send_is_refused(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    assert rig.invoke(Origin="http://evil.example").status == 403
    assert rig.invoke(Origin=f"http://127.0.0.1:{rig.port}").status == 200


def test_an_unknown_endpoint_is_not_found(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    answer = rig.invoke(path="/serving-endpoints/nobody/invocations")

    assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "'nobody'" in answer.json["message"]


def test_an_endpoint_with_nothing_live_says_why(rig: Rig) -> None:
    rig.route(fraud([], reason="the environment of version 3 could not be built"))

    answer = rig.invoke()

    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_STATE")
    assert "could not be built" in answer.json["message"]


def test_only_post_invokes(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    answer = rig.request("GET", PATH)

    assert (answer.status, answer.headers["allow"], answer.json["error_code"]) == (405, "POST", "BAD_REQUEST")
    assert rig.request("HEAD", PATH).body == b""


def test_a_compressed_body_is_refused_clearly(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    assert rig.invoke(**{"content-encoding": "gzip"}).status == 415


def test_a_body_that_is_announced_too_long_is_refused_before_it_is_sent(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    with rig.connect() as caller:
        caller.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000001\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        answer = read_all(caller)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"MAX_REQUEST_SIZE_EXCEEDED" in answer


def test_a_caller_who_sends_a_long_body_anyway_can_read_the_refusal(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    answer = rig.invoke(b"x" * 30_000_000)

    assert (answer.status, answer.json["error_code"]) == (413, "MAX_REQUEST_SIZE_EXCEEDED")
    assert answer.headers["connection"] == "close"


def test_a_chunked_body_that_grows_too_long_is_refused(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    chunks = (b"x" * 100_000 for _ in range(100))
    answer = rig.request("POST", PATH, chunks, {"Transfer-Encoding": "chunked"}, encode_chunked=True)

    assert (answer.status, answer.json["error_code"]) == (413, "MAX_REQUEST_SIZE_EXCEEDED")


def test_a_chunked_body_reaches_the_model_whole(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.route_fraud(worker)

    answer = rig.request("POST", PATH, iter([b'{"inputs"', b": [[1.0]]}"]), encode_chunked=True)

    assert answer.status == 200
    assert worker.requests[0].body == b'{"inputs": [[1.0]]}'


def test_a_caller_that_waits_for_100_continue_gets_it(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    with rig.connect() as caller:
        caller.sendall(request_bytes(body=b"", extra="Expect: 100-continue\r\n").replace(b"Length: 0", b"Length: 2"))
        assert read_until(caller, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(b"{}")

        assert read_until(caller, b"predictions").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_full_queue_sends_callers_away_for_a_moment() -> None:
    rig = Rig(queue_limit=2)
    try:
        rig.route_fraud()
        waiting = [rig.connect(), rig.connect()]
        for caller in waiting:
            caller.sendall(request_bytes())
        wait_until(lambda: sum(pool.load for pool in rig.pools()) == 2)

        answer = rig.invoke()

        assert (answer.status, answer.json["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
        assert answer.headers["retry-after"] == "1"
        assert "content-type" in answer.headers
        for caller in waiting:
            caller.close()
        wait_until(lambda: sum(pool.load for pool in rig.pools()) == 0)
    finally:
        rig.close()


def test_a_request_is_held_until_a_worker_appears(rig: Rig) -> None:
    rig.route_fraud()
    with rig.connect() as caller:
        caller.sendall(request_bytes())
        wait_until(lambda: sum(pool.load for pool in rig.pools()) == 1)
        rig.route_fraud(rig.worker("w1"))

        assert read_until(caller, b"predictions").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_request_is_held_until_the_worker_listens(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.world.run(worker.stop())
    rig.route_fraud(worker)
    with rig.connect() as caller:
        caller.sendall(request_bytes())
        wait_until(lambda: sum(pool.load for pool in rig.pools()) == 1)
        rig.world.run(worker.start())

        assert read_until(caller, b"predictions").startswith(b"HTTP/1.1 200 OK\r\n")


def test_nobody_waits_for_a_worker_for_ever(rig: Rig) -> None:
    rig.route_fraud(timeout_s=0.05, hold_timeout_s=0.2)

    began = time.monotonic()
    answer = rig.invoke()

    assert (answer.status, answer.json["error_code"]) == (504, "DEADLINE_EXCEEDED")
    assert 0.2 <= time.monotonic() - began < 2
    assert "no worker was ready" in answer.json["message"]


async def never_answer(request: frames.Request, connection: WorkerConnection) -> None:
    pass


def test_a_model_that_does_not_answer_in_time_is_told_to_stop(rig: Rig) -> None:
    worker = rig.worker("w1", never_answer)
    rig.route_fraud(worker, timeout_s=0.2)

    answer = rig.invoke()

    assert (answer.status, answer.json["error_code"]) == (504, "DEADLINE_EXCEEDED")
    assert worker.requests[0].timeout_ms <= 200
    wait_until(lambda: worker.cancelled == [worker.requests[0].id])


def test_a_late_answer_is_ignored(rig: Rig) -> None:
    async def answer_late(request: frames.Request, connection: WorkerConnection) -> None:
        await asyncio.sleep(0.5 if request.body == b"late" else 0)
        connection.answer(request, b'"%s"' % request.body)

    worker = rig.worker("w1", answer_late)
    rig.route_fraud(worker, timeout_s=0.2)

    assert rig.invoke(b"late").status == 504
    time.sleep(0.4)
    assert rig.invoke(b"next").body == b'"next"'


def test_an_error_of_the_model_passes_through(rig: Rig) -> None:
    async def refuse(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, b'{"error_code": "BAD_REQUEST", "message": "column a is missing"}', status=400)

    rig.route_fraud(rig.worker("w1", refuse))

    answer = rig.invoke()

    assert (answer.status, answer.json["message"]) == (400, "column a is missing")
    assert answer.headers["served-model-name"] == "fraud-1"


def test_a_content_type_cannot_smuggle_headers(rig: Rig) -> None:
    async def be_nasty(request: frames.Request, connection: WorkerConnection) -> None:
        connection.send(frames.Response(request.id, 200, "text/plain\r\nset-cookie: a=b", 0, 0, b"ok"))

    rig.route_fraud(rig.worker("w1", be_nasty))

    assert "set-cookie" not in rig.invoke().headers


def test_a_status_that_http_does_not_know_is_an_error_of_ours(rig: Rig) -> None:
    async def be_odd(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, status=101)

    rig.route_fraud(rig.worker("w1", be_odd))

    assert rig.invoke().status == 500


def test_a_new_snapshot_counts_within_a_second(rig: Rig) -> None:
    one, two = rig.worker("w1"), rig.worker("w2")
    rig.route_fraud(one)
    assert rig.invoke().status == 200

    rig.route_fraud(two)
    began = time.monotonic()
    while not two.requests:
        assert rig.invoke().status == 200

    assert time.monotonic() - began < 1


def test_a_bad_snapshot_changes_nothing(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    rig.config.snapshot.write_bytes(b'{"number": 9')
    time.sleep(0.2)
    assert rig.invoke().status == 200
    rig.config.snapshot.unlink()
    time.sleep(0.2)
    assert rig.invoke().status == 200


def test_a_large_answer_arrives_whole(rig: Rig) -> None:
    async def answer_much(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, b"[" + b"1," * 4_000_000 + b"1]")

    rig.route_fraud(rig.worker("w1", answer_much))

    assert len(rig.invoke().body) == 8_000_003
