"""A gateway's work goes over to a new process, with a real supervisor and small fakes."""

import os
import signal

from test_processes_up import Start, is_gone, start, until

__all__ = ["start"]


def starts(story: list[list[str]]) -> list[int]:
    return [int(words[2]) for words in story if words[:2] == ["gateway", "start"]]


def test_a_gateway_hands_over_when_it_is_asked_to(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    old = int(platform.ask())

    platform.process.send_signal(signal.SIGUSR2)
    assert until(lambda: ["gateway", "retire"] in platform.story())
    assert until(lambda: is_gone(old))

    new = int(platform.ask())
    assert starts(platform.story()) == [old, new]
    assert "gateway-0 has handed over to a new process" in platform.log()
    # Its successor is the one that is kept alive from now on.
    os.kill(new, signal.SIGKILL)
    assert until(lambda: len(starts(platform.story())) == 3)
    assert int(platform.ask()) == starts(platform.story())[2]
    platform.process.terminate()
    assert platform.process.wait(20) == 0


def test_a_hand_over_in_the_middle_of_a_stop_leaves_nothing_behind(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()

    platform.process.send_signal(signal.SIGUSR2)
    assert until(lambda: len(starts(platform.story())) == 2)
    platform.process.terminate()

    assert platform.process.wait(20) == 0
    assert all(is_gone(process_id) for process_id in starts(platform.story()))
