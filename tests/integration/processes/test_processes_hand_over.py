"""A gateway's work goes over to a new process, with a real supervisor and small fakes."""

import os
import signal
from pathlib import Path

from click.testing import CliRunner
from test_processes_up import Start, is_gone, start, until

from pierhead.cli.main import main

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


def test_the_command_waits_for_the_new_gateway_and_says_who_took_over(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    old = int(platform.ask())

    found = CliRunner().invoke(main, ["gateways", "hand-over", "--home", str(platform.home)])

    assert found.exit_code == 0, found.output
    new = starts(platform.story())[-1]
    assert found.output == f"gateway-0: process {old} has handed over to {new}\n"
    assert until(lambda: int(platform.ask()) == new)


def test_the_command_says_who_stays(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    platform.process.send_signal(signal.SIGSTOP)

    found = CliRunner().invoke(main, ["gateways", "hand-over", "--home", str(platform.home), "--timeout", "0.5"])

    platform.process.send_signal(signal.SIGCONT)
    assert found.exit_code == 6
    assert "gateway-0 did not hand over within 0.5 s" in found.output


def test_the_command_has_nobody_to_ask_where_nothing_runs(tmp_path: Path) -> None:
    found = CliRunner().invoke(main, ["gateways", "hand-over", "--home", str(tmp_path)])

    assert found.exit_code == 7
    assert f"no platform with gateways runs on {tmp_path}" in found.output


def test_a_hand_over_in_the_middle_of_a_stop_leaves_nothing_behind(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()

    platform.process.send_signal(signal.SIGUSR2)
    assert until(lambda: len(starts(platform.story())) == 2)
    platform.process.terminate()

    assert platform.process.wait(20) == 0
    assert all(is_gone(process_id) for process_id in starts(platform.story()))


def test_with_settings_that_nobody_could_start_with_the_gateway_stays(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    old = int(platform.ask())
    (platform.home / "pierhead.toml").write_text('tls_certificate = "/nowhere/certificate.pem"\n')
    platform.process.send_signal(signal.SIGUSR2)
    assert until(lambda: "certificate.pem cannot be read: No such file" in platform.log())
    (platform.home / "pierhead.toml").write_text("port = many\n")
    platform.process.send_signal(signal.SIGUSR2)
    assert until(lambda: "the settings cannot be read" in platform.log())
    assert "gateway-0 stays, no successor is started" in platform.log()
    assert starts(platform.story()) == [old]
    assert int(platform.ask()) == old
