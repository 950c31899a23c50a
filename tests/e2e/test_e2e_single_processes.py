"""`pierhead gateway`, `api` and `controller` by themselves, as on several machines."""

import socket
import subprocess
from pathlib import Path

import pytest

from harness.commands import PIERHEAD
from harness.http import request
from harness.platform import wait_until
from pierhead.kit.home import Home


@pytest.mark.parametrize("name", ["gateway", "api", "controller"])
def test_a_process_by_itself_starts_and_stops_in_order(name: str, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    port = free_port()
    command = [str(PIERHEAD), name, "--home", str(home.root), *(["--port", str(port)] if name == "gateway" else [])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(f"{name} works", lambda: works(name, home, port), 30)
        process.terminate()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, said
    assert "Traceback" not in said


def works(name: str, home: Home, port: int) -> bool:
    match name:
        case "gateway":
            try:
                return request(f"http://127.0.0.1:{port}", "GET", "/health").status == 200
            except OSError:
                return False
        case "api":
            return answers(home.api_socket)
        case _:
            # The first snapshot is the end of its first step.
            return home.snapshot.exists()


def answers(path: Path) -> bool:
    """Whether a web application answers at the unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        try:
            connection.connect(str(path))
            connection.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            return connection.recv(5) == b"HTTP/"
        except OSError:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
