"""Inference records and counters."""

import errno
import json
import time
from collections.abc import Iterator

import msgspec
import pytest
from gateway_rig import TABLE, Rig, WorkerConnection, entity, fraud, read_until, request_bytes, wait_until

from pierhead.gateway.records import decode
from pierhead.kit import frames, spool
from pierhead.serving.domain.snapshot import Capture
from pierhead.serving.domain.traffic import GatewayTraffic


async def never_answer(request: frames.Request, connection: WorkerConnection) -> None:
    pass


@pytest.fixture
def spooling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    root = tmp_path_factory.mktemp("spool")
    writer = spool.SpoolWriter(root, "gateway-1")
    rig = Rig(spool=writer, spool_folder=root)
    yield rig
    rig.close()
    writer.close()


def test_an_answered_invocation_is_on_record(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    began_ms = time.time() * 1000

    rig.invoke(b'{"inputs": [[1.0]]}', **{"x-request-id": "r-1"})

    [record] = rig.spool.records()
    assert record.request_id == "r-1"
    # The gateway reads the clock once for all that one turn of its loop finds.
    assert began_ms - 100 <= record.timestamp_ms <= time.time() * 1000
    assert (record.status_code, record.error_code, record.logging_error_codes) == (200, None, [])
    assert (record.request, record.request_content_type) == (b'{"inputs": [[1.0]]}', "application/json")
    assert record.response == b'{"predictions": [1]}'
    assert (record.endpoint_name, record.endpoint_id, record.config_version) == ("fraud", "e1", 7)
    assert (record.served_entity_name, record.served_entity_id) == ("fraud-1", "id-fraud-1")
    assert (record.model_name, record.model_version, record.requester) == ("ml.fraud.model", "3", "ada")
    assert record.predict_ms == 0.7
    assert 0 < record.queue_ms < record.execution_duration_ms < 5000


def test_the_record_is_in_the_spool_when_the_answer_arrives(spooling: Rig) -> None:
    spooling.route_fraud(spooling.worker("w1"))
    root = spooling.config.spool

    for number in range(20):
        spooling.invoke(**{"x-request-id": f"r-{number}"})
        [stream] = spool.streams(root, TABLE)
        records, _ = spool.read(stream, 0, 1 << 20)
        assert decode(records[-1]).request_id == f"r-{number}"


def test_answers_wait_for_their_records(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    rig.spool.before = lambda: time.sleep(0.3)
    with rig.connect() as caller:
        caller.sendall(request_bytes())
        caller.settimeout(0.15)
        with pytest.raises(TimeoutError):
            caller.recv(1)
        caller.settimeout(10)
        read_until(caller, b"predictions")

    assert len(rig.spool.calls) == 1


def test_answers_of_one_turn_share_one_write(rig: Rig) -> None:
    waiting: list[frames.Request] = []

    async def answer_all_at_the_tenth(request: frames.Request, connection: WorkerConnection) -> None:
        waiting.append(request)
        if len(waiting) == 10:
            connection.answer_together(waiting)

    rig.route_fraud(rig.worker("w1", answer_all_at_the_tenth))

    assert {answer.status for answer in rig.invoke_many([b"{}"] * 10)} == {200}
    assert [(table, len(records)) for table, records in rig.spool.calls] == [(TABLE, 10)]


def test_the_clients_own_id_is_kept_from_the_model_and_put_on_record(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.route_fraud(worker)
    body = b'{"client_request_id": "c-9", "usage_context": {"a": 1}, "inputs": [[1.00, NaN]]}'

    rig.invoke(body)

    assert worker.requests[0].body == b'{"inputs":[[1.00, NaN]]}'
    [record] = rig.spool.records()
    assert (record.client_request_id, record.request) == ("c-9", body)


def test_bodies_that_are_too_long_are_left_out(rig: Rig) -> None:
    async def answer_much(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, b"1" * (1024 * 1024 + 1))

    big = Rig(max_body_bytes=4_000_000)
    try:
        big.route_fraud(big.worker("w1", answer_much))
        big.invoke(b"2" * (1024 * 1024 + 1))
        [record] = big.spool.records()
    finally:
        big.close()

    assert (record.request, record.response) == (None, None)
    assert record.logging_error_codes == ["MAX_REQUEST_SIZE_EXCEEDED", "MAX_RESPONSE_SIZE_EXCEEDED"]


def test_failed_invocations_are_on_record(rig: Rig) -> None:
    async def refuse(request: frames.Request, connection: WorkerConnection) -> None:
        if request.body == b"late":
            return
        if request.body == b"deadly":
            connection.die()
            return
        connection.answer(request, b'{"error_code": "BAD_REQUEST", "message": "no"}', status=400)

    rig.route_fraud(rig.worker("w1", refuse), timeout_s=0.5)
    for body in (b"bad", b"late", b"deadly"):
        rig.invoke(body)

    failures = [(record.request, record.status_code, record.error_code) for record in rig.spool.records()]
    assert failures == [
        (b"bad", 400, "BAD_REQUEST"),
        (b"late", 504, "DEADLINE_EXCEEDED"),
        (b"deadly", 500, "INTERNAL_ERROR"),
    ]


def test_who_was_never_let_in_is_not_on_record(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))

    rig.invoke(Authorization="Bearer wrong")
    rig.invoke(path="/serving-endpoints/nobody/invocations")
    rig.invoke(b"1" * 1_000_001)

    assert not rig.spool.calls


def test_an_endpoint_without_inference_table_has_no_records(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"), captured=False)

    assert rig.invoke().status == 200
    assert not rig.spool.calls


def test_a_sample_is_the_same_for_the_same_ids(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"), capture=Capture(TABLE, sampling_rate=0.5))

    for _ in range(2):
        for number in range(40):
            rig.invoke(**{"x-request-id": f"r-{number}"})

    ids = [record.request_id for record in rig.spool.records()]
    assert 8 < len(set(ids)) < 32
    assert sorted(ids) == sorted([*set(ids), *set(ids)])
    assert rig.spool.records()[0].sampling_rate == 0.5


def test_a_full_disk_stops_nobody_and_is_counted(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    rig.spool.error = OSError(errno.ENOSPC, "No space left on device")

    assert [rig.invoke().status for _ in range(3)] == [200, 200, 200]

    wait_until(lambda: traffic(rig).records_dropped == 3)
    assert traffic(rig).records_dropped_by_table == {TABLE: 3}


def test_traffic_is_counted_every_second(rig: Rig) -> None:
    async def answer_bad_badly(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, status=400 if request.body == b"bad" else 200)

    idle = entity("idle", rig.worker("w2"), weight=0)
    rig.route(fraud([entity("busy", rig.worker("w1", answer_bad_badly)), idle]))
    for body in (b"good", b"good", b"bad"):
        rig.invoke(body)

    wait_until(lambda: sum(sum(one.requests_by_status.values()) for one in traffic(rig).entities) == 3)
    counts = {one.entity: one for one in traffic(rig).entities}
    assert counts["busy"].requests_by_status == {"200": 2, "400": 1}
    assert sum(counts["busy"].latency_counts) == 3
    assert counts["busy"].latency_sum_ms > 0
    parts = [counts["busy"].queue_counts, counts["busy"].predict_counts, counts["busy"].wakeup_counts]
    assert [sum(part) for part in parts] == [3, 3, 0]
    # The fake workers say that every prediction took them 0.7 ms.
    assert counts["busy"].predict_sum_ms == pytest.approx(2.1)
    assert counts["idle"].requests_by_status == {}


def test_what_waits_shows_in_the_traffic(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1", never_answer))
    callers = [rig.connect() for _ in range(3)]
    for caller in callers:
        caller.sendall(request_bytes())

    wait_until(lambda: traffic(rig).entities[0].in_flight == 3)
    for caller in callers:
        caller.close()
    wait_until(lambda: traffic(rig).entities[0].in_flight == 0)
    assert traffic(rig).entities[0].requests_by_status == {"499": 3}


def traffic(rig: Rig) -> GatewayTraffic:
    path = rig.config.traffic_folder / "g1.json"
    wait_until(path.exists)
    found = msgspec.json.decode(path.read_bytes(), type=GatewayTraffic)
    assert json.loads(path.read_bytes())["gateway_id"] == "g1"
    if not found.entities:
        time.sleep(0.05)
        return traffic(rig)
    return found
