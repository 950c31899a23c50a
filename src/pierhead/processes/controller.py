"""The controller: every loop that brings what is closer to what should be."""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

import structlog

from pierhead.kit import logs
from pierhead.kit.failures import Failures
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.processes.log_rotation import rotate_logs
from pierhead.wiring.controller import controller

log = structlog.get_logger()

_LOGS_EVERY_S = 5.0
_AUDIT_EVERY_S = 2.0
_WEBHOOKS_EVERY_S = 0.5
_COMPILE_EVERY_S = 0.5
_VERIFY_EVERY_S = 2.0
_ROLL_OUT_EVERY_S = 1.0
_LABELS_EVERY_S = 5.0
_MONITORS_EVERY_S = 2.0
_ALERTS_EVERY_S = 2.0
_QUERIES_EVERY_S = 2.0
_LOOK_EVERY_S = 1.0

_BACKGROUND_NICE = 10

# Less than the supervisor waits for a controller that it told to stop.
_LAST_TICKS_S = 30.0


@dataclass(frozen=True, slots=True)
class Loop:
    """Work that is done again and again, with a pause of `interval_s` seconds between.

    `rest`, if given, is how to pause: it may end early, and takes at most as long as it is told. Work that
    `yields` has its processor time, and that of the processes that it starts, only after whoever answers requests.
    """

    name: str
    interval_s: float
    tick: Callable[[], object]
    rest: Callable[[float], object] | None = None
    yields: bool = False

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop`. A tick that fails is logged, once for the same failure in a row, and tried again."""
        failures = Failures[str]()
        if self.yields:
            _step_back()
        while not stop.is_set():
            try:
                self.tick()
                failures.end(self.name)
            except Exception as error:
                if failures.is_news(self.name, error):
                    log.exception("loop failed, will try again", loop=self.name)
                stop.wait(self.interval_s)
                continue
            if self.rest is None:
                stop.wait(self.interval_s)
            else:
                self.rest(self.interval_s)


def _step_back() -> None:
    """Lower the priority of this thread and of all that it starts. To Linux a thread is a process of its own here."""
    if sys.platform == "linux":
        own = threading.get_native_id()
        # Where a sandbox forbids it the work is done all the same.
        with suppress(OSError):
            # Never upwards, which is not everybody's right; the system cuts what is more than it knows.
            os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + _BACKGROUND_NICE)


def run_loops(loops: Sequence[Loop], stop: threading.Event, *, last_ticks_s: float = _LAST_TICKS_S) -> bool:
    """Run each loop in a thread of its own until `stop`; whether all of them went on until then.

    Ticks that are under way get `last_ticks_s` to end.

    A loop that breaks (native code that panics raises what is no Exception) stops the others: half a controller would
    look like a whole one, and nobody would start it again.
    """
    broken: list[str] = []

    def keep(loop: Loop) -> None:
        try:
            loop.run(stop)
        except BaseException:
            broken.append(loop.name)
            log.critical("loop broke, the controller ends", loop=loop.name, exc_info=True)
        finally:
            stop.set()

    # Daemons: a tick that never ends shall not keep the process.
    threads = [threading.Thread(target=keep, args=(loop,), name=loop.name, daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    while not stop.is_set():
        threads[0].join(_LOOK_EVERY_S)
    deadline_s = time.monotonic() + last_ticks_s
    for thread in threads:
        thread.join(max(0.0, deadline_s - time.monotonic()))
    return not broken


def run(settings: Settings, home: Home, lifeline_fd: int | None) -> NoReturn:
    """Run all loops until SIGTERM or SIGINT; exits 0, or 1 if one of them broke.

    Waits first for the lock that a controller of this home holds, so that two never act at once.
    """
    logs.configure("controller")
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    with (home.run / "controller.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with controller(settings, home, lifeline_fd) as control:
            loops = [
                Loop("reconcile", 0.25, control.reconcile, control.rest),
                Loop("ingest", settings.ingest_interval_s, control.ingest, yields=True),
                Loop("audit", _AUDIT_EVERY_S, control.checkpoint),
                Loop("webhooks", _WEBHOOKS_EVERY_S, control.send_webhooks),
                Loop("compile", _COMPILE_EVERY_S, control.compile, yields=True),
                Loop("verify", _VERIFY_EVERY_S, control.verify, yields=True),
                Loop("rollouts", _ROLL_OUT_EVERY_S, control.roll_out),
                Loop("rollout-labels", _LABELS_EVERY_S, control.join_labels, yields=True),
                Loop("monitor-keeping", _MONITORS_EVERY_S, control.keep_monitors),
                Loop("monitors", _MONITORS_EVERY_S, control.refresh_monitors, yields=True),
                Loop("live-references", _MONITORS_EVERY_S, control.make_references, yields=True),
                Loop("alerts", _ALERTS_EVERY_S, control.look_at_alerts),
                Loop("alert-queries", _QUERIES_EVERY_S, control.look_at_queries, yields=True),
                Loop("alert-messages", _WEBHOOKS_EVERY_S, control.tell_alerts),
                Loop("logs", _LOGS_EVERY_S, lambda: rotate_logs(home.logs)),
            ]
            is_well = run_loops(loops, stop)
    raise SystemExit(0 if is_well else 1)
