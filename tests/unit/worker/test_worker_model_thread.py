"""The order in which a model's thread works, and what it leaves out."""

import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue

from pierhead.kit.frames import LARGEST_ANSWER_BYTES, Request, Response
from pierhead.worker.batching import Batcher
from pierhead.worker.model_thread import Job, ModelThread
from pierhead.worker.scoring import Answer, Scorer


class Echo(Scorer):
    """Answers with the body; waits for `gate` before each."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.seen: list[bytes] = []

    def score(self, content_type: str, body: bytes) -> Answer:
        self.gate.wait(10)
        self.seen.append(body)
        return Answer(200, body)


Delivered = SimpleQueue[tuple[Job, Response | None]]


def started(scorer: Echo, *, grace_s: float = 5.0) -> tuple[ModelThread, Delivered]:
    delivered: Delivered = SimpleQueue()
    model = ModelThread(scorer, lambda job, response: delivered.put((job, response)), stuck_grace_s=grace_s)
    model.start()
    return model, delivered


def job(number: int, *, timeout_ms: int = 0, age_s: float = 0.0) -> Job:
    return Job(None, Request(number, "", timeout_ms, b"%d" % number), arrived_s=time.monotonic() - age_s)


def test_requests_are_answered_in_the_order_of_arrival() -> None:
    model, delivered = started(Echo())
    for number in range(5):
        model.submit(job(number))
    responses = [delivered.get(timeout=10)[1] for _ in range(5)]
    assert [response.body for response in responses if response] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_cancelled_request_is_left_out_and_reported() -> None:
    scorer = Echo()
    scorer.gate.clear()
    model, delivered = started(scorer)
    first, dropped = job(1), job(2)
    model.submit(first)
    model.submit(dropped)
    dropped.cancelled = True
    scorer.gate.set()
    assert delivered.get(timeout=10)[0] is first
    assert delivered.get(timeout=10) == (dropped, None)
    assert scorer.seen == [b"1"]


def test_a_request_that_waited_too_long_is_told_so() -> None:
    scorer = Echo()
    model, delivered = started(scorer)
    model.submit(job(1, timeout_ms=100, age_s=1.0))
    response = delivered.get(timeout=10)[1]
    assert response is not None
    assert response.status == 504
    assert response.queue_us > 900_000
    assert scorer.seen == []


def test_nothing_is_overdue_without_a_time_out() -> None:
    scorer = Echo()
    scorer.gate.clear()
    model, delivered = started(scorer)
    assert model.overdue_s(time.monotonic()) <= 0
    model.submit(job(1))
    assert model.overdue_s(time.monotonic() + 1e6) <= 0
    scorer.gate.set()
    delivered.get(timeout=10)


class Lavish(Scorer):
    """Answers with more than fits into any answer."""

    def __init__(self) -> None:
        self.body = bytes(LARGEST_ANSWER_BYTES + 1)

    def score(self, content_type: str, body: bytes) -> Answer:
        return Answer(200, self.body)


def test_an_answer_beyond_all_measure_becomes_a_refusal_that_says_so() -> None:
    delivered: Delivered = SimpleQueue()
    model = ModelThread(Lavish(), lambda job, response: delivered.put((job, response)))
    model.start()
    model.submit(job(1))
    response = delivered.get(timeout=10)[1]
    assert response is not None
    assert response.status == 500
    assert b"the answer is larger than 255 MiB (267386881 bytes)" in response.body


class TogetherOrNot(Batcher):
    """Answers all that wait with their number; those with an odd one must be asked alone."""

    def __init__(self) -> None:
        self.seen: list[list[bytes]] = []

    def answer(self, requests: Sequence[tuple[str, bytes]]) -> list[Answer | None]:
        bodies = [body for _, body in requests]
        self.seen.append(bodies)
        return [Answer(200, b"together " + body) if int(body) % 2 == 0 else None for body in bodies]


def test_requests_that_wait_are_answered_together_and_the_others_alone() -> None:
    delivered: Delivered = SimpleQueue()
    scorer, batcher = Echo(), TogetherOrNot()
    model = ModelThread(scorer, lambda job, response: delivered.put((job, response)), batcher=batcher)
    jobs = [job(number, timeout_ms=60_000) for number in range(4)] + [job(4, timeout_ms=100, age_s=1.0)]
    jobs[2].cancelled = True
    for waiting in jobs:
        model.submit(waiting)
    model.start()
    found = {}
    for _ in jobs:
        answered, response = delivered.get(timeout=10)
        found[answered.request.id] = response and (response.status, response.body)
    assert batcher.seen == [[b"0", b"1", b"3"]]
    assert [found[number] for number in range(4)] == [(200, b"together 0"), (200, b"1"), None, (200, b"3")]
    assert found[4] is not None
    assert found[4][0] == 504


def test_a_batch_is_overdue_when_nobody_of_it_can_still_wait() -> None:
    gate = threading.Event()

    class Slow(TogetherOrNot):
        def answer(self, requests: Sequence[tuple[str, bytes]]) -> list[Answer | None]:
            gate.wait(10)
            return super().answer(requests)

    delivered: Delivered = SimpleQueue()
    model = ModelThread(Echo(), lambda job, response: delivered.put((job, response)), batcher=Slow(), stuck_grace_s=5.0)
    model.submit(job(0, timeout_ms=20_000))
    model.submit(job(2, timeout_ms=60_000))
    model.start()
    until = time.monotonic() + 10
    while len(model.running) != 2 and time.monotonic() < until:
        time.sleep(0.005)
    now = time.monotonic()
    assert model.overdue_s(now + 50) <= 0
    assert model.overdue_s(now + 66) > 0
    gate.set()
    assert {delivered.get(timeout=10)[0].request.id for _ in range(2)} == {0, 2}
