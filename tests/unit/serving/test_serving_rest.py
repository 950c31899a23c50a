"""The pause between two ticks, with real sockets and real time."""

import socket
import threading
import time
from pathlib import Path

import pytest

from pierhead.processes.controller import Loop
from pierhead.serving.adapters.nudge_socket import NudgeSocket
from pierhead.serving.services.rest import Rest


class Reconciler:
    """Says of its workers what it is told to say."""

    def __init__(self, *, waiting: bool = False, news_after: int = 1_000_000) -> None:
        self.is_waiting_for_workers = waiting
        self.looks = 0
        self._news_after = news_after

    def has_news(self) -> bool:
        self.looks += 1
        return self.looks >= self._news_after


def nudge(path: Path, times: int = 1) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for _ in range(times):
            sender.sendto(b"\x00", str(path))


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("n") / "nudge.sock"


def rested_s(rest: Rest, longest_s: float) -> float:
    began_s = time.monotonic()
    rest.rest(longest_s)
    return time.monotonic() - began_s


def test_a_rest_lasts_as_long_as_it_may(path: Path) -> None:
    nudges, reconciler = NudgeSocket(path), Reconciler()
    assert rested_s(Rest(nudges, reconciler), 0.2) >= 0.2
    nudges.close()
    assert not path.exists()


def test_a_nudge_ends_it(path: Path) -> None:
    nudges = NudgeSocket(path)
    threading.Timer(0.1, nudge, (path,)).start()
    assert rested_s(Rest(nudges, Reconciler()), 30) < 5
    nudges.close()


def test_many_nudges_are_one(path: Path) -> None:
    nudges = NudgeSocket(path)
    nudge(path, times=8)
    assert nudges.wait(0)
    assert not nudges.wait(0)
    nudges.close()


def test_while_workers_start_they_are_looked_at_again_and_again(path: Path) -> None:
    nudges, reconciler = NudgeSocket(path), Reconciler(waiting=True, news_after=4)
    assert rested_s(Rest(nudges, reconciler), 30) < 5
    assert reconciler.looks == 4
    nudges.close()


def test_a_socket_of_a_dead_controller_is_replaced(path: Path) -> None:
    first = NudgeSocket(path)
    second = NudgeSocket(path)
    nudge(path)
    assert second.wait(1)
    assert not first.wait(0)
    first.close()
    second.close()


def test_a_loop_rests_as_it_is_told() -> None:
    stop, rests = threading.Event(), list[float]()

    def rest(longest_s: float) -> None:
        rests.append(longest_s)
        if len(rests) == 3:
            stop.set()

    Loop("test", 0.5, lambda: None, rest).run(stop)
    assert rests == [0.5, 0.5, 0.5]
