"""The loops of the controller: what fails is tried again, what breaks ends them all."""

import os
import sys
import threading

import pytest

from pierhead.processes.controller import Loop, run_loops


class Panic(BaseException):
    """As native code raises it."""


def test_a_loop_that_breaks_stops_the_others_and_is_reported() -> None:
    stop, ticks = threading.Event(), []

    def panic() -> None:
        raise Panic("assertion failed")

    loops = [Loop("healthy", 0.01, lambda: ticks.append(1)), Loop("broken", 0.01, panic)]
    assert not run_loops(loops, stop)
    assert stop.is_set()
    after = len(ticks)
    stop.wait(0.05)
    assert len(ticks) == after


def test_a_tick_that_fails_is_tried_again() -> None:
    stop, ticks = threading.Event(), []

    def fail_twice() -> None:
        ticks.append(1)
        if len(ticks) <= 2:
            raise OSError("not yet")
        stop.set()

    assert run_loops([Loop("unlucky", 0.01, fail_twice)], stop)
    assert len(ticks) == 3


def test_a_tick_that_never_ends_does_not_hide_that_another_loop_broke() -> None:
    release = threading.Event()

    def panic() -> None:
        raise SystemExit(0)

    loops = [Loop("deaf", 0.01, lambda: release.wait(60)), Loop("broken", 0.01, panic)]
    assert not run_loops(loops, threading.Event(), last_ticks_s=0.1)
    release.set()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux alone")
def test_work_that_yields_steps_back_and_the_others_do_not() -> None:
    stop, niceness = threading.Event(), {}

    def note(name: str) -> None:
        niceness[name] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        if len(niceness) == 2:
            stop.set()

    loops = [
        Loop("urgent", 0.01, lambda: note("urgent")),
        Loop("patient", 0.01, lambda: note("patient"), yields=True),
    ]
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert run_loops(loops, stop)
    assert niceness["urgent"] == own
    assert niceness["patient"] == min(own + 10, 19)
