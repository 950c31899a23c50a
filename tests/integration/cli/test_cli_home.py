"""Commands that work on a home folder, in real processes."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.rest_server import RestServer
from harness.commands import PIERHEAD, run_pierhead
from pierhead.identity.services.accounts import Authenticator
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import Unauthenticated
from pierhead.kit.home import Home
from pierhead.kit.replacing import replace_file
from pierhead.processes.prepare import create_folders, ensure_admin, prepare_database
from pierhead.processes.sockets import address_file


@pytest.fixture
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        home = Home(Path(folder))
        create_folders(home)
        yield home


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    """As a first start leaves it."""
    database = Database(sqlite_url(home.database))
    prepare_database(database)
    ensure_admin(database, home, SystemClock())
    yield database
    database.dispose()


def pierhead(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIERHEAD", "DATABRICKS"))}
    return run_pierhead(*arguments, environment=kept | variables)


def test_env_prints_the_running_address_and_the_admins_token(home: Home, database: Database) -> None:
    replace_file(address_file(home), "http://127.0.0.1:7777\n")
    done = pierhead("env", "--home", str(home.root))
    token = home.admin_token.read_text().strip()
    assert done.stdout.splitlines() == [
        "export DATABRICKS_HOST=http://127.0.0.1:7777",
        f"export DATABRICKS_TOKEN={token}",
        "export MLFLOW_TRACKING_URI=http://127.0.0.1:7777",
        f"export MLFLOW_TRACKING_TOKEN={token}",
    ]


def test_env_makes_a_token_for_a_user_that_was_created(home: Home, database: Database) -> None:
    where = ("--home", str(home.root))
    assert pierhead("users", "create", "ada", "--group", "ml-leads", *where).returncode == 0
    token = pierhead("env", "--user", "ada", *where).stdout.split("DATABRICKS_TOKEN=")[1].splitlines()[0]
    caller = Authenticator(database, SystemClock())(token)
    assert (caller.user_name, caller.groups) == ("ada", frozenset({"ml-leads"}))


def token_infos(home: Home, *words: str) -> list[dict[str, Any]]:
    done = pierhead("tokens", "list", "-o", "json", "--home", str(home.root), *words)
    infos: list[dict[str, Any]] = json.loads(done.stdout)["token_infos"]
    return infos


def days_of(info: dict[str, Any]) -> float:
    return float(info["expiry_time"] - info["creation_time"]) / 86_400_000


def test_a_users_tokens_end_after_90_days_or_as_asked(home: Home, database: Database) -> None:
    where = ("--home", str(home.root))
    pierhead("users", "create", "ada", *where)
    pierhead("env", "--user", "ada", *where)
    pierhead("env", "--user", "ada", "--days", "7", *where)
    pierhead("tokens", "create", "--user", "ada", "--days", "1", "--comment", "nightly job", *where)

    found = token_infos(home, "--user", "ada")

    assert [(info["comment"], days_of(info)) for info in found] == [
        ("pierhead env", 90),
        ("pierhead env", 7),
        ("nightly job", 1),
    ]
    assert [info["expiry_time"] for info in token_infos(home) if info["user_name"] == "admin"] == [-1]


def test_days_without_a_user_are_a_usage_error(home: Home, database: Database) -> None:
    assert pierhead("env", "--days", "7", "--home", str(home.root)).returncode == 2


def test_a_token_is_printed_once_and_opens_the_door_until_it_is_revoked(home: Home, database: Database) -> None:
    where = ("--home", str(home.root))
    pierhead("users", "create", "ada", *where)
    token = pierhead("tokens", "create", "--user", "ada", *where).stdout.strip()
    opens = Authenticator(database, SystemClock())
    assert opens(token).user_name == "ada"
    listed = pierhead("tokens", "list", *where)
    assert "ada" in listed.stdout
    assert token not in listed.stdout
    (info,) = token_infos(home, "--user", "ada")

    assert pierhead("tokens", "revoke", info["token_id"], *where).returncode == 0

    with pytest.raises(Unauthenticated):
        opens(token)
    assert pierhead("tokens", "revoke", info["token_id"], *where).returncode == 3


def test_users_and_groups_are_listed(home: Home, database: Database) -> None:
    where = ("--home", str(home.root))
    pierhead("users", "create", "ada", "--group", "ml-leads", *where)
    users = json.loads(pierhead("users", "list", "-o", "json", *where).stdout)["users"]
    assert [(user["user_name"], user["groups"]) for user in users] == [("ada", ["ml-leads"]), ("admin", ["admins"])]
    groups = json.loads(pierhead("groups", "list", "-o", "json", *where).stdout)["groups"]
    assert [(group["members"], group["entitlements"]) for group in groups if group["name"] == "ml-leads"] == [
        (["ada"], ["workspace-access"])
    ]
    assert "ml-leads" in pierhead("groups", "list", *where).stdout
    assert "ada" in pierhead("users", "list", *where).stdout


def test_users_that_do_not_exist_or_exist_already_have_their_exit_codes(home: Home, database: Database) -> None:
    where = ("--home", str(home.root))
    unknown = pierhead("env", "--user", "bob", *where)
    assert (unknown.returncode, unknown.stdout) == (3, "")
    assert "user or service principal 'bob' does not exist" in unknown.stderr
    assert pierhead("users", "create", "admin", *where).returncode == 5
    assert pierhead("users", "create", "eve", "--group", "nobody", *where).returncode == 3


def test_env_before_the_first_start_says_to_start(home: Home) -> None:
    done = pierhead("env", "--home", str(home.root))
    assert done.returncode == 1
    assert "pierhead up" in done.stderr
    assert pierhead("env", "--user", "x", "--home", str(home.root)).returncode == 1


def test_the_admins_token_is_renewed_only_when_it_does_not_open_the_door(home: Home, database: Database) -> None:
    token = home.admin_token.read_text().strip()
    assert ensure_admin(database, home, SystemClock()) == (token, False)
    replace_file(home.admin_token, "phd_other\n")
    renewed, is_new = ensure_admin(database, home, SystemClock())
    assert is_new
    assert home.admin_token.read_text().strip() == renewed != "phd_other"


def test_a_newer_schema_in_the_home_is_one_clear_line(home: Home, database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    done = pierhead("up", "--home", str(home.root), "--port", "0")
    assert done.returncode == 5
    assert len(done.stderr.strip().splitlines()) == 1
    assert "schema revision 9999" in done.stderr


def test_a_home_that_cannot_be_written_is_one_clear_line(home: Home) -> None:
    (home.root / "file").touch()
    done = pierhead("up", "--home", str(home.root / "file" / "x"), "--port", "0")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot be written" in done.stderr


def test_doctor_works_without_a_platform(home: Home) -> None:
    done = pierhead("doctor", "--home", str(home.root), "--port", "0", "-o", "json")
    findings = {item["subject"]: item for item in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert findings["uv"]["level"] == "ok"
    assert findings["platform"]["level"] == "warn"
    assert "pierhead up" in findings["platform"]["remedy"]
    assert findings["database"]["fact"].startswith("not created yet")


def test_doctor_fails_on_a_newer_schema_and_an_open_token(home: Home, database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    home.admin_token.chmod(0o644)
    done = pierhead("doctor", "--home", str(home.root), "--port", "0")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert any(line.startswith("fail database") and "9999" in line for line in lines)
    assert any(line.startswith("fail admin token") and "chmod 600" in line for line in lines)


def test_doctor_fails_on_a_home_that_others_can_read(home: Home) -> None:
    home.root.chmod(0o755)
    done = pierhead("doctor", "--home", str(home.root), "--port", "0")
    assert done.returncode == 1
    assert f"chmod 700 {home.root}" in done.stdout


def test_a_run_folder_that_somebody_else_put_there_is_believed_by_no_command(home: Home) -> None:
    deep = Home(home.root / ("x" * 80))
    deep.root.mkdir(mode=0o700)
    theirs = home.root / "theirs"
    theirs.mkdir()
    (theirs / "address").write_text("http://127.0.0.1:9\n")
    deep.run.symlink_to(theirs)
    try:
        where = ("--home", str(deep.root))
        up = pierhead("up", *where, "--port", "0")
        env = pierhead("env", *where)
        listed = pierhead("endpoints", "list", *where)
        doctor = pierhead("doctor", *where, "--port", "0")
    finally:
        deep.run.unlink()
    assert (up.returncode, env.returncode, listed.returncode, doctor.returncode) == (1, 1, 4, 1)
    assert len(up.stderr.strip().splitlines()) == 1
    for output in (up.stderr, listed.stderr, doctor.stdout):
        assert "is not a folder of this user" in output


def test_config_show_tells_where_a_value_comes_from(home: Home) -> None:
    (home.root / "pierhead.toml").write_text("gateways = 2\n")
    done = pierhead("config", "show", "--origin", "-o", "json", "--home", str(home.root), PIERHEAD_PORT="6000")
    shown = json.loads(done.stdout)
    assert shown["gateways"] == {"value": 2, "origin": f"file {home.root}/pierhead.toml"}
    assert shown["port"] == {"value": 6000, "origin": "env PIERHEAD_PORT"}
    assert shown["home"]["origin"] == "flag"
    assert shown["queue_limit"]["origin"] == "default"


def test_a_wrong_setting_is_a_usage_error_that_names_it(home: Home) -> None:
    done = pierhead("config", "show", "--home", str(home.root), PIERHEAD_PORT="many")
    assert done.returncode == 2
    assert "port" in done.stderr
    (home.root / "pierhead.toml").write_text("port = = 1\n")
    done = pierhead("config", "show", "--home", str(home.root))
    assert done.returncode == 2
    assert "pierhead.toml" in done.stderr


def test_help_loads_nothing_that_takes_long() -> None:
    code = (
        "import contextlib, sys\n"
        "from pierhead.cli.main import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    slow = {
        "sqlalchemy",
        "mlflow",
        "numpy",
        "onnx",
        "onnxruntime",
        "pandas",
        "pyarrow",
        "starlette",
        "pydantic",
        "rich",
    }
    assert not loaded & slow


def test_an_interrupted_wait_is_exit_code_130() -> None:
    with RestServer() as server:
        server.answer("GET /api/2.0/serving-endpoints/e", {"state": {"ready": "NOT_READY", "config_update": "X"}})
        with subprocess.Popen(
            [str(PIERHEAD), "endpoints", "wait", "e"],
            env=os.environ | {"DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": "x"},
            stderr=subprocess.PIPE,
            text=True,
            # Whoever runs this suite in the background of a shell has it ignore the signal, and its children too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            while not server.asked:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=20)[1].endswith("Interrupted\n")
            assert process.returncode == 130
