"""Signed permissions, and the parts of a file."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pierhead.catalog.domain.transfers import (
    Action,
    Grant,
    GrantExpired,
    Part,
    UploadSession,
    check_parts,
    expiry,
    page_start,
    part_number,
    seal,
    session_id,
    unseal,
)
from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.web.caller import Caller

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = b"k" * 32
ADA = Caller("7", "ada", frozenset({"data-scientists", "ml-leads"}))
GRANT = Grant(Action.DOWNLOAD, "Models/a/b/c/1/model.pkl", 0, NOW + timedelta(minutes=5), ADA)


def test_a_sealed_grant_opens_as_it_was() -> None:
    assert unseal(seal(GRANT, KEY), KEY, Action.DOWNLOAD, NOW) == GRANT


def test_a_grant_opens_only_its_own_door() -> None:
    with pytest.raises(PermissionDenied, match="signed for download"):
        unseal(seal(GRANT, KEY), KEY, Action.UPLOAD, NOW)


def test_a_grant_ends() -> None:
    with pytest.raises(GrantExpired):
        unseal(seal(GRANT, KEY), KEY, Action.DOWNLOAD, GRANT.expires_at)


@pytest.mark.parametrize("word", ["", ".", "x.y", "é.é"])
def test_what_we_did_not_sign_opens_nothing(word: str) -> None:
    with pytest.raises(PermissionDenied, match="not valid"):
        unseal(word, KEY, Action.DOWNLOAD, NOW)


def test_a_grant_cannot_be_changed() -> None:
    other = seal(replace(GRANT, target="Models/a/b/c/2/model.pkl"), KEY).partition(".")[0]
    signature = seal(GRANT, KEY).partition(".")[2]

    with pytest.raises(PermissionDenied):
        unseal(f"{other}.{signature}", KEY, Action.DOWNLOAD, NOW)


def test_nobody_gets_more_than_an_hour() -> None:
    assert expiry(None, NOW) == NOW + timedelta(hours=1)
    assert expiry(NOW + timedelta(days=9), NOW) == NOW + timedelta(hours=1)
    assert expiry(NOW + timedelta(minutes=2), NOW) == NOW + timedelta(minutes=2)


def test_parts_are_put_in_order() -> None:
    first, second = Part(1, "aa"), Part(2, "bb")

    assert check_parts([second, first], [first, second, Part(3, "cc")]) == [first, second]


@pytest.mark.parametrize(
    ("claimed", "reason"),
    [
        ([], "empty"),
        ([Part(2, "bb")], "never uploaded"),
        ([Part(1, "zz")], "etag differs"),
        ([Part(1, "aa"), Part(1, "aa")], "twice"),
    ],
)
def test_a_file_is_made_only_of_parts_that_arrived_whole(claimed: list[Part], reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        check_parts(claimed, [Part(1, "aa")])


def test_as_many_parts_as_a_file_may_have_are_checked_at_once() -> None:
    parts = [Part(number, f"{number:064x}") for number in range(1, 10_001)]
    begin_s = time.process_time()

    assert check_parts(parts[::-1], parts) == parts

    assert time.process_time() - begin_s < 1


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_part_numbers_have_limits(number: int) -> None:
    with pytest.raises(InvalidArgument):
        part_number(number)


@pytest.mark.parametrize("token", ["", "../../etc", "a" * 31, "A" * 32, "a" * 33])
def test_a_strange_session_token_never_becomes_a_path(token: str) -> None:
    with pytest.raises(InvalidArgument):
        session_id(token)


def test_a_session_survives_as_text() -> None:
    session = UploadSession("a" * 32, "files", "Models/x", False, 17)

    assert UploadSession.from_json(session.to_json()) == session


def test_a_strange_page_token_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        page_start("%%%")
