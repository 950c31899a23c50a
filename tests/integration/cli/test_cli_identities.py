"""Users, groups, service principals and tokens of a home, by commands in real processes."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.commands import run_pierhead
from pierhead.identity.services.accounts import Authenticator
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import Unauthenticated
from pierhead.kit.home import Home
from pierhead.kit.web.caller import Caller
from pierhead.processes.prepare import create_folders, ensure_admin, prepare_database


class Owner:
    """Who owns a home, at a terminal."""

    def __init__(self, home: Home, database: Database) -> None:
        self._home = home
        self._database = database

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIERHEAD", "DATABRICKS"))}
        return run_pierhead(*words, "--home", str(self._home.root), environment=kept)

    def do(self, *words: str) -> str:
        """What the command prints; it succeeds."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def json(self, *words: str) -> Any:
        return json.loads(self.do(*words, "-o", "json"))

    def refused(self, *words: str) -> tuple[int, str]:
        done = self.run(*words)
        return done.returncode, done.stderr

    def caller(self, token: str) -> Caller | None:
        try:
            return Authenticator(self._database, SystemClock())(token)
        except Unauthenticated:
            return None


@pytest.fixture
def owner() -> Iterator[Owner]:
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        home = Home(Path(folder))
        create_folders(home)
        database = Database(sqlite_url(home.database))
        prepare_database(database)
        ensure_admin(database, home, SystemClock())
        yield Owner(home, database)
        database.dispose()


def test_a_user_is_let_in_put_out_deleted_and_restored(owner: Owner) -> None:
    owner.do("users", "create", "ada", "--group", "ml-leads")
    token = owner.do("tokens", "create", "--user", "ada")
    assert owner.caller(token) is not None

    owner.do("users", "deactivate", "ada")
    assert owner.caller(token) is None
    assert "activate ada" in owner.refused("tokens", "create", "--user", "ada")[1]
    owner.do("users", "activate", "ada")
    assert owner.caller(token) is not None

    assert owner.refused("users", "delete", "ada")[0] == 2
    owner.do("users", "delete", "ada", "--yes")
    assert owner.caller(token) is None
    code, message = owner.refused("users", "create", "ADA")
    assert (code, "pierhead users restore ada" in message) == (5, True)
    owner.do("users", "restore", "ada")
    assert owner.caller(token) is None
    assert owner.json("users", "show", "ada")["groups"] == []


def test_groups_are_made_filled_emptied_and_deleted(owner: Owner) -> None:
    owner.do("users", "create", "ada")
    owner.do("users", "create", "bob")
    owner.do("groups", "create", "risk", "--entitlement", "workspace-access")

    owner.do("groups", "add", "risk", "ada", "bob")
    owner.do("groups", "remove", "risk", "bob")
    owner.do("users", "add-group", "ada", "ml-leads")
    owner.do("users", "remove-group", "ada", "risk")

    groups = {group["name"]: group for group in owner.json("groups", "list")["groups"]}
    assert (groups["risk"]["members"], groups["risk"]["entitlements"]) == ([], ["workspace-access"])
    assert groups["ml-leads"]["members"] == ["ada"]
    assert owner.refused("groups", "add", "risk", "ada", "nobody")[0] == 3
    assert owner.json("users", "show", "ada")["groups"] == ["ml-leads"]
    owner.do("groups", "delete", "risk", "--yes")
    assert owner.refused("groups", "add", "risk", "ada")[0] == 3
    assert "built in" in owner.refused("groups", "delete", "ml-leads", "--yes")[1]
    assert owner.refused("groups", "create", "users")[0] == 5


def test_a_service_principal_acts_with_its_own_groups_and_its_owners_name(owner: Owner) -> None:
    owner.do("users", "create", "ada")
    application_id = owner.do("service-principals", "create", "ci", "--owner", "ada", "--group", "data-scientists")

    token = owner.do("tokens", "create", "--service-principal", "ci")
    caller = owner.caller(token)
    assert caller is not None
    assert (caller.user_name, caller.person, caller.groups) == ("ci", "ada", frozenset({"data-scientists"}))
    exports = owner.do("env", "--user", "ci")
    other = exports.split("DATABRICKS_TOKEN=")[1].splitlines()[0]
    assert owner.caller(other) == caller
    assert len(owner.json("tokens", "list", "--service-principal", application_id)["token_infos"]) == 2
    assert owner.json("users", "show", "ada")["service_principals"] == ["ci"]
    [listed] = owner.json("service-principals", "list")["service_principals"]
    assert (listed["user_name"], listed["owner"], listed["application_id"]) == ("ci", "ada", application_id)

    warned = owner.run("users", "delete", "ada", "--yes")
    assert "service-principals set-owner" in warned.stderr
    assert owner.caller(token) is None
    owner.do("service-principals", "set-owner", "ci", "admin")
    assert owner.caller(token) is not None
    owner.do("service-principals", "deactivate", "ci")
    assert owner.caller(token) is None
    owner.do("service-principals", "activate", "ci")
    owner.do("service-principals", "delete", "ci", "--yes")
    assert "service-principals restore ci" in owner.refused("service-principals", "create", "ci", "--owner", "admin")[1]
    owner.do("service-principals", "restore", "ci")
    assert owner.json("service-principals", "show", "ci")["active"] is True


def test_the_last_admin_cannot_go(owner: Owner) -> None:
    for words in (
        ("users", "delete", "admin", "--yes"),
        ("users", "deactivate", "admin"),
        ("users", "remove-group", "admin", "admins"),
        ("groups", "remove", "admins", "admin"),
    ):
        code, message = owner.refused(*words)
        assert (code, "last active admin" in message) == (5, True), words


def test_a_token_is_for_one_account(owner: Owner) -> None:
    assert owner.refused("tokens", "create")[0] == 2
    assert owner.refused("tokens", "create", "--user", "admin", "--service-principal", "x")[0] == 2
    assert owner.refused("tokens", "create", "--service-principal", "admin")[0] == 3
