from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.clock import FixedClock
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.kit.db import Database, metadata, sqlite_url
from pierhead.kit.errors import AlreadyExists, NotFound, Unauthenticated


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path / "test.db"))
    metadata.create_all(database.engine)
    with database.transaction() as connection:
        Identities(connection, FixedClock()).set_up()
    yield database
    database.dispose()


def test_a_token_tells_whose_it_is(database: Database) -> None:
    clock = FixedClock()
    with database.transaction() as connection:
        identities = Identities(connection, clock)
        token = identities.create_token(identities.create_user("ada", frozenset({"ml-leads"})), "laptop")

    caller = Authenticator(database, clock)(token)

    assert (caller.user_name, caller.groups) == ("ada", {"ml-leads"})


def test_an_expired_token_opens_nothing(database: Database) -> None:
    clock = FixedClock()
    with database.transaction() as connection:
        identities = Identities(connection, clock)
        token = identities.create_token(identities.create_user("ada"), "laptop", timedelta(hours=1))
    clock.advance(3600)

    with pytest.raises(Unauthenticated):
        Authenticator(database, clock)(token)


def test_the_first_token_is_replaced_by_the_next_first_start(database: Database) -> None:
    clock = FixedClock()
    with database.transaction() as connection:
        old = Identities(connection, clock).create_admin()
    with database.transaction() as connection:
        new = Identities(connection, clock).create_admin()

    assert Authenticator(database, clock)(new).groups == {"admins"}
    with pytest.raises(Unauthenticated):
        Authenticator(database, clock)(old)


def test_tokens_are_not_kept_in_clear(database: Database, tmp_path: Path) -> None:
    with database.transaction() as connection:
        token = Identities(connection, FixedClock()).create_admin()

    assert not any(token.encode() in file.read_bytes() for file in tmp_path.glob("test.db*"))


def test_a_user_needs_a_free_name_and_known_groups(database: Database) -> None:
    with database.transaction() as connection:
        identities = Identities(connection, FixedClock())
        identities.create_user("ada")
        with pytest.raises(AlreadyExists, match="ada"):
            identities.create_user("ada")
        with pytest.raises(NotFound, match="ml-leads"):
            identities.create_user("bob", frozenset({"leads"}))


def test_gateways_learn_of_valid_tokens_alone_and_of_their_owners_groups(database: Database) -> None:
    clock = FixedClock()
    with database.transaction() as connection:
        identities = Identities(connection, clock)
        ada = identities.create_user("ada", frozenset({"ml-leads", "data-scientists"}))
        identities.create_token(ada, "short", timedelta(hours=1))
        identities.create_token(ada, "long", timedelta(hours=3))
        identities.create_token(identities.create_user("bob"), "for ever")
    clock.advance(2 * 3600)

    with database.reading() as connection:
        found = Identities(connection, clock).tokens.list_valid()

    assert {(token.comment, user.name, user.groups) for token, user in found} == {
        ("long", "ada", frozenset({"ml-leads", "data-scientists"})),
        ("for ever", "bob", frozenset()),
    }


def test_a_revoked_token_opens_nothing_and_the_users_others_go_on(database: Database) -> None:
    clock = FixedClock()
    with database.transaction() as connection:
        identities = Identities(connection, clock)
        ada = identities.create_user("ada")
        lost = identities.create_token(ada, "lost")
        kept = identities.create_token(ada, "kept")
        (token_id,) = (token.id for token, _ in identities.tokens.list_of(ada.id) if token.comment == "lost")
        identities.tokens.revoke(token_id)

    assert Authenticator(database, clock)(kept).user_name == "ada"
    with pytest.raises(Unauthenticated):
        Authenticator(database, clock)(lost)
    with database.reading() as connection:
        assert [token.comment for token, _ in Identities(connection, clock).tokens.list_valid()] == ["kept"]


def test_a_token_that_does_not_exist_cannot_be_revoked(database: Database) -> None:
    with database.transaction() as connection, pytest.raises(NotFound, match="pierhead tokens list"):
        Identities(connection, FixedClock()).tokens.revoke("0")


def test_a_listing_of_tokens_holds_expired_ones_and_can_be_of_one_user(database: Database) -> None:
    clock = FixedClock()
    with database.transaction() as connection:
        identities = Identities(connection, clock)
        ada = identities.create_user("ada", frozenset({"ml-leads"}))
        identities.create_token(ada, "short", timedelta(hours=1))
        clock.advance(2 * 3600)
        identities.create_token(identities.create_user("bob"), "long")

        assert [(token.comment, user.name) for token, user in identities.tokens.list_of()] == [
            ("short", "ada"),
            ("long", "bob"),
        ]
        assert [user for _, user in identities.tokens.list_of(ada.id)] == [ada]


def test_users_are_listed_by_name_with_their_groups(database: Database) -> None:
    with database.transaction() as connection:
        identities = Identities(connection, FixedClock())
        bob = identities.create_user("bob")
        ada = identities.create_user("ada", frozenset({"ml-leads"}))

        assert identities.accounts.list_all() == [ada, bob]
        assert [group.name for group in identities.groups.list_all()] == ["admins", "data-scientists", "ml-leads"]
