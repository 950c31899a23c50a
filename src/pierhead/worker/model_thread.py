"""The one thread that runs a model, in the order in which requests arrived."""

import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from pierhead.kit.frames import LARGEST_ANSWER_BYTES, Request, Response
from pierhead.worker.batching import Batcher
from pierhead.worker.scoring import Answer, Scorer, refusal

STUCK_GRACE_S = 5.0
"""How long a prediction may go on after its request's time-out."""

# The alarm strikes after the main thread had its chance to end the process with a word of explanation.
_ALARM_LAG_S = 2.0

# Of requests that are answered together; a gateway has 64 on their way.
_MOST_JOBS = 256
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Job:
    """A request between arrival and answer. Times in seconds on the monotonic clock."""

    link: Any
    request: Request
    arrived_s: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    """Set by the main thread when nobody waits for the answer any more."""
    began_s: float = 0.0

    @property
    def deadline_s(self) -> float | None:
        """None if the request came without a time-out."""
        return self.arrived_s + self.request.timeout_ms / 1000 if self.request.timeout_ms else None


class ModelThread:
    """Takes jobs, hands each to `deliver` with its response: None for one that was cancelled before it began.

    `deliver` is called on the model's thread. With a `batcher`, requests that wait while the model works are then
    answered together; what cannot be is answered one by one.
    """

    def __init__(
        self,
        scorer: Scorer,
        deliver: Callable[[Job, Response | None], None],
        *,
        batcher: Batcher | None = None,
        stuck_grace_s: float = STUCK_GRACE_S,
    ) -> None:
        self._scorer = scorer
        self._deliver = deliver
        self._batcher = batcher
        self._stuck_grace_s = stuck_grace_s
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._running: Sequence[Job] = ()

    def start(self) -> None:
        threading.Thread(target=self._run, name="model", daemon=True).start()

    def submit(self, job: Job) -> None:
        self._jobs.put(job)

    @property
    def running(self) -> Sequence[Job]:
        """The requests that the model works on at this moment."""
        return self._running

    def overdue_s(self, now_s: float) -> float:
        """For how long the running prediction should have been over; not above 0 if all is well."""
        deadline_s = _last_deadline_s(self._running)
        return 0.0 if deadline_s is None else now_s - deadline_s - self._stuck_grace_s

    def _run(self) -> None:
        try:
            while True:
                if self._batcher is None:
                    self._do(self._jobs.get())
                else:
                    self._do_together(self._waiting(), self._batcher)
        except BaseException:
            # Without this thread the process answers nothing: better none than a deaf one.
            traceback.print_exc()
            os._exit(1)

    def _waiting(self) -> list[Job]:
        """The next job, and whatever waits behind it."""
        jobs = [self._jobs.get()]
        size = len(jobs[0].request.body)
        with contextlib.suppress(Empty):
            while len(jobs) < _MOST_JOBS and size < _MOST_BYTES:
                jobs.append(self._jobs.get_nowait())
                size += len(jobs[-1].request.body)
        return jobs

    def _do_together(self, waiting: list[Job], batcher: Batcher) -> None:
        jobs = [job for job in waiting if self._is_wanted(job)]
        if not jobs:
            return
        with self._at_work(jobs):
            answers = batcher.answer([(job.request.content_type, job.request.body) for job in jobs])
        for job, answer in zip(jobs, answers, strict=True):
            if answer is not None:
                self._answered(job, answer)
        for job, answer in zip(jobs, answers, strict=True):
            if answer is None:
                self._do(job)

    def _do(self, job: Job) -> None:
        if not self._is_wanted(job):
            return
        with self._at_work([job]):
            answer = self._scorer.score(job.request.content_type, job.request.body)
        self._answered(job, answer)

    def _is_wanted(self, job: Job) -> bool:
        """Whether to begin; those who are not to be answered by the model are told so."""
        if job.cancelled:
            self._deliver(job, None)
            return False
        if job.deadline_s is not None and time.monotonic() >= job.deadline_s:
            self._deliver(job, _too_late(job))
            return False
        return True

    def _answered(self, job: Job, answer: Answer) -> None:
        answer = _of_bearable_size(answer)
        queue_us = int((job.began_s - job.arrived_s) * 1e6)
        predict_us = int((time.monotonic() - job.began_s) * 1e6)
        self._deliver(
            job, Response(job.request.id, answer.status, answer.content_type, queue_us, predict_us, answer.body)
        )

    @contextlib.contextmanager
    def _at_work(self, jobs: Sequence[Job]) -> Any:
        """Have the kernel end the process if native code holds the interpreter so that no thread of ours can.

        Needs the process to leave SIGALRM to the kernel.
        """
        now_s = time.monotonic()
        for job in jobs:
            job.began_s = now_s
        self._running = jobs
        deadline_s = _last_deadline_s(jobs)
        if deadline_s is not None:
            left_s = deadline_s - now_s + self._stuck_grace_s + _ALARM_LAG_S
            signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001))
        yield
        if deadline_s is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._running = ()


def _last_deadline_s(jobs: Sequence[Job]) -> float | None:
    """Until then somebody waits; None if nobody works or somebody waits without end."""
    deadlines = [job.deadline_s for job in jobs]
    known = [deadline for deadline in deadlines if deadline is not None]
    return max(known) if known and len(known) == len(deadlines) else None


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
