"""Processes told from others of the same number, and ended with their groups."""

import os
import signal
import subprocess
import sys
import time

import psutil

from pierhead.kit.os_processes import created_s, is_running, kill_group, kill_orphans


def test_a_process_is_the_same_though_the_clock_was_set_a_little() -> None:
    started_s = created_s(os.getpid())
    assert is_running(os.getpid(), started_s)
    assert is_running(os.getpid(), started_s + 0.5)
    assert not is_running(os.getpid(), started_s - 60)


def test_a_dead_process_does_not_run_though_nobody_buried_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started_s = created_s(process.pid)
        assert is_running(process.pid, started_s)
        kill_group(process.pid)
        deadline_s = time.monotonic() + 10
        while is_running(process.pid, started_s) and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    assert not is_running(process.pid, started_s)


def test_a_living_process_is_nobodys_orphan() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        kill_orphans(process.pid)
        time.sleep(0.1)
        assert process.poll() is None
        kill_group(process.pid)
        assert process.wait(10) == -signal.SIGKILL
