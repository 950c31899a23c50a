"""Who may call how often."""

import pytest

from pierhead.gateway.http.answers import Refusal
from pierhead.gateway.limits import RateLimits
from pierhead.gateway.rate_limits import Window
from pierhead.serving.domain.snapshot import Principal, RateLimit

ADA = Principal("1", "ada", ["risk", "all"])
BOB = Principal("2", "bob", ["all"])
EVE = Principal("3", "eve", [])


def let_in(limits: RateLimits, caller: Principal, calls: int, now_s: float = 100.0) -> int:
    """How many of so many calls are let in."""
    bound = limits.bind(caller)
    return sum(bound is None or limits.refuse(bound, now_s) is None for _ in range(calls))


def refusal_of(limits: RateLimits, caller: Principal, now_s: float = 100.0) -> Refusal:
    bound = limits.bind(caller)
    assert bound is not None
    refusal = limits.refuse(bound, now_s)
    assert refusal is not None
    return refusal


def test_without_limits_nobody_is_counted() -> None:
    assert RateLimits("fraud", []).bind(ADA) is None


def test_the_endpoints_limit_is_for_all_callers_together() -> None:
    limits = RateLimits("fraud", [RateLimit(5, "endpoint")])

    assert (let_in(limits, ADA, 3), let_in(limits, BOB, 9)) == (3, 2)


def test_each_user_has_the_default_for_itself() -> None:
    limits = RateLimits("fraud", [RateLimit(2, "user")])

    assert (let_in(limits, ADA, 9), let_in(limits, BOB, 9)) == (2, 2)


def test_a_limit_that_names_the_user_goes_before_the_default_and_the_groups() -> None:
    limits = RateLimits("fraud", [RateLimit(2, "user"), RateLimit(3, "group", "risk"), RateLimit(7, "user", "ada")])

    assert let_in(limits, ADA, 9) == 7


def test_a_groups_members_share_its_limit_and_need_no_default() -> None:
    limits = RateLimits("fraud", [RateLimit(2, "user"), RateLimit(5, "group", "all")])

    assert (let_in(limits, ADA, 3), let_in(limits, BOB, 9), let_in(limits, EVE, 9)) == (3, 2, 2)


def test_room_in_any_group_of_a_caller_is_enough() -> None:
    limits = RateLimits("fraud", [RateLimit(2, "group", "risk"), RateLimit(3, "group", "all")])

    assert (let_in(limits, ADA, 9), let_in(limits, BOB, 9)) == (5, 0)


def test_a_limit_of_none_lets_nobody_in() -> None:
    assert let_in(RateLimits("fraud", [RateLimit(0, "endpoint")]), ADA, 3) == 0


def test_who_is_refused_by_one_limit_uses_up_no_other() -> None:
    limits = RateLimits("fraud", [RateLimit(3, "endpoint"), RateLimit(1, "user")])

    assert let_in(limits, ADA, 9) == 1
    assert let_in(limits, BOB, 1) == 1
    assert let_in(limits, EVE, 1) == 1


def test_a_refusal_names_the_limit_and_when_to_come_again() -> None:
    limits = RateLimits("fraud", [RateLimit(2, "endpoint"), RateLimit(9, "user", "ada")])
    let_in(limits, ADA, 2, now_s=100.0)

    refusal = refusal_of(limits, ADA, now_s=130.0)

    assert (refusal.status, refusal.code) == (429, "REQUEST_LIMIT_EXCEEDED")
    assert "takes 2 calls a minute from all callers together (rate limit by endpoint)" in refusal.message
    assert refusal.lines == b"retry-after: 30\r\n"
    let_in(limits, BOB, 1, now_s=160.0)
    assert let_in(limits, ADA, 9, now_s=160.0) == 1


def test_what_was_counted_stays_when_limits_change() -> None:
    limits = RateLimits("fraud", [RateLimit(5, "user")])
    let_in(limits, ADA, 4)

    limits.change([RateLimit(6, "user")], 100)

    assert let_in(limits, ADA, 9) == 2


def test_windows_of_callers_who_came_no_more_are_forgotten() -> None:
    limits = RateLimits("fraud", [RateLimit(5, "user")])
    for number in range(100):
        let_in(limits, Principal(str(number), f"user-{number}", []), 1)

    limits.change([RateLimit(5, "user")], 200)

    assert limits.totals(200) == {}
    assert not limits._windows


@pytest.mark.parametrize(("after_s", "room"), [(0, False), (59.9, False), (60.0, True)])
def test_a_call_counts_for_sixty_seconds_of_the_clock(after_s: float, room: bool) -> None:
    window = Window()
    assert window.has_room(1, 100)
    window.count()

    assert window.has_room(1, int(100 + after_s)) == room


def test_what_other_gateways_let_in_counts_too() -> None:
    here, there = (RateLimits("fraud", [RateLimit(5, "user")]) for _ in range(2))
    let_in(there, ADA, 3)

    here.hear(there.totals(100))

    assert (let_in(here, ADA, 9), let_in(here, BOB, 9)) == (2, 5)
    here.hear({})
    assert let_in(here, ADA, 9) == 3
