"""`pierhead audit` on a home."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from pierhead.cli.main import main
from pierhead.identity.services.audit_checkpoints import Checkpoints
from pierhead.identity.services.audit_keys import load_signer
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.home import Home
from pierhead.kit.settings import load
from pierhead.processes.prepare import create_folders, prepare_database
from pierhead.wiring.shared import open_database


@pytest.fixture
def home() -> Iterator[Home]:
    """One in which a user was created from the command line, and then two more."""
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        home = Home(Path(folder))
        create_folders(home)
        database = open_database(load(home=home.root), home)
        prepare_database(database)
        for name in ("zoe", "yan", "xia"):
            done = pierhead("users", "create", name, "--home", folder)
            assert done.exit_code == 0, done.stderr
        checkpoints = Checkpoints(database, SystemClock(), home.audit / "checkpoints.jsonl", load_signer(home.audit))
        checkpoints.finish()
        database.dispose()
        yield home


def pierhead(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def _verify(home: Home, *options: str) -> tuple[int, dict[str, Any]]:
    done = pierhead("audit", "verify", "--home", str(home.root), "-o", "json", *options)
    return done.exit_code, json.loads(done.stdout or "{}")


def _sql(home: Home, *statements: str) -> None:
    database = Database(sqlite_url(home.database))
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.dispose()


def _edit(home: Home) -> None:
    _sql(home, "UPDATE audit_records SET content = replace(content, 'yan', 'eve'), object = 'eve' WHERE number = 2")


def _spoil_time(home: Home) -> None:
    _sql(home, "UPDATE audit_records SET at = 'zzz' WHERE number = 2")


def _spoil_text(home: Home) -> None:
    _sql(home, "UPDATE audit_records SET content = cast(x'ff00fe' AS text) WHERE number = 2")


def _reorder(home: Home) -> None:
    _sql(
        home,
        "UPDATE audit_records SET number = 99 WHERE number = 2",
        "UPDATE audit_records SET number = 2 WHERE number = 3",
        "UPDATE audit_records SET number = 3 WHERE number = 99",
    )


def _remove(home: Home) -> None:
    _sql(home, "DELETE FROM audit_records WHERE number = 2")


def _truncate(home: Home) -> None:
    _sql(home, "DELETE FROM audit_records WHERE number > 1")


def _lose_file(home: Home) -> None:
    (home.audit / "checkpoints.jsonl").unlink()


def _empty_file(home: Home) -> None:
    (home.audit / "checkpoints.jsonl").write_text("")


def test_work_on_a_home_is_recorded_as_its_owners(home: Home) -> None:
    done = pierhead("audit", "list", "--home", str(home.root), "-o", "json", "--object", "zoe")
    (record,) = json.loads(done.stdout)["records"]

    assert record["user_identity"]["kind"] == "home_owner"
    assert record["user_identity"]["email"].startswith("owner of the home (")
    assert (record["service_name"], record["action_name"]) == ("home", "users/create")
    assert record["request_params"]["name"] == "zoe"


def test_an_untouched_trail_is_intact_and_looking_leaves_no_trace(home: Home) -> None:
    for command in ("list", "export", "verify"):
        pierhead("audit", command, "--home", str(home.root))
    pierhead("users", "list", "--home", str(home.root))

    assert _verify(home) == (0, {"intact": True, "records": 3, "covered": 3, "findings": []})


@pytest.mark.parametrize(
    ("tamper", "code", "problem", "number"),
    [
        (_edit, 20, "edited", 2),
        (_spoil_time, 20, "edited", 2),
        (_spoil_text, 20, "edited", 2),
        (_reorder, 21, "reordered", 2),
        (_remove, 22, "removed", 2),
        (_truncate, 23, "truncated", 2),
        (_lose_file, 25, "no checkpoints", None),
        (_empty_file, 26, "checkpoints damaged", None),
    ],
)
def test_each_kind_of_tampering_has_an_exit_code_of_its_own(
    home: Home, tamper: Callable[[Home], None], code: int, problem: str, number: int | None
) -> None:
    tamper(home)
    returned, report = _verify(home)

    assert returned == code
    assert (report["findings"][0]["problem"], report["findings"][0]["sequence_number"]) == (problem, number)


def test_a_trail_that_is_gone_is_said_and_no_success(home: Home) -> None:
    _sql(home, "DROP TABLE audit_records")

    done = pierhead("audit", "verify", "--home", str(home.root))

    assert done.exit_code == 22
    assert "the trail cannot be read at all: no such table" in done.stderr


def test_a_forged_checkpoint_is_a_bad_signature(home: Home) -> None:
    file = home.audit / "checkpoints.jsonl"
    file.write_text(file.read_text().replace('"time":1', '"time":2'))
    done = pierhead("audit", "verify", "--home", str(home.root))

    assert done.exit_code == 24
    assert done.stdout.startswith("BAD SIGNATURE: checkpoint 1 (of 3 records) is not signed by the key of this trail")


def test_a_copy_of_checkpoints_and_key_elsewhere_will_do(home: Home, tmp_path: Path) -> None:
    copies = tmp_path / "checkpoints", tmp_path / "key"
    copies[0].write_bytes((home.audit / "checkpoints.jsonl").read_bytes())
    copies[1].write_bytes((home.audit / "signing.pub").read_bytes())
    for file in home.audit.iterdir():
        file.unlink()
    options = "--checkpoints", str(copies[0]), "--public-key", str(copies[1])

    assert _verify(home, *options)[0] == 0
    _truncate(home)
    assert _verify(home, *options)[0] == 23
    assert pierhead("audit", "verify", "--home", str(home.root), "--checkpoints", "/nowhere").exit_code == 25


def test_list_narrows_by_what_is_asked(home: Home) -> None:
    def rows(*options: str) -> list[str]:
        done = pierhead("audit", "list", "--home", str(home.root), *options)
        assert done.exit_code == 0, done.stderr
        return done.stdout.splitlines()[1:]

    assert [line.split()[0] for line in rows()] == ["3", "2", "1"]
    assert len(rows("--limit", "2")) == 2
    assert len(rows("--action", "users/*", "--since", "1h")) == 3
    assert rows("--since", "2099-01-01") == []
    assert rows("--denied") == []
    assert rows("--actor", "nobody") == []
    assert pierhead("audit", "list", "--home", str(home.root), "--since", "yesterday").exit_code == 2


def test_an_export_begins_where_it_is_told(home: Home) -> None:
    done = pierhead("audit", "export", "--home", str(home.root), "--since", "2")

    assert [json.loads(line)["sequence_number"] for line in done.stdout.splitlines()] == [2, 3]


def test_a_folder_without_a_platform_is_said(tmp_path: Path) -> None:
    done = pierhead("audit", "verify", "--home", str(tmp_path))

    assert done.exit_code == 1
    assert "holds no platform yet" in done.stderr
