"""`pierhead up` where it cannot work: one clear line and an exit code that is not 0."""

import os
import socket
import sqlite3
import subprocess
from pathlib import Path

from harness.commands import PIERHEAD
from harness.platform import Platform


def test_a_second_start_on_the_same_home_is_refused_and_the_first_goes_on(platform: Platform) -> None:
    line = refusal_of(platform.home)
    assert f"Pierhead already runs on {platform.home}" in line
    assert f"process {platform.supervisor.pid}" in line
    assert platform.request("GET", "/health").status == 200


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refusal_of(tmp_path / "home", port=port)
    assert f"port {port} on 127.0.0.1 is taken by another program" in line
    assert "--port" in line


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    # A file in the way stops even root.
    (tmp_path / "file").touch()
    line = refusal_of(tmp_path / "file" / "home")
    assert f"home {tmp_path / 'file' / 'home'} cannot be written" in line
    assert "--home" in line


def test_a_database_of_a_newer_pierhead_is_left_alone(platform: Platform, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    copy_database(platform.home / "pierhead.db", home / "pierhead.db")
    with sqlite3.connect(home / "pierhead.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9001'")
    database.close()
    before = (home / "pierhead.db").read_bytes()
    line = refusal_of(home)
    assert "schema revision 9001" in line
    assert "a newer Pierhead wrote it" in line
    assert (home / "pierhead.db").read_bytes() == before


def test_a_machine_without_uv_is_told_so(tmp_path: Path) -> None:
    # In the place of the real module one that finds nothing, as where only the library was installed.
    (tmp_path / "uv.py").write_text("def find_uv_bin():\n    raise FileNotFoundError('uv')\n")
    line = refusal_of(tmp_path / "home", PYTHONPATH=str(tmp_path), PATH=str(tmp_path))
    assert "`uv` was found neither beside Python nor on the PATH" in line
    assert "pip install uv" in line


def refusal_of(home: Path, *, port: int = 0, **environment: str) -> str:
    """The one line that `pierhead up` says before it gives up."""
    done = subprocess.run(
        [str(PIERHEAD), "up", "--home", str(home), "--port", str(port)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode not in (0, None)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def copy_database(source: Path, target: Path) -> None:
    """Copy what is committed, while others write."""
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    try:
        old.backup(new)
    finally:
        old.close()
        new.close()
