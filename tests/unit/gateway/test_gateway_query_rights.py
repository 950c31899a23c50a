"""Who may query an endpoint, as the snapshot tells it."""

import pytest

from pierhead.gateway.auth import refuse_query
from pierhead.gateway.http.answers import Refusal
from pierhead.serving.domain.snapshot import EndpointRoute, Principal, Snapshot, decode, encode

ADA = Principal("u1", "ada", ["data-scientists"])
EVE = Principal("u2", "eve", [])


def endpoint(groups: list[str] | None, *users: str) -> EndpointRoute:
    return EndpointRoute(
        "fraud",
        "e1",
        1,
        [],
        query_groups=None if groups is None else frozenset(groups),
        query_users=frozenset(users),
    )


@pytest.mark.parametrize(
    ("route", "caller", "may"),
    [
        (endpoint([]), ADA, False),
        (endpoint([], "u1"), ADA, True),
        (endpoint([], "ada"), ADA, False),
        (endpoint(["data-scientists"]), ADA, True),
        (endpoint(["ml-leads", "data-scientists"]), ADA, True),
        (endpoint(["ml-leads"]), ADA, False),
        (endpoint(["u1"]), ADA, False),
        (endpoint(["data-scientists"]), EVE, False),
        (endpoint(None), ADA, True),
        (endpoint(None), EVE, True),
    ],
)
def test_a_caller_may_query_by_name_or_by_group(route: EndpointRoute, caller: Principal, may: bool) -> None:
    assert (refuse_query(caller, route) is None) == may


def test_a_denial_names_the_caller_the_endpoint_and_what_is_missing() -> None:
    refusal = refuse_query(EVE, endpoint(["ml-leads"]))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (403, "PERMISSION_DENIED")
    assert refusal.message == (
        "'eve' may not query serving endpoint 'fraud': that takes CAN_QUERY on it; its owner or an admin can give it"
    )


def test_who_may_query_survives_encoding() -> None:
    snapshot = Snapshot(1, {}, {"fraud": endpoint(["b", "a"], "u1"), "open": endpoint(None)})
    assert decode(encode(snapshot)) == snapshot


def test_the_snapshot_of_an_older_release_names_nobody_and_is_for_everybody() -> None:
    old = (
        b'{"number":7,"principals":{},"endpoints":{"fraud":{"name":"fraud","endpoint_id":"e1","config_version":1,'
        b'"entities":[],"reason":"","capture":null,"timeout_s":null}}}'
    )
    route = decode(old).endpoints["fraud"]
    assert refuse_query(EVE, route) is None
