"""The small parts of the supervisor."""

import fcntl
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from pierhead.kit.home import Home
from pierhead.kit.replacing import replace_file
from pierhead.processes.child_logs import last_lines, log_file, open_log
from pierhead.processes.children import name_signal
from pierhead.processes.errors import AlreadyRuns, CannotStart
from pierhead.processes.lock import find_holder, lock_home
from pierhead.processes.log_rotation import LARGEST_LOG_BYTES
from pierhead.processes.prepare import create_folders
from pierhead.processes.records import ProcessRecord, is_alive, read_records, record_of, write_records
from pierhead.processes.sockets import answers, listen_unix
from pierhead.processes.uv import require_uv


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    create_folders(home)
    return home


def test_the_lock_names_its_holder_and_ends_with_it(home: Home) -> None:
    descriptor = lock_home(home)
    assert find_holder(home) == os.getpid()
    with pytest.raises(AlreadyRuns, match=f"process {os.getpid()}"):
        lock_home(home)
    os.close(descriptor)
    assert find_holder(home) is None
    os.close(lock_home(home))


def test_a_socket_left_by_a_dead_process_is_replaced(home: Home) -> None:
    path = home.api_socket
    listen_unix(path).close()
    assert path.exists()
    assert not answers(path)
    with listen_unix(path):
        assert answers(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_socket_that_somebody_serves_is_not_taken_away(home: Home) -> None:
    with listen_unix(home.api_socket), pytest.raises(CannotStart, match="another process serves"):
        listen_unix(home.api_socket)


def test_a_home_under_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"home .*file/home cannot be written: .*; make it writable, or choose"):
        create_folders(Home(tmp_path / "file" / "home"))


def test_a_record_matches_a_process_only_by_id_and_start(home: Home) -> None:
    ours = record_of("api", os.getpid())
    another = ProcessRecord("gateway-0", os.getpid(), ours.created - 60)
    write_records(home, [ours, another])
    assert read_records(home) == [ours, another]
    assert is_alive(ours)
    assert not is_alive(another)


def test_records_that_cannot_be_read_are_no_records(home: Home) -> None:
    (home.run / "processes.json").write_text('{"boot": ')
    assert read_records(home) == []


def test_a_large_log_moves_aside_when_its_process_starts(home: Home) -> None:
    path = log_file(home, "api")
    with path.open("wb") as file:
        file.truncate(LARGEST_LOG_BYTES + 1)
    os.close(open_log(home, "api"))
    assert path.stat().st_size == 0
    assert path.with_name("api.log.1").stat().st_size == LARGEST_LOG_BYTES


def test_looking_for_the_holder_keeps_nobody_from_starting(home: Home) -> None:
    os.close(lock_home(home))
    # As `find_holder` does, for longer than it ever takes.
    looker = os.open(home.run / "up.lock", os.O_RDWR)
    fcntl.flock(looker, fcntl.LOCK_SH)
    threading.Timer(0.3, os.close, (looker,)).start()
    os.close(lock_home(home))


def test_two_may_look_for_the_holder_at_once(home: Home) -> None:
    os.close(lock_home(home))
    with (home.run / "up.lock").open() as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)
        assert find_holder(home) is None


def test_a_death_by_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert name_signal(36) == "signal 36"
    assert name_signal(9) == "signal SIGKILL"


def test_the_last_lines_of_a_log_leave_blank_ones_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\n\ntwo\n\nthree\n")
    assert last_lines(path, 2) == ["two", "three"]
    assert last_lines(tmp_path / "none", 2) == []


def test_a_replaced_file_is_private_even_if_it_was_open_before(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    replace_file(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_ipv6_socket_can_be_public() -> None:
    from pierhead.processes.sockets import listen_public

    try:
        listener = listen_public("::1", 0)
    except CannotStart:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert listener.family == socket.AF_INET6


def test_a_missing_uv_is_one_clear_line_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"`uv` was found neither .* install it with `pip install uv`"):
        require_uv(str(tmp_path))
