"""Copies of live invocations: whatever becomes of them, the caller of the original knows nothing of it."""

import time

import pytest
from gateway_rig import (
    Rig,
    WorkerConnection,
    entity,
    fraud,
    request_bytes,
    wait_until,
)
from msgspec.structs import replace
from ramp_rig import observed, ramp, ramped, shadows

from pierhead.gateway.capture import is_sampled
from pierhead.kit import frames
from pierhead.serving.domain.snapshot import RateLimit
from pierhead.serving.domain.traffic import EntityTraffic


async def never_answer(request: frames.Request, connection: WorkerConnection) -> None:
    pass


async def answer_otherwise(request: frames.Request, connection: WorkerConnection) -> None:
    connection.answer(request, b'{"predictions": [0]}')


async def die(request: frames.Request, connection: WorkerConnection) -> None:
    connection.die()


def candidate_traffic(rig: Rig) -> EntityTraffic:
    """What the gateway last told of it: once a second, so it may not have told anything yet."""
    wait_until(lambda: any(each.entity == "candidate" for each in rig.traffic()))
    return next(each for each in rig.traffic() if each.entity == "candidate")


def settled(rig: Rig) -> bool:
    """Whether no copy is left anywhere."""
    lanes = [pool.lane for pool in rig.pools() if pool.lane is not None]
    return rig.gateway.shadow_bytes == 0 and not any(lane.waiting for lane in lanes)


def test_a_candidate_gets_a_copy_and_answers_nobody(rig: Rig) -> None:
    champion, candidate = rig.worker("champion"), rig.worker("candidate", answer_otherwise)
    rig.route(ramped(champion, candidate, ramp(shadow_rate=1.0)))
    body = b'{"client_request_id": "c-1", "inputs": [[1.0]]}'

    answer = rig.invoke(body, **{"x-request-id": "r-1"})
    wait_until(lambda: len(observed(rig)) == 2)

    assert (answer.headers["served-model-name"], answer.body) == ("champion", b'{"predictions": [1]}')
    # The model sees what the champion saw.
    assert [request.body for request in candidate.requests] == [b'{"inputs":[[1.0]]}']
    original, copy = observed(rig)
    assert (original.route, original.request_id, original.shadow_of) == ("primary", "r-1", None)
    assert (copy.route, copy.shadow_of, copy.client_request_id) == ("shadow", "r-1", "c-1")
    assert copy.request_id not in ("r-1", "")
    assert (copy.status_code, copy.error_code, copy.response) == (200, None, b'{"predictions": [0]}')
    assert (copy.served_entity_name, copy.requester, copy.request) == ("candidate", "ada", b'{"inputs":[[1.0]]}')
    assert (copy.bucket, copy.unit_hash) == (original.bucket, original.unit_hash)
    # The worker's own figure, which this one makes up, and the gateway's.
    assert copy.predict_ms == 0.7
    assert 0 < copy.execution_duration_ms < 5000
    # The inference table has both.
    assert [record.shadow_of for record in rig.spool.records()] == [None, "r-1"]
    assert settled(rig)


def test_copies_are_counted_apart(rig: Rig) -> None:
    rig.route(ramped(rig.worker("champion"), rig.worker("candidate"), ramp(shadow_rate=1.0)))

    for _ in range(5):
        rig.invoke()
    wait_until(lambda: len(shadows(rig)) == 5)
    wait_until(lambda: candidate_traffic(rig).shadow_requests_by_status == {"200": 5})

    told = candidate_traffic(rig)
    assert (told.requests_by_status, sum(told.latency_counts), told.in_flight, told.concurrency_ms) == ({}, 0, 0, 0)
    assert (sum(told.shadow_latency_counts), told.shadows_dropped, told.shadows_in_flight) == (5, 0, 0)
    assert told.shadow_latency_sum_ms > 0


def test_the_same_requests_are_copied_in_every_gateway(rig: Rig) -> None:
    rig.route(ramped(rig.worker("champion"), rig.worker("candidate"), ramp(shadow_rate=0.5), observe_rate=0.0))
    ids = [f"r-{number}" for number in range(40)]

    for _ in range(2):
        for request_id in ids:
            rig.invoke(**{"x-request-id": request_id})
    sampled = [request_id for request_id in ids if is_sampled(request_id, 0.5)]
    # Both rounds copy as many, and each of them is told as a pair.
    wait_until(lambda: settled(rig) and len(observed(rig)) >= 4 * len(sampled))

    copied = [record.shadow_of for record in shadows(rig)]
    assert copied == sampled * 2
    assert 8 < len(sampled) < 32
    # Each copy has its original beside it, even where few originals are observed.
    assert sorted(map(str, copied)) == sorted(r.request_id for r in observed(rig) if r.route == "primary")


@pytest.mark.parametrize(("status", "is_copied"), [(200, True), (500, True), (503, True), (400, False), (413, False)])
def test_what_the_caller_spoiled_is_not_compared(rig: Rig, status: int, is_copied: bool) -> None:
    async def answer(request: frames.Request, connection: WorkerConnection) -> None:
        connection.answer(request, b'{"error_code": "X"}', status)

    candidate = rig.worker("candidate")
    rig.route(ramped(rig.worker("champion", answer), candidate, ramp(shadow_rate=1.0)))

    assert rig.invoke().status == status
    wait_until(lambda: len(observed(rig)) == 1 + is_copied)

    assert len(candidate.requests) == is_copied


def test_neither_direct_calls_nor_the_candidates_own_are_copied(rig: Rig) -> None:
    candidate = rig.worker("candidate")
    rig.route(ramped(rig.worker("champion"), candidate, ramp(10_000, shadow_rate=1.0)))

    rig.invoke()
    rig.invoke(path="/serving-endpoints/fraud/served-models/champion/invocations")
    wait_until(lambda: len(observed(rig)) == 2)

    assert [record.route for record in observed(rig)] == ["candidate", "direct"]
    assert len(candidate.requests) == 1


def test_a_caller_that_hung_up_left_nothing_to_compare(rig: Rig) -> None:
    champion, candidate = rig.worker("champion", never_answer), rig.worker("candidate")
    rig.route(ramped(champion, candidate, ramp(shadow_rate=1.0)))
    with rig.connect() as caller:
        caller.sendall(request_bytes())
        wait_until(lambda: champion.requests)
    wait_until(lambda: observed(rig))

    assert not candidate.requests


def test_a_hung_candidate_holds_no_more_than_its_share(rig: Rig) -> None:
    candidate = rig.worker("candidate", never_answer)
    bounds = ramp(shadow_rate=1.0, shadow_concurrency=2, shadow_queue=3, shadow_timeout_s=0.5)
    limits = [RateLimit(13, "user")]
    rig.route(ramped(rig.worker("champion"), candidate, bounds, rate_limits=limits))

    assert [rig.invoke().status for _ in range(12)] == [200] * 12
    # Copies take nothing of what the endpoint lets its callers have.
    assert [rig.invoke().status for _ in range(2)] == [200, 429]
    assert len(candidate.requests) == 2
    wait_until(lambda: settled(rig) and len(shadows(rig)) == 13)

    found = [(record.status_code, record.error_code) for record in shadows(rig)]
    assert found.count((429, "SHADOW_QUEUE_FULL")) == 8
    assert found.count((504, "DEADLINE_EXCEEDED")) >= 2
    assert set(found) <= {(429, "SHADOW_QUEUE_FULL"), (504, "DEADLINE_EXCEEDED"), (429, "SHADOW_NOT_SENT")}
    wait_until(lambda: len(candidate.cancelled) == found.count((504, "DEADLINE_EXCEEDED")))
    dropped = [record for record in shadows(rig) if record.status_code == 429]
    assert all((record.request, record.response) == (None, None) for record in dropped)
    assert all(record.logging_error_codes == ["SHADOW_DROPPED"] for record in dropped)
    wait_until(lambda: candidate_traffic(rig).shadows_dropped == len(dropped))
    # What no worker ever had is no business of the inference table.
    assert sum(record.route == "shadow" for record in rig.spool.records()) == 13 - len(dropped)


def test_a_candidate_that_dies_of_a_copy_is_told_of_and_nobody_else(rig: Rig) -> None:
    champion = rig.worker("champion")
    rig.route(ramped(champion, rig.worker("candidate", die), ramp(shadow_rate=1.0)))

    assert [rig.invoke().status for _ in range(3)] == [200] * 3
    wait_until(lambda: len(shadows(rig)) == 3)

    assert {(record.status_code, record.error_code) for record in shadows(rig)} == {(503, "SHADOW_WORKER_DIED")}
    assert settled(rig)


def test_a_candidate_without_a_worker_wakes_nobody_and_is_told_of(rig: Rig) -> None:
    rig.route(ramped(rig.worker("champion"), None, ramp(shadow_rate=1.0, shadow_timeout_s=0.1)))
    rig.nudges()

    assert rig.invoke().status == 200
    wait_until(lambda: len(shadows(rig)) == 1)

    [copy] = shadows(rig)
    assert (copy.status_code, copy.error_code) == (503, "SHADOW_NO_WORKER")
    assert rig.nudges() == 0
    assert candidate_traffic(rig).waiting == 0


def test_the_candidates_own_callers_go_first(rig: Rig) -> None:
    """Six copies wait behind one; whoever calls the candidate then is next."""
    first: list[tuple[frames.Request, WorkerConnection]] = []

    async def hold_the_first(request: frames.Request, connection: WorkerConnection) -> None:
        if first:
            connection.answer(request)
        first.append((request, connection))

    candidate = rig.worker("candidate", hold_the_first)
    rig.route(ramped(rig.worker("champion"), candidate, ramp(shadow_rate=1.0, shadow_concurrency=1)))
    for number in range(7):
        rig.invoke(b'"copy %d"' % number)
    wait_until(lambda: len(candidate.requests) == 1)

    direct = rig.invoke(b'"call"', path="/serving-endpoints/fraud/served-models/candidate/invocations")

    assert direct.status == 200
    assert [request.body for request in candidate.requests] == [b'"copy 0"', b'"call"']
    held, connection = first[0]
    rig.world.loop.call_soon_threadsafe(connection.answer, held)
    wait_until(lambda: len(candidate.requests) == 8 and settled(rig))


def test_copies_wait_while_an_invocation_does(rig: Rig) -> None:
    """A batch worker's room is full with callers: no copy goes to it, however few copies there are."""
    candidate = rig.worker("candidate", never_answer)
    rig.route(ramped(rig.worker("champion"), candidate, ramp(shadow_rate=1.0, shadow_timeout_s=0.3)))
    direct = "/serving-endpoints/fraud/served-models/candidate/invocations"
    callers = [rig.connect() for _ in range(40)]
    for caller in callers:
        caller.sendall(request_bytes(direct))
    wait_until(lambda: len(candidate.requests) == 40)

    rig.invoke(b'"copy"')
    wait_until(lambda: shadows(rig))

    assert [(record.status_code, record.error_code) for record in shadows(rig)] == [(429, "SHADOW_NOT_SENT")]
    assert len(candidate.requests) == 40
    for caller in callers:
        caller.close()


def test_what_a_compiled_candidate_hands_back_its_original_answers(rig: Rig) -> None:
    async def decline(request: frames.Request, connection: WorkerConnection) -> None:
        connection.decline(request, "not plain")

    compiled, native = rig.worker("compiled", decline), rig.worker("native", answer_otherwise)
    plain = ramped(rig.worker("champion"), compiled, ramp(shadow_rate=1.0))
    champion, candidate = plain.entities
    candidate = replace(candidate, is_compiled=True, native_sockets=[str(native.path)])
    rig.route(replace(plain, entities=[champion, candidate]))

    rig.invoke()
    wait_until(lambda: shadows(rig))

    [copy] = shadows(rig)
    assert (copy.status_code, copy.response) == (200, b'{"predictions": [0]}')
    assert all(pool.route.counts.declined == 0 for pool in rig.pools())


def test_a_copy_that_waits_for_the_original_may_wake_it(rig: Rig) -> None:
    async def decline(request: frames.Request, connection: WorkerConnection) -> None:
        connection.decline(request, "not plain")

    plain = ramped(rig.worker("champion"), rig.worker("compiled", decline), ramp(shadow_rate=1.0))
    champion, candidate = plain.entities
    rig.route(replace(plain, entities=[champion, replace(candidate, is_compiled=True)]))

    rig.invoke()
    wait_until(lambda: candidate_traffic(rig).native_waiting == 1)

    assert candidate_traffic(rig).shadows_waiting == 1


def test_a_ramp_that_ends_takes_its_copies_with_it(rig: Rig) -> None:
    champion, candidate = rig.worker("champion"), rig.worker("candidate", never_answer)
    bounds = ramp(shadow_rate=1.0, shadow_concurrency=1)
    rig.route(ramped(champion, candidate, bounds))
    for _ in range(4):
        rig.invoke()
    wait_until(lambda: len(candidate.requests) == 1)

    # The config has become active: its entity is here to stay, but nobody's candidate any more.
    rig.route(fraud([entity("champion", champion), entity("candidate", candidate)], observed_by=["ro1"]))
    wait_until(lambda: len(shadows(rig)) == 3)
    assert {record.error_code for record in shadows(rig)} == {"SHADOW_WITHDRAWN"}

    # The whole endpoint goes, with what a worker has.
    rig.route()
    rig.world.run(candidate.stop())
    wait_until(lambda: rig.gateway.shadow_bytes == 0)


def test_a_gateway_that_stops_holds_nobody_up_for_its_copies() -> None:
    rig = Rig()
    candidate = rig.worker("candidate", never_answer)
    rig.route(ramped(rig.worker("champion"), candidate, ramp(shadow_rate=1.0, shadow_timeout_s=60.0)))
    rig.invoke()
    wait_until(lambda: candidate.requests)
    began_s = time.monotonic()

    rig.gateway_thread.run(rig.gateway.stop(grace_s=5))

    assert time.monotonic() - began_s < 2
    assert [record.error_code for record in shadows(rig)] == ["SHADOW_WITHDRAWN"]
    assert rig.gateway.shadow_bytes == 0
    rig.close()


def test_copies_take_no_more_memory_than_they_may() -> None:
    """Two bodies of 1 MB fit into 2.5 MB; the callers' own bodies are counted elsewhere, and not held."""
    rig = Rig(max_body_bytes=4_000_000, shadow_bytes=2_500_000)
    candidate = rig.worker("candidate", never_answer)
    rig.route(ramped(rig.worker("champion"), candidate, ramp(shadow_rate=1.0)))

    for _ in range(4):
        assert rig.invoke(b'"%b"' % (b"x" * 1_000_000)).status == 200
    wait_until(lambda: len(shadows(rig)) == 2)

    assert {record.error_code for record in shadows(rig)} == {"SHADOW_MEMORY_FULL"}
    assert 2_000_000 < rig.gateway.shadow_bytes < 2_500_000
    assert rig.gateway.held_bytes == 0
    rig.close()
