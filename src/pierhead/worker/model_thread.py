"""The one thread that runs a model, in the order in which requests arrived."""

import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from pierhead.kit.frames import LARGEST_ANSWER_BYTES, Request, Response
from pierhead.worker.scoring import Answer, Scorer, refusal

STUCK_GRACE_S = 5.0
"""How long a prediction may go on after its request's time-out."""

# The alarm strikes after the main thread had its chance to end the process with a word of explanation.
_ALARM_LAG_S = 2.0


@dataclass(slots=True, eq=False)
class Job:
    """A request between arrival and answer. Times in seconds on the monotonic clock."""

    link: Any
    request: Request
    arrived_s: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    """Set by the main thread when nobody waits for the answer any more."""
    began_s: float | None = None

    @property
    def deadline_s(self) -> float | None:
        """None if the request came without a time-out."""
        return self.arrived_s + self.request.timeout_ms / 1000 if self.request.timeout_ms else None


class ModelThread:
    """Takes jobs, hands each to `deliver` with its response: None for one that was cancelled before it began.

    `deliver` is called on the model's thread.
    """

    def __init__(
        self, scorer: Scorer, deliver: Callable[[Job, Response | None], None], *, stuck_grace_s: float = STUCK_GRACE_S
    ) -> None:
        self._scorer = scorer
        self._deliver = deliver
        self._stuck_grace_s = stuck_grace_s
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._running: Job | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name="model", daemon=True).start()

    def submit(self, job: Job) -> None:
        self._jobs.put(job)

    @property
    def running(self) -> Job | None:
        """The request that the model works on at this moment."""
        return self._running

    def overdue_s(self, now_s: float) -> float:
        """For how long the running prediction should have been over; not above 0 if all is well."""
        job = self._running
        if job is None or job.deadline_s is None:
            return 0.0
        return now_s - job.deadline_s - self._stuck_grace_s

    def _run(self) -> None:
        try:
            while True:
                self._do(self._jobs.get())
        except BaseException:
            # Without this thread the process answers nothing: better none than a deaf one.
            traceback.print_exc()
            os._exit(1)

    def _do(self, job: Job) -> None:
        if job.cancelled:
            self._deliver(job, None)
            return
        job.began_s = time.monotonic()
        if job.deadline_s is not None and job.began_s >= job.deadline_s:
            self._deliver(job, _too_late(job))
            return
        self._running = job
        with self._alarm(job):
            answer = _of_bearable_size(self._scorer.score(job.request.content_type, job.request.body))
        self._running = None
        queue_us = int((job.began_s - job.arrived_s) * 1e6)
        predict_us = int((time.monotonic() - job.began_s) * 1e6)
        self._deliver(
            job, Response(job.request.id, answer.status, answer.content_type, queue_us, predict_us, answer.body)
        )

    @contextlib.contextmanager
    def _alarm(self, job: Job) -> Any:
        """Have the kernel end the process if native code holds the interpreter so that no thread of ours can.

        Needs the process to leave SIGALRM to the kernel.
        """
        if job.deadline_s is None:
            yield
            return
        left_s = job.deadline_s - time.monotonic() + self._stuck_grace_s + _ALARM_LAG_S
        signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001))
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)


def _of_bearable_size(answer: Answer) -> Answer:
    if len(answer.body) <= LARGEST_ANSWER_BYTES:
        return answer
    message = (
        f"the answer is larger than {LARGEST_ANSWER_BYTES // 1024**2} MiB ({len(answer.body)} bytes); "
        "send fewer rows in one request"
    )
    return refusal(500, "INTERNAL_ERROR", message)


def _too_late(job: Job) -> Response:
    waited_us = int((time.monotonic() - job.arrived_s) * 1e6)
    message = f"the request waited {waited_us // 1000} ms for the model, longer than its time-out"
    answer = refusal(504, "DEADLINE_EXCEEDED", message)
    return Response(job.request.id, answer.status, answer.content_type, waited_us, 0, answer.body)
