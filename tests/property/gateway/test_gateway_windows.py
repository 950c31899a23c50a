"""Rate limits against a window that remembers every call."""

from hypothesis import given
from hypothesis import strategies as st

from pierhead.gateway.rate_limits import Window

gaps = st.lists(st.floats(0, 20) | st.floats(0, 200), max_size=150)


@given(st.integers(1, 8), gaps)
def test_no_minute_sees_more_than_the_limit_and_nobody_below_it_is_refused(calls: int, between: list[float]) -> None:
    window = Window()
    taken: list[float] = []
    now_s = 1000.0
    for gap_s in between:
        now_s += gap_s
        is_let_in = window.has_room(calls, int(now_s))
        lately = sum(int(now_s) - int(moment_s) < 60 for moment_s in taken)
        assert is_let_in == (lately < calls)
        if is_let_in:
            window.count()
            taken.append(now_s)


@given(st.integers(1, 5), gaps)
def test_who_comes_again_when_told_to_is_let_in(calls: int, between: list[float]) -> None:
    window = Window()
    now_s = 1000.0
    for gap_s in between:
        now_s += gap_s
        if not window.has_room(calls, int(now_s)):
            now_s += window.free_in_s(calls)
            assert window.has_room(calls, int(now_s))
        window.count()
