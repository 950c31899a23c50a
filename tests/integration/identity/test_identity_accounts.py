"""Who may come in, on SQLite and on Postgres."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text

from fakes.clock import FixedClock
from harness.revisions import upgrade_to
from pierhead.identity.domain.objects import Action, Kind, Model
from pierhead.identity.services.access import Access
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.kit import schema
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound, Unauthenticated
from pierhead.kit.web.caller import Caller, PrincipalKind
from pierhead.wiring.controller import principals

CLOCK = FixedClock()


@contextmanager
def opened(database: Database) -> Iterator[Identities]:
    with database.transaction() as connection:
        yield Identities(connection, CLOCK)


@pytest.fixture
def home(database: Database) -> Database:
    with opened(database) as identities:
        identities.set_up()
        identities.create_admin()
    return database


def test_a_caller_carries_kind_owner_and_all_entitlements_and_costs_one_query(home: Database) -> None:
    with opened(home) as identities:
        identities.create_user("ada")
        identities.groups.create("builders", entitlements=frozenset({"allow-cluster-create"}))
        groups = ("builders", "ml-leads")
        own = frozenset({"databricks-sql-access"})
        bot = identities.accounts.create_service_principal("bot", "ada", groups, entitlements=own)
        token = identities.create_token(bot, "ci")
    asked: list[str] = []
    event.listen(home.engine, "before_cursor_execute", lambda _c, _cur, statement, *_rest: asked.append(statement))

    caller = Authenticator(home, CLOCK)(token)

    assert caller == Caller(
        bot.id,
        "bot",
        frozenset(groups),
        PrincipalKind.SERVICE_PRINCIPAL,
        "ada",
        frozenset({"workspace-access", "allow-cluster-create", "databricks-sql-access"}),
    )
    assert caller.person == "ada"
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 1


def test_a_service_principal_comes_in_only_while_its_owner_may(home: Database) -> None:
    with opened(home) as identities:
        ada = identities.create_user("ada")
        bot = identities.accounts.create_service_principal("bot", "ada")
        token = identities.create_token(bot, "ci")

    def comes_in() -> bool:
        with home.reading() as connection:
            digests = {principal.user_name for principal in principals(connection, CLOCK).values()}
        try:
            name = Authenticator(home, CLOCK)(token).user_name
        except Unauthenticated:
            name = None
        assert (name in digests) is (name == "bot")
        assert ("bot" in digests) is (name == "bot")
        return name == "bot"

    assert comes_in()
    with opened(home) as identities:
        identities.accounts.deactivate(ada)
    assert not comes_in()
    with opened(home) as identities:
        with pytest.raises(InvalidState, match=r"owner 'ada'.*set-owner bot"):
            identities.create_token(bot, "another")
        identities.accounts.activate(ada)
    assert comes_in()
    with opened(home) as identities:
        identities.accounts.delete(ada)
    assert not comes_in()
    with opened(home) as identities:
        identities.accounts.set_owner(bot, "admin")
    assert comes_in()
    with opened(home) as identities:
        identities.accounts.deactivate(bot)
    assert not comes_in()


def test_only_an_active_user_answers_for_a_service_principal(home: Database) -> None:
    with opened(home) as identities:
        identities.accounts.deactivate(identities.create_user("ada"))
        bot = identities.accounts.create_service_principal("bot", "admin")
        with pytest.raises(InvalidArgument, match="'ada' is deactivated"):
            identities.accounts.create_service_principal("bot2", "ada")
        with pytest.raises(NotFound, match="user 'bot' does not exist"):
            identities.accounts.set_owner(bot, "bot")


def test_a_deactivated_user_is_out_at_once_and_comes_back_with_the_same_token(home: Database) -> None:
    with opened(home) as identities:
        ada = identities.create_user("ada")
        token = identities.create_token(ada, "laptop")
    with opened(home) as identities:
        identities.accounts.deactivate(ada)

    with pytest.raises(Unauthenticated):
        Authenticator(home, CLOCK)(token)
    with opened(home) as identities:
        with pytest.raises(InvalidState, match="activate ada"):
            identities.create_token(identities.get_user("ada"), "x")
        identities.accounts.activate(ada)
    assert Authenticator(home, CLOCK)(token).user_name == "ada"


def test_a_deleted_user_leaves_no_token_group_or_right_behind(home: Database) -> None:
    with opened(home) as identities:
        ada = identities.create_user("ada", frozenset({"ml-leads", "admins"}))
        token = identities.create_token(ada, "laptop")
        identities.accounts.delete(identities.get_user("ada"))
        restored = identities.accounts.restore("ADA", PrincipalKind.USER)
        assert identities.tokens.list_of(ada.id) == []

    assert (restored.name, restored.groups) == ("ada", frozenset())
    with pytest.raises(Unauthenticated):
        Authenticator(home, CLOCK)(token)
    with opened(home) as identities:
        with pytest.raises(InvalidState, match="not deleted"):
            identities.accounts.restore("ada", PrincipalKind.USER)
        with pytest.raises(NotFound, match="never a user 'bob'"):
            identities.accounts.restore("bob", PrincipalKind.USER)


def test_the_platforms_own_admin_stays_even_beside_another(home: Database) -> None:
    with opened(home) as identities:
        identities.create_user("ada", frozenset({"admins"}))
        admin = identities.get_user("admin")
        with pytest.raises(InvalidState, match="pierhead up"):
            identities.accounts.deactivate(admin)
        with pytest.raises(InvalidState, match="pierhead up"):
            identities.accounts.delete(admin)
        identities.accounts.leave(admin, "admins")
        assert identities.get_user("admin").groups == frozenset()


def test_two_admins_who_leave_at_the_same_moment_leave_one(home: Database) -> None:
    with opened(home) as identities:
        for name in ("ada", "bob"):
            identities.create_user(name, frozenset({"admins"}))
        identities.accounts.leave(identities.get_user("admin"), "admins")

    def leave(name: str) -> bool:
        with opened(home) as identities:
            try:
                identities.accounts.leave(identities.get_user(name), "admins")
            except InvalidState:
                return False
            return True

    with ThreadPoolExecutor(2) as threads:
        left = list(threads.map(leave, ["ada", "bob"]))

    assert sorted(left) == [False, True]


def test_a_group_made_anew_does_not_come_into_the_rights_of_the_old_one(home: Database) -> None:
    from pierhead.identity.domain.grantees import group as grantee
    from pierhead.identity.domain.levels import ROOT, Entry, Level
    from pierhead.identity.store.permissions import PermissionStore

    model = Model("1", "m", "somebody")
    with home.transaction() as connection:
        identities = Identities(connection, CLOCK)
        risk = identities.groups.create("risk")
        ada = identities.create_user("ada", frozenset({"risk"}))
        PermissionStore(connection).put([Entry(Kind.MODEL, ROOT, grantee("risk"), Level.CAN_MANAGE)])
        token = identities.create_token(ada, "laptop")
    with home.reading() as connection:
        assert Access(connection, Authenticator(home, CLOCK)(token)).may(Action.MANAGE, model)
    with opened(home) as identities:
        identities.groups.delete(risk)
        identities.groups.create("risk", member_ids=[ada.id])

    with home.reading() as connection:
        assert not Access(connection, Authenticator(home, CLOCK)(token)).may(Action.MANAGE, model)


def test_setting_up_again_changes_nothing_that_an_admin_changed(home: Database) -> None:
    with opened(home) as identities:
        leads = identities.groups.get("ml-leads")
        identities.groups.save(type(leads)(leads.id, leads.name), [])
        identities.set_up()
        assert identities.groups.get("ml-leads").entitlements == frozenset()


def test_identities_of_the_first_release_are_completed(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "old.db"))
    with database.transaction() as connection:
        upgrade_to(connection, "0001")
        for group in ("admins", "ml-leads", "data-scientists"):
            connection.execute(text("INSERT INTO groups (name) VALUES (:name)"), {"name": group})
        for number, name in enumerate(("Ada", "ada", "bob")):
            row = {"id": f"{number:032x}", "name": name, "at": number}
            connection.execute(text("INSERT INTO users VALUES (:id, :name, 1, :at)"), row)
            connection.execute(text("INSERT INTO memberships VALUES (:id, 'ml-leads')"), row)

    schema.migrate(database)
    with opened(database) as identities:
        identities.set_up()
        identities.set_up()

    with opened(database) as identities:
        users = identities.accounts.list_all()
        assert [(user.name, user.groups) for user in users] == [
            (name, frozenset({"ml-leads"})) for name in ("Ada", "ada", "bob")
        ]
        # Names that only case tells apart were allowed then: each is found as it is spelt.
        assert {name: identities.get_user(name).name for name in ("Ada", "ada", "BOB")} == {
            "Ada": "Ada",
            "ada": "ada",
            "BOB": "bob",
        }
        groups = identities.groups.list_all()
        assert all(group.id and group.entitlements == {"workspace-access"} for group in groups)
        caller = identities.authenticate(identities.create_token(identities.get_user("bob"), "x"))
        assert caller.entitlements == {"workspace-access"}
    database.dispose()
