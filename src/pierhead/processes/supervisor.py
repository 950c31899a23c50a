"""Keeps child processes alive until told to stop, then stops them in order."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import groupby

import psutil

from pierhead.kit.home import Home
from pierhead.processes.child_logs import last_lines, log_file
from pierhead.processes.children import Child, ChildSpec
from pierhead.processes.hand_over import STEP_S, HandOver
from pierhead.processes.kinship import adopt_orphans
from pierhead.processes.liveness import LivenessWatch, Patience
from pierhead.processes.readiness import Probe, ReadinessWatch
from pierhead.processes.records import ProcessRecord, record_of, write_records
from pierhead.processes.signals import SignalInbox

_DEATHS_BEFORE_GIVING_UP = 3
_DEATHS_PER_WARNING = 5
_LONGEST_WAIT_S = 60.0
_ORPHANS_GRACE_S = 5.0
_STOP_SIGNALS = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))

_HAND_OVER_SIGNAL = signal.SIGUSR2
"""Children that can go over to a successor do: a new gateway takes the settings and the code of this moment."""


class Supervisor:
    """Runs in the main thread of a process that has no other children.

    `say` prints one line for the operator. `on_ready` is called once, when `probe` says yes for the first time;
    `on_stopping` before the first child is asked to stop; `on_stopped` when all children have ended: what still
    descends from this process then has a few seconds to end by itself.
    """

    def __init__(  # noqa: PLR0913 - filled by name, once
        self,
        home: Home,
        specs: Sequence[ChildSpec],
        *,
        probe: Probe,
        say: Callable[[str], None],
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
        on_stopped: Callable[[], None],
        patience: Patience,
    ) -> None:
        self._home = home
        self._children = [Child(spec, home) for spec in specs]
        self._probe = probe
        self._say = say
        self._on_ready = on_ready
        self._on_stopping = on_stopping
        self._on_stopped = on_stopped
        self._patience = patience
        self._records: dict[str, ProcessRecord] = {}
        self._hand_overs: list[HandOver] = []

    def run(self) -> int:
        """The exit code: 0 after an orderly stop, 1 if a child would not start, 130 if interrupted twice."""
        adopt_orphans()
        with SignalInbox() as inbox:
            self._start(child for child in self._children if not child.spec.after_ready)
            watch = ReadinessWatch(self._probe, inbox)
            liveness = self._watch_liveness(inbox)
            try:
                exit_code = self._keep_alive(inbox, watch, liveness)
            finally:
                liveness.stop()
                stop_code = self._stop(inbox)
                watch.stop()
        return exit_code or stop_code

    def _watch_liveness(self, inbox: SignalInbox) -> LivenessWatch:
        signs = {child.spec.name: child.spec.sign_of_life for child in self._children if child.spec.sign_of_life}
        return LivenessWatch(signs, self._process_id_of, inbox.wake_up, self._patience)

    def _process_id_of(self, name: str) -> int | None:
        return next((child.process_id for child in self._children if child.spec.name == name), None)

    def _keep_alive(self, inbox: SignalInbox, watch: ReadinessWatch, liveness: LivenessWatch) -> int:
        announced = False
        while True:
            signals = inbox.wait(self._until_next_start_s())
            if _STOP_SIGNALS.intersection(signals):
                return 0
            for child, cause in self._reap():
                if not announced and self._is_hopeless(child):
                    self._say(self._story_of(child, cause, "does not start"))
                    return 1
                self._restart_later(child, cause)
            if not announced and watch.is_ready and self._is_complete():
                announced = True
                self._on_ready()
                liveness.start()
                self._start(child for child in self._children if child.spec.after_ready)
            if _HAND_OVER_SIGNAL in signals and announced:
                self._begin_hand_overs()
            self._step_hand_overs()
            self._kill_hanging(liveness)
            self._start(child for child in self._children if _is_due(child))

    def _begin_hand_overs(self) -> None:
        """Give every child that can have one a successor, unless it is being replaced already."""
        busy = {hand_over.old.spec.name for hand_over in self._hand_overs}
        for child in self._children:
            if child.spec.is_accepting is None or child.process_id is None or child.spec.name in busy:
                continue
            if why := child.spec.why_no_successor():
                self._say(f"{child.spec.name} stays, no successor is started: {why}")
                continue
            try:
                self._hand_overs.append(HandOver(child, self._home))
            except OSError as error:
                self._say(f"{child.spec.name}: no successor could be started: {error}")

    def _step_hand_overs(self) -> None:
        now_s = time.monotonic()
        for hand_over in self._hand_overs:
            had_gone_over = hand_over.has_gone_over
            hand_over.step(now_s)
            name = hand_over.old.spec.name
            if hand_over.failure:
                self._say(f"{name} stays: {hand_over.failure}")
            elif hand_over.has_gone_over and not had_gone_over:
                self._children[self._children.index(hand_over.old)] = hand_over.new
                self._keep_record(hand_over.new)
                self._say(f"{name} has handed over to a new process")
        self._hand_overs = [hand_over for hand_over in self._hand_overs if not hand_over.is_over]

    def _besides(self) -> list[Child]:
        """The processes of hand-overs that are not in the list of children: successors, then predecessors."""
        return [each.old if each.has_gone_over else each.new for each in self._hand_overs]

    def _keep_record(self, child: Child) -> None:
        if child.process_id is not None:
            self._records[child.spec.name] = record_of(child.spec.name, child.process_id)
            write_records(self._home, list(self._records.values()))

    def _kill_hanging(self, liveness: LivenessWatch) -> None:
        for hanging in liveness.take():
            for child in self._children:
                if (child.spec.name, child.process_id) == (hanging.name, hanging.process_id):
                    self._say(f"{hanging.name} has not answered for {hanging.silent_s:.0f} s; killing it")
                    child.kill()

    def _start(self, children: Iterable[Child]) -> None:
        for child in children:
            now_s = time.monotonic()
            try:
                process_id = child.start(now_s)
                self._records[child.spec.name] = record_of(child.spec.name, process_id)
                write_records(self._home, list(self._records.values()))
            except psutil.NoSuchProcess:
                # It is dead already; SIGCHLD tells.
                continue
            except OSError as error:
                # No process, no memory or no space on the disk just now: that must not end the others.
                self._say(f"{child.spec.name}: {error}")
                if child.process_id is None:
                    child.fail_to_start(now_s)

    def _reap(self) -> list[tuple[Child, str]]:
        """Collect every dead descendant; the children among them, with the cause of death."""
        dead: list[tuple[Child, str]] = []
        while True:
            try:
                process_id, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return dead
            if process_id == 0:
                return dead
            for child in self._children:
                if child.process_id == process_id:
                    dead.append((child, child.bury(wait_status, time.monotonic())))
            for child in self._besides():
                # Nobody restarts these: the hand-over sees that they are gone.
                if child.process_id == process_id:
                    child.bury(wait_status, time.monotonic())

    def _restart_later(self, child: Child, cause: str) -> None:
        child.schedule(time.monotonic())
        deaths = child.quick_deaths
        if deaths >= _DEATHS_BEFORE_GIVING_UP and deaths % _DEATHS_PER_WARNING == _DEATHS_BEFORE_GIVING_UP:
            self._say(self._story_of(child, cause, f"keeps dying ({deaths} times in a row); trying on"))
        elif deaths < _DEATHS_BEFORE_GIVING_UP:
            self._say(f"{child.spec.name} ended ({cause}); starting it again")

    def _is_complete(self) -> bool:
        """Whether no essential child is down just now."""
        return all(child.process_id is not None for child in self._children if child.spec.essential)

    def _is_hopeless(self, child: Child) -> bool:
        return child.spec.essential and child.quick_deaths >= _DEATHS_BEFORE_GIVING_UP

    def _story_of(self, child: Child, cause: str, verdict: str) -> str:
        path = log_file(self._home, child.spec.name)
        lines = [f"{child.spec.name} {verdict} ({cause}). The last lines of {path}:"]
        return "\n".join(lines + [f"  {line}" for line in last_lines(path, 8)])

    def _until_next_start_s(self) -> float:
        due = [child.start_due_s for child in self._children if child.start_due_s is not None]
        if self._hand_overs:
            due.append(time.monotonic() + STEP_S)
        return min(due) - time.monotonic() if due else _LONGEST_WAIT_S

    def _stop(self, inbox: SignalInbox) -> int:
        """Stop everything, in rounds; a second interrupt kills what is left."""
        self._on_stopping()
        in_order = sorted([*self._children, *self._besides()], key=lambda child: child.spec.stop_round)
        interrupted = False
        for _, group in groupby(in_order, key=lambda child: child.spec.stop_round):
            children = list(group)
            for child in children:
                child.ask_to_stop()
            deadline_s = time.monotonic() + max(child.spec.stop_grace_s for child in children)
            interrupted = interrupted or self._wait_for_end(inbox, children, deadline_s)
            for child in children:
                child.kill()
        self._wait_for_end(inbox, self._children, time.monotonic() + _ORPHANS_GRACE_S)
        self._on_stopped()
        self._end_orphans(inbox)
        with suppress(OSError):
            write_records(self._home, [])
        return 130 if interrupted else 0

    def _wait_for_end(self, inbox: SignalInbox, children: Sequence[Child], deadline_s: float) -> bool:
        """Wait until they are gone or the time is over; True at once on another interrupt."""
        self._reap()
        while any(child.process_id is not None for child in children):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            if signal.SIGINT in inbox.wait(left_s):
                return True
            self._reap()
        return False

    def _end_orphans(self, inbox: SignalInbox) -> None:
        """Give adopted descendants (workers above all) a moment to end by themselves, then kill them."""
        deadline_s = time.monotonic() + _ORPHANS_GRACE_S
        while orphans := psutil.Process().children(recursive=True):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                for orphan in orphans:
                    orphan.kill()
            inbox.wait(min(max(left_s, 0.05), 0.2))
            self._reap()


def _is_due(child: Child) -> bool:
    return child.start_due_s is not None and child.start_due_s <= time.monotonic()
