"""Workers as processes of this machine, each in a process group of its own."""

import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pierhead.compile.runtime
import pierhead.worker
from pierhead.kit.clock import Clock, from_ms, to_ms
from pierhead.kit.os_processes import created_s, is_stopped, kill_group, kill_orphans
from pierhead.serving.adapters.endings import describe_exit, is_from_outside, kills_for_memory, was_ready
from pierhead.serving.adapters.memory_watch import MemoryWatch
from pierhead.serving.adapters.worker_environment import worker_environment
from pierhead.serving.adapters.worker_log import open_log
from pierhead.serving.adapters.worker_processes import ask_to_stop, find_process
from pierhead.serving.adapters.worker_records import WorkerRecord, WorkerRecords, WorkerStatus
from pierhead.serving.domain.capacity import in_words
from pierhead.serving.ports import WorkerObservation, WorkerPhase, WorkerSpec

_WORKER_SCRIPT = Path(pierhead.worker.__path__[0]) / "__main__.py"
_COMPILED_SCRIPT = Path(pierhead.compile.runtime.__path__[0]) / "__main__.py"

# A worker's first act is to write its status; one that has not by then was never started.
_FIRST_SIGN = timedelta(seconds=20)

# Whoever looks at a worker with a debugger has this long; its callers wait meanwhile.
_STOPPED_GRACE = timedelta(seconds=2)

_ALIVE = {
    "loading": WorkerPhase.STARTING,
    "ready": WorkerPhase.READY,
    "draining": WorkerPhase.DRAINING,
    # The process ends within the moment; FAILED promises that it is gone.
    "failed": WorkerPhase.STARTING,
}

_DEAD = (WorkerPhase.FAILED, WorkerPhase.EXITED)


class LocalWorkerHost:
    """WorkerHost by processes. They live on when this process ends, and end when the lifeline's last writer does."""

    def __init__(
        self, records: Path, lifeline_fd: int | None, clock: Clock, memory_limit_bytes: int | None = None
    ) -> None:
        """`records` is the folder of worker records; `lifeline_fd` the read end of a pipe, None for no lifeline.

        A worker that uses more than `memory_limit_bytes` is killed.
        """
        self._records = WorkerRecords(records)
        self._lifeline_fd = lifeline_fd
        self._clock = clock
        self._children: dict[str, int] = {}
        self._exit_codes: dict[str, int] = {}
        self._memory = MemoryWatch(memory_limit_bytes or sys.maxsize)
        self._killed_for: dict[str, str] = {}
        self._stopped_since: dict[str, datetime] = {}
        self._kills_before: dict[str, int] = {}
        """How often the kernel had killed for lack of memory when a worker of ours began."""

    def start(self, spec: WorkerSpec) -> None:
        """Raises OSError if the interpreter cannot be run, or the log not be written but for a full disk."""
        records, worker_id = self._records, spec.worker_id
        records.remove(worker_id)
        self._exit_codes.pop(worker_id, None)
        record = WorkerRecord(
            worker_id=worker_id,
            workload=spec.workload,
            model=str(spec.model.absolute()),
            python=str(spec.python.absolute()),
            log=str(spec.log),
            socket=str(records.socket(worker_id)),
            status=str(records.status_file(worker_id)),
            started_at_ms=to_ms(self._clock.now()),
            artifact=None if spec.artifact is None else str(spec.artifact.absolute()),
            batching=spec.batching,
        )
        # Before the process: should we die in between, the next controller still knows of it.
        records.write(record)
        try:
            records.make_status_file(worker_id)
            process_id = self._spawn(spec)
        except OSError:
            records.remove(worker_id)
            raise
        self._children[worker_id] = process_id
        self._kills_before[worker_id] = kills_for_memory()
        records.write(replace(record, process_id=process_id, created_s=created_s(process_id)))

    def _spawn(self, spec: WorkerSpec) -> int:
        python, script = _program_of(spec)
        environment = worker_environment(os.environ, python, spec.environment_vars)
        inherited: tuple[int, ...] = ()
        if self._lifeline_fd is not None:
            inherited = (self._lifeline_fd,)
            environment["PIERHEAD_LIFELINE_FD"] = str(self._lifeline_fd)
        with open_log(spec, self._clock.now()) as log:
            child = subprocess.Popen(
                [str(python), str(script), "--config", str(self._records.path(spec.worker_id))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                pass_fds=inherited,
                start_new_session=True,
            )
        # The worker may outlive us, and we look after it by its number alone: Popen shall not miss it.
        child.returncode = 0
        return child.pid

    def drain(self, worker_id: str, *, grace_s: float) -> None:
        record = self._records.find(worker_id)
        if record is None or record.kill_at_ms is not None:
            return
        kill_at = self._clock.now() + timedelta(seconds=grace_s)
        self._records.write(replace(record, kill_at_ms=to_ms(kill_at)))
        process_id = self._find(record, self._records.status_of(worker_id))
        if process_id is not None:
            ask_to_stop(process_id)

    def forget(self, worker_id: str) -> None:
        """A worker that is still alive stays on record: nothing may run that nobody knows of."""
        record = self._records.find(worker_id)
        if record is None:
            return
        if self._find(record, self._records.status_of(worker_id)) is None:
            self._records.remove(worker_id)
            self._exit_codes.pop(worker_id, None)
            self._killed_for.pop(worker_id, None)
            self._stopped_since.pop(worker_id, None)
            self._kills_before.pop(worker_id, None)

    def observe(self) -> list[WorkerObservation]:
        records = self._records.list()
        self._memory.keep_only({record.process_id for record in records if record.process_id is not None})
        return [self._observe(record) for record in records]

    def has_settled(self, worker_ids: Collection[str]) -> bool:
        return any(self._is_settled(worker_id) for worker_id in worker_ids)

    def _is_settled(self, worker_id: str) -> bool:
        status = self._records.status_of(worker_id)
        if status is not None and status.phase != "loading":
            return True
        self._reap(worker_id)
        return worker_id in self._exit_codes

    def _observe(self, record: WorkerRecord) -> WorkerObservation:
        # First the process, then the status: what a process wrote last is there once it is gone.
        process_id = self._find(record, self._records.status_of(record.worker_id))
        status = self._records.status_of(record.worker_id)
        memory_bytes = 0
        if process_id is not None:
            phase, message = self._alive(record, process_id, status)
            memory_bytes = self._watch(record, process_id)
        elif self._may_still_come(record, status):
            phase, message = WorkerPhase.STARTING, ""
        else:
            phase, message = self._dead(record, status)
        return WorkerObservation(
            worker_id=record.worker_id,
            workload=record.workload,
            phase=phase,
            socket=Path(record.socket),
            started_at=from_ms(record.started_at_ms),
            message=message,
            was_ready=phase in _DEAD and was_ready(status),
            is_from_outside=phase is WorkerPhase.EXITED and self._is_from_outside(record, status),
            memory_bytes=memory_bytes,
        )

    def _is_from_outside(self, record: WorkerRecord, status: WorkerStatus | None) -> bool:
        is_ours = record.worker_id in self._killed_for or bool(status and status.last_words)
        return not is_ours and is_from_outside(self._exit_codes.get(record.worker_id))

    def _watch(self, record: WorkerRecord, process_id: int) -> int:
        """The memory that a worker uses; it is killed if that is too much, before others suffer from it.

        One that somebody stopped is killed too: it would keep what it has in its hands for ever.
        """
        used = self._memory.used_bytes(process_id)
        if self._is_stopped_for_long(record.worker_id, process_id):
            self._killed_for[record.worker_id] = (
                "the worker was stopped (SIGSTOP) and answered nobody, so it was killed"
            )
            kill_group(process_id)
        if used > self._memory.limit_bytes:
            self._killed_for[record.worker_id] = (
                f"the worker used {in_words(used)} of memory, of {in_words(self._memory.limit_bytes)} that it may use, "
                "and was killed; `worker_memory_bytes` sets the limit"
            )
            kill_group(process_id)
        return used

    def _is_stopped_for_long(self, worker_id: str, process_id: int) -> bool:
        if not is_stopped(process_id):
            self._stopped_since.pop(worker_id, None)
            return False
        now = self._clock.now()
        return now - self._stopped_since.setdefault(worker_id, now) >= _STOPPED_GRACE

    def _alive(self, record: WorkerRecord, process_id: int, status: WorkerStatus | None) -> tuple[WorkerPhase, str]:
        message = status.message if status else ""
        if record.kill_at_ms is None:
            return _ALIVE.get(status.phase if status else "loading", WorkerPhase.STARTING), message
        if self._clock.now() >= from_ms(record.kill_at_ms):
            kill_group(process_id)
        return WorkerPhase.DRAINING, message

    def _may_still_come(self, record: WorkerRecord, status: WorkerStatus | None) -> bool:
        """True while its starter may be between the record and the process, or have died there."""
        never_seen = record.process_id is None and status is None
        return never_seen and self._clock.now() < from_ms(record.started_at_ms) + _FIRST_SIGN

    def _dead(self, record: WorkerRecord, status: WorkerStatus | None) -> tuple[WorkerPhase, str]:
        if record.worker_id in self._killed_for:
            return WorkerPhase.EXITED, self._killed_for[record.worker_id]
        if status is not None and status.phase == "failed":
            return WorkerPhase.FAILED, status.message
        if status is not None and status.last_words:
            return WorkerPhase.EXITED, status.last_words
        code, before = self._exit_codes.get(record.worker_id), self._kills_before.get(record.worker_id)
        is_short = before is not None and kills_for_memory() > before
        return WorkerPhase.EXITED, describe_exit(code, status, record, was_memory_short=is_short)

    def _find(self, record: WorkerRecord, status: WorkerStatus | None) -> int | None:
        """The id of the worker's living process. A child of ours lives until it could be reaped."""
        self._reap(record.worker_id)
        if record.worker_id in self._children:
            return self._children[record.worker_id]
        if record.worker_id in self._exit_codes:
            return None
        said = status.process_id if status else None
        return find_process(record, said_by_worker=said, record_file=self._records.path(record.worker_id))

    def _reap(self, worker_id: str) -> None:
        """Take note of the end of a child of ours; nothing if it lives, or was another process's child."""
        process_id = self._children.get(worker_id)
        if process_id is None:
            return
        try:
            ended, status = os.waitpid(process_id, os.WNOHANG)
        except ChildProcessError:
            ended, status = process_id, None
        if not ended:
            return
        self._children.pop(worker_id, None)
        if status is not None:
            self._exit_codes[worker_id] = os.waitstatus_to_exitcode(status)
        kill_orphans(process_id)


def _program_of(spec: WorkerSpec) -> tuple[Path, Path]:
    """Interpreter and script: compiled artifacts need nothing of a model's own environment."""
    if spec.artifact is not None:
        return Path(sys.executable), _COMPILED_SCRIPT
    return spec.python.absolute(), _WORKER_SCRIPT
