"""Who may wake up when the machine is nearly full."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pierhead.serving.domain.room import Resting, Space, Waking, settle

START = datetime(2026, 1, 1, tzinfo=UTC)
MIB = 1024**2


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def waking(key: str, mib: int, seconds: float = 0.0) -> Waking[str]:
    return Waking(key, mib * MIB, at(seconds))


def resting(key: str, mib: int, seconds: float = 0.0) -> Resting[str]:
    return Resting(key, mib * MIB, at(seconds))


def space(free: int, leaving: int = 0, starts: int = 100) -> Space:
    return Space(free * MIB, leaving * MIB, starts)


def test_what_fits_wakes_and_what_came_later_waits_with_the_numbers() -> None:
    found = settle([waking("late", 300, 2), waking("early", 300, 1)], [], space(500))
    assert found.to_sleep == frozenset()
    assert found.waiting == {"late": "no room for a worker of about 300 MiB: 200 MiB are free"}


def test_those_that_rest_longest_make_room_and_no_more_of_them_than_needed() -> None:
    beds = [resting("a", 200, 30), resting("b", 200, 10), resting("c", 200, 20)]
    found = settle([waking("x", 500)], beds, space(150))
    assert found.to_sleep == {"b", "c"}
    assert set(found.waiting) == {"x"}


def test_nobody_is_put_to_sleep_for_room_that_is_being_made() -> None:
    found = settle([waking("x", 300)], [resting("a", 400)], space(100, leaving=300))
    assert found.to_sleep == frozenset()
    assert set(found.waiting) == {"x"}


def test_nobody_is_put_to_sleep_for_one_that_does_not_fit_even_so_and_others_pass_it() -> None:
    found = settle([waking("huge", 2000, 0), waking("small", 90, 1)], [resting("a", 400)], space(100))
    assert found.to_sleep == frozenset()
    assert set(found.waiting) == {"huge"}


def test_one_that_waits_for_room_is_not_overtaken_for_ever() -> None:
    found = settle([waking("first", 300, 0), waking("second", 90, 1)], [resting("a", 400)], space(100))
    assert found.to_sleep == {"a"}
    assert set(found.waiting) == {"first", "second"}


def test_no_more_start_at_a_time_than_the_cores_can_take() -> None:
    found = settle([waking(f"{number:02}", 10, number) for number in range(12)], [], space(1000, starts=8))
    assert set(found.waiting) == {"08", "09", "10", "11"}
    assert "cores" in found.waiting["08"]


def test_who_is_called_goes_before_who_only_wants_to_show_that_it_can_run() -> None:
    new = Waking("new", 300 * MIB, at(0), is_called=False)
    assert set(settle([new, waking("called", 300, 5)], [], space(400)).waiting) == {"new"}


SIZES = st.integers(1, 1000)


@given(
    st.lists(st.tuples(SIZES, st.integers(0, 50)), max_size=12),
    st.lists(st.tuples(SIZES, st.integers(0, 50)), max_size=6),
    st.integers(-500, 2000),
    st.integers(0, 1000),
    st.integers(0, 8),
)
def test_the_machine_is_never_exceeded(
    callers: list[tuple[int, int]], beds: list[tuple[int, int]], free: int, leaving: int, starts: int
) -> None:
    wakings = [Waking(f"w{number}", size, at(since)) for number, (size, since) in enumerate(callers)]
    rests = [Resting(f"r{number}", size, at(since)) for number, (size, since) in enumerate(beds)]
    found = settle(wakings, rests, Space(free, leaving, starts))
    woken = [each for each in wakings if each.key not in found.waiting]
    assert sum(each.worker_bytes for each in woken) <= max(0, free)
    assert len(woken) <= starts
    # Whoever sleeps does so for somebody who waits, and rests at least as long as all who stay.
    stay = [each.since for each in rests if each.key not in found.to_sleep]
    assert all(each.since <= min(stay, default=each.since) for each in rests if each.key in found.to_sleep)
    assert found.waiting or not found.to_sleep
