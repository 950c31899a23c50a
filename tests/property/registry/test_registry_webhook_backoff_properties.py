from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pierhead.registry.domain.backoff import (
    FEWEST_TRIES,
    FIRST_DELAY_S,
    LASTING,
    LONGEST_DELAY_S,
    delay_s,
    is_lasting,
    next_try,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
failures = st.integers(1, 10**9)
draws = st.floats(0, 1, exclude_max=True)


@given(failures, draws)
def test_a_delay_is_never_shorter_than_half_of_the_first_nor_longer_than_the_longest(count: int, draw: float) -> None:
    assert FIRST_DELAY_S / 2 <= delay_s(count, draw) <= LONGEST_DELAY_S
    assert NOW < next_try(count, NOW, draw) <= NOW + timedelta(seconds=LONGEST_DELAY_S)


@given(failures, draws)
def test_with_the_same_luck_one_more_failure_never_makes_it_sooner(count: int, draw: float) -> None:
    assert delay_s(count, draw) <= delay_s(count + 1, draw)


@given(failures, draws, draws)
def test_more_luck_makes_it_later(count: int, one: float, other: float) -> None:
    assert (delay_s(count, one) <= delay_s(count, other)) == (one <= other) or delay_s(count, one) == delay_s(
        count, other
    )


@given(draws)
def test_a_receiver_that_never_answers_is_given_up_after_a_day_and_within_25_hours(draw: float) -> None:
    now, count = NOW, 1
    while not is_lasting(count, NOW, now):
        now = next_try(count, now, draw)
        count += 1

    assert LASTING <= now - NOW <= LASTING + timedelta(hours=1)
    assert count > FEWEST_TRIES


@given(st.integers(1, FEWEST_TRIES - 1), st.integers(0, 1000))
def test_few_tries_are_never_enough_to_give_up(count: int, days: int) -> None:
    assert not is_lasting(count, NOW, NOW + timedelta(days=days))
