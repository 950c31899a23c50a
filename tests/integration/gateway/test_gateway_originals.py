"""What a compiled worker hands back goes to the original; samples of what it answers are kept."""

import threading
from pathlib import Path

import msgspec
from gateway_rig import Answer, FakeWorker, Rig, WorkerConnection, fraud, request_bytes, wait_until

from pierhead.kit import frames
from pierhead.serving.domain import snapshot as routes


async def decline_nan(request: frames.Request, connection: WorkerConnection) -> None:
    """A compiled worker that cannot decode NaN."""
    if b"NaN" in request.body:
        connection.decline(request, "NaN is not plain")
    else:
        connection.answer(request, b'"compiled"')


async def answer_natively(request: frames.Request, connection: WorkerConnection) -> None:
    connection.answer(request, b'"native ' + request.body + b'"')


async def decline_all(request: frames.Request, connection: WorkerConnection) -> None:
    connection.decline(request, "no")


def compiled(main: list[FakeWorker], native: list[FakeWorker], **fields: object) -> routes.EntityRoute:
    values = {"is_compiled": True, "native_sockets": [str(worker.path) for worker in native], **fields}
    sockets = [str(worker.path) for worker in main]
    return routes.EntityRoute("fraud-1", "id-1", "ml.fraud.model", "3", 100, sockets, **values)  # type: ignore[arg-type]


def invoke_in_background(rig: Rig, body: bytes) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(rig.invoke(body)))
    thread.start()
    return thread, answers


def test_what_a_compiled_worker_declines_is_answered_by_the_original(rig: Rig) -> None:
    rig.route(fraud([compiled([rig.worker("c", decline_nan)], [rig.worker("n", answer_natively)])]))

    assert rig.invoke(b"[1]").body == b'"compiled"'
    assert rig.invoke(b"[NaN]").body == b'"native [NaN]"'
    assert rig.invoke(b"[2]").body == b'"compiled"'
    [_, native, _] = rig.spool.records()
    assert (native.response, native.status_code) == (b'"native [NaN]"', 200)


def test_a_declined_request_is_held_while_the_original_starts_and_the_controller_is_told(rig: Rig) -> None:
    worker = rig.worker("c", decline_nan)
    rig.route(fraud([compiled([worker], [])]))
    thread, answers = invoke_in_background(rig, b"[NaN]")
    wait_until(lambda: rig.traffic() and rig.traffic()[0].native_waiting == 1)
    told = rig.traffic()[0]
    assert (told.in_flight, told.waiting, told.native_in_flight, told.declined) == (1, 0, 0, 1)
    assert rig.nudges() >= 1
    assert rig.invoke(b"[1]").body == b'"compiled"'

    rig.route(fraud([compiled([worker], [rig.worker("n", answer_natively)])]))
    thread.join(10)

    assert answers[0].body == b'"native [NaN]"'


def test_a_withdrawn_plan_gives_what_waits_for_the_original_to_the_new_workers(rig: Rig) -> None:
    rig.route(fraud([compiled([rig.worker("c", decline_nan)], [])]))
    thread, answers = invoke_in_background(rig, b"[NaN]")
    wait_until(lambda: rig.pools()[0].native.waiting == 1)

    rig.route(fraud([compiled([rig.worker("n", answer_natively)], [], is_compiled=False)]))
    thread.join(10)

    assert answers[0].body == b'"native [NaN]"'


def test_what_was_handed_back_waits_for_the_original_also_when_there_is_an_artifact_again(rig: Rig) -> None:
    rig.route(fraud([compiled([rig.worker("c", decline_nan)], [])]))
    thread, answers = invoke_in_background(rig, b"[NaN]")
    wait_until(lambda: rig.pools()[0].native.waiting == 1)
    rig.route(fraud([compiled([], [], is_compiled=False)]))
    wait_until(lambda: rig.pools()[0].main.waiting == 1)

    again = rig.worker("again", decline_nan)
    rig.route(fraud([compiled([again], [rig.worker("n", answer_natively)])]))
    thread.join(10)

    assert answers[0].body == b'"native [NaN]"'
    assert again.requests == []


def test_an_original_that_hands_a_request_back_is_an_error_and_no_endless_round(rig: Rig) -> None:
    native = rig.worker("n", decline_all)
    rig.route(fraud([compiled([rig.worker("c", decline_all)], [native])]))

    answer = rig.invoke(b"[1]")

    assert (answer.status, answer.json["error_code"]) == (500, "INTERNAL_ERROR")
    assert "does not answer this request: no" in answer.json["message"]
    assert len(native.requests) == 1


def test_a_declined_request_whose_caller_hangs_up_leaves_the_originals_queue(rig: Rig) -> None:
    rig.route(fraud([compiled([rig.worker("c", decline_all)], [])]))
    with rig.connect() as caller:
        caller.sendall(request_bytes())
        wait_until(lambda: rig.pools()[0].native.waiting == 1)

    wait_until(lambda: rig.pools()[0].load == 0)
    assert rig.pools()[0].native.waiting == 0
    assert rig.gateway.held_bytes == 0


def samples_in(folder: Path) -> list[list[object]]:
    found: list[list[object]] = []
    for path in folder.glob("*.msgpack"):
        raw = path.read_bytes()
        while raw:
            end = 4 + int.from_bytes(raw[:4], "little")
            found.append(msgspec.msgpack.decode(raw[4:end]))
            raw = raw[end:]
    return found


def test_samples_of_compiled_answers_are_kept_for_comparison(rig: Rig) -> None:
    entity = compiled([rig.worker("c", decline_nan)], [rig.worker("n", answer_natively)], revision="a1")
    rig.route(fraud([entity], verify_rate=1.0))

    rig.invoke(b'{"inputs": [1], "client_request_id": "a"}')
    rig.invoke(b"[NaN]")

    folder = rig.config.traffic_folder.parent / "samples"
    wait_until(lambda: samples_in(folder))
    # The request as the model saw it; what the original answered need not be compared with itself.
    assert samples_in(folder) == [["id-1", "3", "application/json", b'{"inputs":[1]}', b'"compiled"', "a1"]]


def test_answers_of_originals_are_no_samples(rig: Rig) -> None:
    entity = compiled([rig.worker("n", answer_natively)], [], is_compiled=False)
    rig.route(fraud([entity], verify_rate=1.0))

    rig.invoke(b"[1]")
    rig.gateway_thread.loop.call_soon_threadsafe(rig.gateway._flush_logs)

    assert rig.invoke(b"[2]").status == 200
    assert not list((rig.config.traffic_folder.parent / "samples").glob("*"))
