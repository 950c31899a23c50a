"""The controller: every loop that brings what is closer to what should be."""

import fcntl
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

import structlog

from pierhead.kit import logs
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.wiring.controller import controller

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Loop:
    """Work that is done again and again, with a pause of `interval_s` seconds between."""

    name: str
    interval_s: float
    tick: Callable[[], object]

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop`. A tick that fails is logged, once for the same failure in a row, and tried again."""
        last_failure = ""
        while not stop.is_set():
            try:
                self.tick()
                last_failure = ""
            except Exception as error:
                if repr(error) != last_failure:
                    log.exception("loop failed, will try again", loop=self.name)
                last_failure = repr(error)
            stop.wait(self.interval_s)


def run(settings: Settings, home: Home, lifeline_fd: int | None) -> NoReturn:
    """Run all loops until SIGTERM or SIGINT; exits 0.

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
                Loop("reconcile", 0.25, control.reconcile),
                Loop("ingest", settings.ingest_interval_s, control.ingest),
            ]
            threads = [threading.Thread(target=loop.run, args=(stop,), name=loop.name) for loop in loops]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    raise SystemExit(0)
