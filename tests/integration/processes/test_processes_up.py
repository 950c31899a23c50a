"""The supervisor with real processes; its children are small fakes."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

FAKE_UP = str(Path(__file__).with_name("fake_up.py"))


class Platform:
    def __init__(self, home: Path, process: subprocess.Popen[str]) -> None:
        self.home = home
        self.process = process
        self.port = 0

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Pierhead is ready at http://127.0.0.1:"), (line, self.log())
        self.port = int(line.rsplit(":", 1)[1])

    def story(self) -> list[list[str]]:
        path = self.home / "story"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def process_id(self, name: str) -> int:
        """The first process of this name; waits until it has written that it started."""
        assert until(lambda: bool(self._starts(name)))
        return self._starts(name)[0]

    def _starts(self, name: str) -> list[int]:
        return [int(words[2]) for words in self.story() if words[:2] == [name, "start"]]

    def ask(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/health")
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    def log(self) -> str:
        return (self.home / "stderr").read_text()


Start = Callable[..., Platform]


@pytest.fixture
def start() -> Iterator[Start]:
    # A short path: the run folder of a long one lies outside of the home and would stay behind.
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        yield from starting(Path(folder))


def starting(folder: Path) -> Iterator[Start]:
    started: list[Platform] = []

    def run(
        name: str = "home",
        port: int = 0,
        gateway: str = "gateway",
        controller: str = "idle",
        through: Sequence[str] = (),
    ) -> Platform:
        home = folder / name
        home.mkdir(exist_ok=True)
        with (home / "stderr").open("w") as errors:
            process = subprocess.Popen(
                [*through, sys.executable, FAKE_UP, str(home), str(port), gateway, controller],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        started.append(Platform(home, process))
        return started[-1]

    yield run
    for platform in started:
        if platform.process.poll() is None:
            platform.process.kill()
        platform.process.communicate()


def until(fact: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def test_the_first_start_prints_one_ready_line_and_writes_a_private_admin_token(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    token = platform.home / "admin-token"
    assert token.read_text().startswith("phd_")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert (platform.home / "run/address").read_text() == f"http://127.0.0.1:{platform.port}\n"
    assert stat.S_IMODE((platform.home / "run").stat().st_mode) == 0o700


def test_a_second_start_on_the_same_home_keeps_the_token(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    token = (first.home / "admin-token").read_text()
    first.process.terminate()
    assert first.process.wait(20) == 0
    second = start()
    second.wait_until_ready()
    assert (second.home / "admin-token").read_text() == token


def test_a_killed_child_is_started_again_and_no_connection_is_refused(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    before = int(platform.ask())
    os.kill(before, signal.SIGKILL)
    assert until(lambda: is_gone(before))
    after = int(platform.ask())
    assert after != before
    assert "gateway-0 ended (signal SIGKILL); starting it again" in platform.log()


def test_a_gateway_that_hangs_is_replaced(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    before = int(platform.ask())
    os.kill(before, signal.SIGSTOP)
    assert until(lambda: "gateway-0 has not answered for" in platform.log(), 20)
    assert int(platform.ask()) != before
    assert "gateway-0 ended (signal SIGKILL); starting it again" in platform.log()


def test_a_gateway_that_dies_of_a_signal_without_a_name_is_replaced(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    gateway = int(platform.ask())
    os.kill(gateway, 36)
    # It may still accept a connection while it dies.
    assert until(lambda: is_gone(gateway))
    assert platform.ask()
    assert "gateway-0 ended (signal 36); starting it again" in platform.log()


def test_kill_9_of_the_supervisor_kills_its_children_and_the_next_up_works(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    children = [platform.process_id(name) for name in ("gateway", "api", "controller")]
    platform.process.kill()
    assert until(lambda: all(map(is_gone, children)))
    again = start(port=platform.port)
    again.wait_until_ready()
    assert again.port == platform.port


def test_a_second_up_on_the_same_home_refuses_and_names_the_first(start: Start) -> None:
    first = start()
    first.wait_until_ready()
    second = start()
    assert second.process.wait(20) == 1
    assert f"Pierhead already runs on {first.home} (process {first.process.pid})" in second.log()
    assert first.ask()


def test_a_taken_port_is_one_clear_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        platform = start(port=other.getsockname()[1])
        assert platform.process.wait(20) == 1
    assert platform.log().strip().splitlines() == [
        f"port {other_port(platform)} on 127.0.0.1 is taken by another program; "
        "choose another with --port (0 takes any free one)"
    ]


def other_port(platform: Platform) -> str:
    arguments = platform.process.args
    assert isinstance(arguments, list)
    return str(arguments[3])


def test_sigterm_stops_the_gateway_first_then_controller_then_api(start: Start) -> None:
    platform = start()
    platform.wait_until_ready()
    platform.process.terminate()
    assert platform.process.wait(20) == 0
    assert [words[0] for words in platform.story() if words[1] == "term"] == ["gateway", "controller", "api"]
    assert not (platform.home / "run/api.sock").exists()
    assert not (platform.home / "run/address").exists()


def test_a_second_interrupt_kills_at_once(start: Start) -> None:
    platform = start(controller="stubborn")
    platform.wait_until_ready()
    stubborn = platform.process_id("controller")
    platform.process.send_signal(signal.SIGINT)
    assert until(lambda: ["gateway", "term"] in platform.story())
    time.sleep(0.5)
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(10) == 130
    assert is_gone(stubborn)


def test_a_child_that_keeps_dying_at_start_ends_the_start_with_its_last_words(start: Start) -> None:
    platform = start(gateway="crash")
    assert platform.process.wait(30) == 1
    assert "gateway-0 does not start (exit code 3). The last lines of" in platform.log()
    assert "boom: the reason is here" in platform.log()
    assert is_gone(platform.process_id("api"))


def test_while_the_gateway_drains_nobody_new_is_let_in(start: Start) -> None:
    platform = start(gateway="stubborn-gateway")
    platform.wait_until_ready()
    platform.process.terminate()
    # The fake gateway keeps its own copy of the socket open; what counts is that the supervisor's is closed.
    assert until(lambda: not holds_listener(platform.process.pid, platform.port))
    platform.process.kill()


def holds_listener(process_id: int, port: int) -> bool:
    listening = (c for c in psutil.Process(process_id).net_connections("tcp") if c.status == psutil.CONN_LISTEN)
    return any(connection.laddr.port == port for connection in listening)


def test_nohup_outlives_its_terminal(start: Start) -> None:
    platform = start(through=("nohup",))
    platform.wait_until_ready()
    platform.process.send_signal(signal.SIGHUP)
    assert platform.ask()
    platform.process.terminate()
    assert platform.process.wait(20) == 0


def test_an_orphan_that_ignores_the_end_is_killed_in_the_end(start: Start) -> None:
    platform = start(controller="orphan-maker")
    platform.wait_until_ready()
    assert until(lambda: any(words[1] == "orphan" for words in platform.story()))
    orphan = next(int(words[2]) for words in platform.story() if words[1] == "orphan")
    os.kill(platform.process_id("controller"), signal.SIGKILL)
    assert until(lambda: psutil.Process(orphan).ppid() == platform.process.pid)
    platform.process.terminate()
    assert platform.process.wait(30) == 0
    assert is_gone(orphan)
