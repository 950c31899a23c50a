"""Invocations of an entity that has no worker, and how many of them workers get at a time."""

import asyncio
import re
import threading
import time

import msgspec
import pytest
from gateway_rig import Answer, Rig, WorkerConnection, entity, fraud, read_until, request_bytes, wait_until

from pierhead.gateway.crews import MOST_IN_A_BATCH, MOST_IN_FLIGHT
from pierhead.kit import frames
from pierhead.serving.domain.snapshot import EntityRoute


async def never_answer(request: frames.Request, connection: WorkerConnection) -> None:
    pass


def invoke_in_background(rig: Rig) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(rig.invoke()))
    thread.start()
    return thread, answers


def timing_of(answer: Answer) -> dict[str, float]:
    """The parts of `server-timing`, ms."""
    found = re.findall(r"(\w+);dur=([0-9.]+)", answer.headers["server-timing"])
    return {name: float(ms) for name, ms in found}


def test_the_time_out_of_a_held_request_begins_when_a_worker_exists(rig: Rig) -> None:
    rig.route_fraud(timeout_s=0.3)
    thread, answers = invoke_in_background(rig)
    time.sleep(0.6)
    rig.route_fraud(rig.worker("w1"), timeout_s=0.3)
    thread.join(10)

    assert answers[0].status == 200
    timing = timing_of(answers[0])
    assert timing["wakeup"] >= 500
    assert timing["queue"] < timing["wakeup"]
    assert timing["total"] >= timing["wakeup"] + timing["queue"]


def test_a_held_request_gets_its_own_time_and_no_more_once_a_worker_exists(rig: Rig) -> None:
    rig.route_fraud(timeout_s=0.3)
    thread, answers = invoke_in_background(rig)
    time.sleep(0.3)
    rig.route_fraud(rig.worker("w1", never_answer), timeout_s=0.3)
    began = time.monotonic()
    thread.join(10)

    assert answers[0].status == 504
    assert "took longer than 0.3 s: its worker did not answer" in answers[0].json["message"]
    assert 0.2 < time.monotonic() - began < 2


def test_a_held_request_that_goes_over_to_another_entity_gets_its_time_as_well(rig: Rig) -> None:
    rig.route(fraud([entity("old")], hold_timeout_s=1.0))
    thread, answers = invoke_in_background(rig)
    time.sleep(0.7)

    async def answer_late(request: frames.Request, connection: WorkerConnection) -> None:
        await asyncio.sleep(0.6)
        connection.answer(request, b"{}")

    rig.route(fraud([entity("new", rig.worker("w1", answer_late))], hold_timeout_s=1.0))
    thread.join(10)

    assert answers[0].status == 200
    assert timing_of(answers[0])["wakeup"] >= 500


def test_a_request_that_is_not_held_has_no_wake_up(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    rig.invoke()

    assert timing_of(rig.invoke())["wakeup"] == 0


def test_the_controller_is_told_at_once_that_somebody_waits(rig: Rig) -> None:
    rig.route_fraud()
    wait_until(lambda: rig.traffic())
    time.sleep(0.1)
    rig.nudges()
    began = time.monotonic()
    with rig.connect() as caller:
        caller.sendall(request_bytes())
        wait_until(rig.nudges)

        assert time.monotonic() - began < 0.5
        [told] = rig.traffic()
        assert (told.waiting, told.in_flight, told.workers) == (1, 1, 0)
    wait_until(lambda: rig.traffic()[0].waiting == 0)


def test_time_in_flight_and_waiting_adds_up(rig: Rig) -> None:
    rig.route_fraud()
    wait_until(lambda: rig.traffic())
    with rig.connect() as one, rig.connect() as other:
        one.sendall(request_bytes())
        other.sendall(request_bytes())
        time.sleep(0.5)
    wait_until(lambda: rig.traffic()[0].in_flight == 0)

    assert 800 < rig.traffic()[0].concurrency_ms < 3000


def test_a_request_that_lost_its_only_worker_is_held_for_a_fresh_one(rig: Rig) -> None:
    worker = rig.worker("w1", never_answer)
    rig.route_fraud(worker, timeout_s=0.4)
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: worker.requests)
    rig.world.run(worker.stop())
    time.sleep(0.8)
    rig.route_fraud(rig.worker("w2"), timeout_s=0.4)
    thread.join(10)

    assert answers[0].status == 200


@pytest.mark.parametrize(
    ("route", "expected"),
    [({}, MOST_IN_FLIGHT), ({"batches": True}, MOST_IN_A_BATCH)],
    ids=["one by one", "batches"],
)
def test_workers_get_as_many_as_their_entity_lets_them(route: dict[str, int], expected: int) -> None:
    rig = Rig(queue_limit=500)
    gate = asyncio.Event()

    async def answer_later(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request, request.body)

    worker = rig.worker("w1", answer_later)
    fields = {"name": "fraud-1", "entity_id": "i", "model_name": "m", "model_version": "1", "weight": 100}
    rig.route(fraud([EntityRoute(**fields, sockets=[str(worker.path)], **route)]))  # type: ignore[arg-type]
    callers = [rig.connect() for _ in range(expected + 20)]
    for number, caller in enumerate(callers):
        caller.sendall(request_bytes(body=b'"n-%d"' % number))
    wait_until(lambda: rig.pools()[0].load == len(callers))
    wait_until(lambda: len(worker.requests) == expected)
    time.sleep(0.1)

    assert len(worker.requests) == expected
    rig.world.loop.call_soon_threadsafe(gate.set)
    for number, caller in enumerate(callers):
        read_until(caller, b'"n-%d"' % number)
        caller.close()
    rig.close()


def test_a_new_version_of_an_entity_counts_from_nothing(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    rig.invoke()
    wait_until(lambda: [each.requests_by_status for each in rig.traffic()] == [{"200": 1}])
    assert (rig.traffic()[0].model_version, rig.traffic()[0].workers) == ("3", 1)

    route = entity("fraud-1", rig.worker("w2"))
    rig.route(fraud([EntityRoute("fraud-1", "id-2", route.model_name, "4", 100, route.sockets)]))

    wait_until(lambda: rig.traffic()[0].model_version == "4")
    assert rig.traffic()[0].requests_by_status == {}


def test_requests_whose_workers_cannot_be_started_are_refused_at_once_and_told_why(rig: Rig) -> None:
    asleep = entity("champion")
    rig.route(fraud([asleep]))
    held, answers = invoke_in_background(rig)
    wait_until(lambda: rig.traffic() and rig.traffic()[0].waiting == 1)
    rig.route(fraud([msgspec.structs.replace(asleep, trouble="no space left on device")]))
    held.join(20)
    later = rig.invoke()

    for answer in (answers[0], later):
        assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
        assert answer.json["message"].endswith("none can be started at the moment: no space left on device")
        assert answer.headers["retry-after"] == "5"
    rig.route_fraud(rig.worker("w1"))
    assert rig.invoke().status == 200
