"""What happens between the gateway and its workers."""

import asyncio
import threading
import time

from gateway_rig import (
    PATH,
    Answer,
    FakeWorker,
    Rig,
    WorkerConnection,
    entity,
    fraud,
    read_until,
    request_bytes,
    wait_until,
)

from pierhead.gateway.crews import MOST_IN_FLIGHT
from pierhead.kit import frames
from pierhead.serving.domain import snapshot as routes


async def never_answer(request: frames.Request, connection: WorkerConnection) -> None:
    pass


async def die(request: frames.Request, connection: WorkerConnection) -> None:
    connection.die()


async def echo(request: frames.Request, connection: WorkerConnection) -> None:
    connection.answer(request, request.body)


def invoke_in_background(rig: Rig, body: bytes = b"{}") -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(rig.invoke(body)))
    thread.start()
    return thread, answers


def test_a_request_whose_worker_dies_is_answered_by_another(rig: Rig) -> None:
    dying, healthy = rig.worker("w1", die), rig.worker("w2")
    rig.route_fraud(dying, healthy)

    answers = [rig.invoke() for _ in range(4)]

    assert [answer.status for answer in answers] == [200] * 4
    assert dying.requests


def test_a_request_whose_worker_dies_is_answered_by_its_successor(rig: Rig) -> None:
    worker = rig.worker("w1", never_answer)
    rig.route_fraud(worker)
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: worker.requests)

    worker.behave = echo
    rig.world.run(worker.stop())
    rig.world.run(worker.start())
    thread.join(20)

    assert answers[0].status == 200
    assert len(worker.requests) == 2


def test_a_request_that_kills_two_workers_is_not_sent_to_a_third(rig: Rig) -> None:
    workers = [rig.worker(f"w{number}", die) for number in range(3)]
    rig.route_fraud(*workers)

    answer = rig.invoke()

    assert (answer.status, answer.json["error_code"]) == (500, "INTERNAL_ERROR")
    assert "died twice while answering this request" in answer.json["message"]
    assert sum(len(worker.requests) for worker in workers) == 2


def test_a_deadly_request_takes_nobody_with_it(rig: Rig) -> None:
    async def die_of_poison(request: frames.Request, connection: WorkerConnection) -> None:
        # Long enough that all companions are in the same worker when it dies.
        await asyncio.sleep(0.1)
        if request.body == b"poison":
            connection.die()
        else:
            connection.answer(request, request.body)

    rig.route_fraud(rig.worker("w1", die_of_poison))
    rig.invoke(b"warm")

    answers = rig.invoke_many([b"a", b"b", b"poison", b"c", b"d"])

    assert [answer.status for answer in answers] == [200, 200, 500, 200, 200]


def test_one_caller_hanging_up_does_not_hold_back_its_batch(rig: Rig) -> None:
    gate = asyncio.Event()

    async def answer_together(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request, request.body)

    worker = rig.worker("w1", answer_together)
    rig.route_fraud(worker)
    mates = [rig.connect() for _ in range(5)]
    for number, caller in enumerate(mates):
        caller.sendall(request_bytes(body=b'"mate-%d"' % number))
    wait_until(lambda: len(worker.requests) == 5)

    mates[2].close()
    left = next(request for request in worker.requests if request.body == b'"mate-2"')
    wait_until(lambda: worker.cancelled == [left.id])
    rig.world.loop.call_soon_threadsafe(gate.set)

    for number in (0, 1, 3, 4):
        read_until(mates[number], b'"mate-%d"' % number)
        mates[number].close()
    assert rig.invoke(b'"again"').body == b'"again"'


def test_a_caller_who_hangs_up_while_held_is_forgotten(rig: Rig) -> None:
    rig.route_fraud()
    caller = rig.connect()
    caller.sendall(request_bytes())
    wait_until(lambda: sum(pool.load for pool in rig.pools()) == 1)
    caller.close()
    wait_until(lambda: sum(pool.load for pool in rig.pools()) == 0)

    worker = rig.worker("w1")
    rig.route_fraud(worker)

    assert rig.invoke(b'"mine"').status == 200
    assert [request.body for request in worker.requests] == [b'"mine"']


def test_a_caller_who_hangs_up_in_the_middle_of_a_body_is_forgotten(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.route_fraud(worker)
    caller = rig.connect()
    caller.sendall(request_bytes(body=b"{}").replace(b"Length: 2", b"Length: 20"))
    caller.close()

    assert rig.invoke().status == 200
    assert len(worker.requests) == 1


def test_a_worker_that_says_goodbye_answers_what_it_has_and_gets_nothing_new(rig: Rig) -> None:
    gate = asyncio.Event()

    async def answer_later(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request, b'"leaving"')

    leaving = rig.worker("w1", answer_later)
    rig.route_fraud(leaving)
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: leaving.requests)
    staying = rig.worker("w2", echo)
    rig.world.loop.call_soon_threadsafe(leaving.connections[0].say_goodbye)
    rig.route_fraud(leaving, staying)
    wait_until(lambda: staying.connections)
    time.sleep(0.1)

    assert rig.invoke(b'"new"').body == b'"new"'
    assert leaving.closed == 0
    rig.world.loop.call_soon_threadsafe(gate.set)
    thread.join(10)

    assert answers[0].body == b'"leaving"'
    wait_until(lambda: leaving.closed)


def test_a_worker_that_left_the_snapshot_finishes_its_work(rig: Rig) -> None:
    gate = asyncio.Event()

    async def answer_later(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request, b'"old"')

    old = rig.worker("w1", answer_later)
    rig.route_fraud(old)
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: old.requests)

    rig.route_fraud(rig.worker("w2", echo))
    assert rig.invoke(b'"new"').body == b'"new"'
    rig.world.loop.call_soon_threadsafe(gate.set)
    thread.join(10)

    assert answers[0].body == b'"old"'
    wait_until(lambda: old.closed)


def test_held_requests_follow_a_new_config(rig: Rig) -> None:
    rig.route(fraud([entity("old")]))
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: sum(pool.load for pool in rig.pools()) == 1)

    rig.route(fraud([entity("new", rig.worker("w1"))], config_version=8))
    thread.join(10)

    assert (answers[0].status, answers[0].headers["served-model-name"]) == (200, "new")
    assert rig.spool.records()[0].config_version == 8


def test_held_requests_are_refused_when_their_endpoint_is_deleted(rig: Rig) -> None:
    rig.route_fraud()
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: sum(pool.load for pool in rig.pools()) == 1)

    rig.route()
    thread.join(10)

    assert answers[0].status == 404


def test_requests_spread_over_the_workers_of_an_entity(rig: Rig) -> None:
    async def take_a_while(request: frames.Request, connection: WorkerConnection) -> None:
        await asyncio.sleep(0.1)
        connection.answer(request)

    workers = [rig.worker(f"w{number}", take_a_while) for number in range(3)]
    rig.route_fraud(*workers)
    wait_until(lambda: all(worker.connections for worker in workers))
    time.sleep(0.05)

    rig.invoke_many([b"{}"] * 9)

    assert [len(worker.requests) for worker in workers] == [3, 3, 3]


def test_requests_that_arrive_together_travel_together(rig: Rig) -> None:
    worker = rig.worker("w1")
    rig.route_fraud(worker)
    rig.invoke()
    callers = [rig.connect() for _ in range(20)]
    for caller in callers:
        caller.sendall(request_bytes()[:-1])
    time.sleep(0.1)
    worker.reads.clear()

    async def wait() -> None:
        # The gateway's loop sleeps while the last bytes of all requests arrive.
        for caller in callers:
            caller.sendall(b"}")
        time.sleep(0.1)

    rig.gateway_thread.run(wait())
    for caller in callers:
        read_until(caller, b"predictions")
        caller.close()

    assert max(worker.reads) == 20


def test_a_worker_that_breaks_the_protocol_is_left_and_the_request_saved(rig: Rig) -> None:
    async def talk_nonsense(request: frames.Request, connection: WorkerConnection) -> None:
        connection._writer.write(frames.HEADER.pack(3, frames.RESPONSE, request.id) + b"abc")

    broken, healthy = rig.worker("w1", talk_nonsense), rig.worker("w2")
    rig.route_fraud(broken, healthy)

    assert {rig.invoke().status for _ in range(4)} == {200}


def test_a_worker_that_does_not_read_holds_back_only_its_own_requests(rig: Rig) -> None:
    release = threading.Event()

    async def stop_reading(request: frames.Request, connection: WorkerConnection) -> None:
        connection._writer.transport.pause_reading()  # type: ignore[attr-defined]
        while not release.is_set():
            await asyncio.sleep(0.01)
        connection._writer.transport.resume_reading()  # type: ignore[attr-defined]
        connection.answer(request, b'"slow"')

    slow, quick = rig.worker("w1", stop_reading), rig.worker("w2", echo)
    rig.route(fraud([entity("slow", slow)]), fraud([entity("quick", quick)], name="quick"))
    threads = [threading.Thread(target=rig.invoke, args=(b"x" * 900_000,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(pool.load for pool in rig.pools()) == 3)

    assert rig.invoke(b'"q"', path="/serving-endpoints/quick/invocations").body == b'"q"'
    release.set()
    for thread in threads:
        thread.join(20)
    assert len(slow.requests) == 3


def test_a_gateway_starts_with_the_snapshot_it_finds(rig: Rig) -> None:
    rig.route_fraud(rig.worker("w1"))
    second = Rig()
    try:
        second.config.snapshot.write_bytes(rig.config.snapshot.read_bytes())
        wait_until(lambda: second.gateway.snapshot.number == 1)

        assert second.request("POST", PATH, b"{}").status == 200
    finally:
        second.close()


def champion(version: int, *workers: FakeWorker) -> routes.EntityRoute:
    """The entity keeps its name from version to version, and so may its id."""
    return routes.EntityRoute(
        "champion", f"id-v{version}", "ml.fraud.model", str(version), 100, [str(worker.path) for worker in workers]
    )


def test_a_held_request_is_on_record_with_the_version_that_answered(rig: Rig) -> None:
    rig.route(fraud([champion(1)], config_version=1))
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: sum(pool.load for pool in rig.pools()) == 1)

    rig.route(fraud([champion(2, rig.worker("w2"))], config_version=2, endpoint_id="recreated"))
    thread.join(10)

    [record] = rig.spool.records()
    assert answers[0].status == 200
    assert (record.model_version, record.served_entity_id, record.config_version) == ("2", "id-v2", 2)
    assert record.endpoint_id == "recreated"


def test_an_orphaned_request_is_on_record_with_the_version_that_answered(rig: Rig) -> None:
    async def leave_unanswered(request: frames.Request, connection: WorkerConnection) -> None:
        connection.say_goodbye()
        await asyncio.sleep(0.3)
        connection.die()

    old = rig.worker("w1", leave_unanswered)
    rig.route(fraud([champion(1, old)], config_version=1))
    thread, answers = invoke_in_background(rig)
    wait_until(lambda: old.requests)
    rig.route(fraud([champion(2, rig.worker("w2"))], config_version=2))
    thread.join(10)

    [record] = rig.spool.records()
    assert answers[0].status == 200
    assert (record.model_version, record.served_entity_id, record.config_version) == ("2", "id-v2", 2)


def test_what_an_old_version_still_answers_is_on_record_with_it(rig: Rig) -> None:
    gate = asyncio.Event()

    async def answer_later(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request)

    old = rig.worker("w1", answer_later)
    rig.route(fraud([champion(1, old)], config_version=1))
    thread, _ = invoke_in_background(rig)
    wait_until(lambda: old.requests)
    rig.route(fraud([champion(2, rig.worker("w2"))], config_version=2))
    rig.world.loop.call_soon_threadsafe(gate.set)
    thread.join(10)

    [record] = rig.spool.records()
    assert (record.model_version, record.served_entity_id, record.config_version) == ("1", "id-v1", 1)


def test_a_slowly_sent_request_is_on_record_with_the_version_that_answered(rig: Rig) -> None:
    rig.route(fraud([champion(1, rig.worker("w1"))], config_version=1))
    with rig.connect() as caller:
        caller.sendall(request_bytes(body=b"{}", extra="Expect: 100-continue\r\n")[:-1])
        read_until(caller, b"100 Continue")
        rig.route(fraud([champion(2, rig.worker("w2"))], config_version=2))
        caller.sendall(b"}")
        read_until(caller, b"predictions")

    [record] = rig.spool.records()
    assert (record.model_version, record.served_entity_id, record.config_version) == ("2", "id-v2", 2)


def test_a_worker_holds_so_many_requests_and_a_worker_that_joins_gets_the_rest() -> None:
    gate = asyncio.Event()

    async def answer_later(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request, request.body)

    rig = Rig(queue_limit=500)
    busy = rig.worker("w1", answer_later)
    rig.route_fraud(busy)
    callers = [rig.connect() for _ in range(MOST_IN_FLIGHT + 20)]
    for number, caller in enumerate(callers):
        caller.sendall(request_bytes(body=b'"n-%d"' % number))
    wait_until(lambda: rig.pools()[0].load == len(callers))
    wait_until(lambda: len(busy.requests) == MOST_IN_FLIGHT)

    joining = rig.worker("w2", echo)
    rig.route_fraud(busy, joining)
    wait_until(lambda: len(joining.requests) == 20)
    assert len(busy.requests) == MOST_IN_FLIGHT

    rig.world.loop.call_soon_threadsafe(gate.set)
    for number, caller in enumerate(callers):
        read_until(caller, b'"n-%d"' % number)
        caller.close()
    rig.close()


def test_what_waits_for_a_full_worker_is_sent_as_it_answers() -> None:
    rig = Rig(queue_limit=500)
    gate = asyncio.Event()

    async def answer_later(request: frames.Request, connection: WorkerConnection) -> None:
        await gate.wait()
        connection.answer(request, request.body)

    busy = rig.worker("w1", answer_later)
    rig.route_fraud(busy)
    callers = [rig.connect() for _ in range(3 * MOST_IN_FLIGHT)]
    for number, caller in enumerate(callers):
        caller.sendall(request_bytes(body=b'"n-%d"' % number))
    wait_until(lambda: rig.pools()[0].load == len(callers))
    assert len(busy.requests) <= MOST_IN_FLIGHT

    # Hanging up makes room, too.
    for caller in callers[:10]:
        caller.close()
    wait_until(lambda: rig.pools()[0].load == len(callers) - 10)
    rig.world.loop.call_soon_threadsafe(gate.set)
    for number, caller in enumerate(callers[10:], 10):
        read_until(caller, b'"n-%d"' % number)
        caller.close()
    rig.close()


def test_a_worker_that_announces_an_endless_frame_is_left_and_the_request_saved(rig: Rig) -> None:
    async def announce_much(request: frames.Request, connection: WorkerConnection) -> None:
        connection._writer.write(frames.HEADER.pack(2**32 - 1, frames.RESPONSE, request.id) + b"abc")

    broken, healthy = rig.worker("w1", announce_much), rig.worker("w2")
    rig.route_fraud(broken, healthy)

    assert {rig.invoke().status for _ in range(4)} == {200}
    assert broken.requests


def test_what_waits_behind_a_request_that_hangs_and_what_comes_later_is_answered_by_another_worker(rig: Rig) -> None:
    async def hang(request: frames.Request, connection: WorkerConnection) -> None:
        """For ever with the first; what comes behind it is never looked at."""

    hanging, healthy = rig.worker("w1", hang), rig.worker("w2", hang)
    rig.route_fraud(hanging, healthy, timeout_s=1.0)
    first, answers = invoke_in_background(rig)
    wait_until(lambda: hanging.requests or healthy.requests)
    if healthy.requests:
        hanging, healthy = healthy, hanging
    healthy.behave = echo
    time.sleep(0.6)
    # One of them is dealt to the worker that hangs: nobody can tell yet.
    threads = [invoke_in_background(rig) for _ in range(2)]
    first.join(20)
    later = [rig.invoke() for _ in range(6)]
    for thread, _ in threads:
        thread.join(20)

    assert [answer.status for answer in answers] == [504]
    assert [found[0].status for _, found in threads] == [200, 200]
    assert [answer.status for answer in later] == [200] * 6
