from datetime import UTC, datetime

import pytest

from pierhead.identity.domain.accounts import Account, is_last_admin
from pierhead.identity.domain.names import check_application_id, check_entitlements, check_name, fold
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import PrincipalKind

USER, PROGRAM = PrincipalKind.USER, PrincipalKind.SERVICE_PRINCIPAL


def account(name: str, kind: PrincipalKind = USER, *, is_active: bool = True) -> Account:
    return Account(name, name, kind, is_active, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_last_admin_is_the_only_active_human_among_them() -> None:
    ada, bob = account("ada"), account("bob")

    assert is_last_admin(ada, [ada])
    assert is_last_admin(ada, [ada, account("bob", is_active=False), account("bot", PROGRAM)])
    assert not is_last_admin(ada, [ada, bob])
    assert not is_last_admin(bob, [ada])
    assert not is_last_admin(account("bot", PROGRAM), [ada, account("bot", PROGRAM)])


def test_names_are_alike_however_they_are_written() -> None:
    assert fold("ÄDA") == fold("äda") == fold("A\u0308DA")


@pytest.mark.parametrize("name", ["", " ada", "ada ", "a\nb", "a\u200bb", "a" * 256])
def test_a_name_can_be_seen_whole(name: str) -> None:
    with pytest.raises(InvalidArgument, match="name of a user"):
        check_name("user", name)


def test_entitlements_are_words_and_application_ids_are_uuids() -> None:
    assert check_entitlements(frozenset({"workspace-access"}))
    with pytest.raises(InvalidArgument, match="'two words'"):
        check_entitlements(frozenset({"two words"}))
    assert check_application_id("12345678123456781234567812345678") == "12345678-1234-5678-1234-567812345678"
    with pytest.raises(InvalidArgument, match="UUID"):
        check_application_id("me")
