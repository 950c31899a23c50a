"""The order in which a model's thread works, and what it leaves out."""

import threading
import time
from queue import SimpleQueue

from pierhead.kit.frames import LARGEST_ANSWER_BYTES, Request, Response
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
