"""When a compilation that broke is tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pierhead.compile.domain.compilations import Compilation, CompilationState, is_due_again, next_try

ENDED = datetime(2026, 1, 1, tzinfo=UTC)
BROKEN = Compilation("a" * 64, CompilationState.BROKEN, 1, ENDED, "ada", ENDED, "no network")


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 5), (3, 30), (4, None)])
def test_pauses_grow_and_end(attempts: int, minutes: int | None) -> None:
    due = next_try(replace(BROKEN, attempts=attempts))
    assert due == (None if minutes is None else ENDED + timedelta(minutes=minutes))


@pytest.mark.parametrize(("later_s", "is_due"), [(0, False), (59, False), (60, True), (1e6, True), (-1, True)])
def test_it_is_due_after_its_pause_and_when_the_clock_was_set_back(later_s: float, is_due: bool) -> None:
    assert is_due_again(BROKEN, ENDED + timedelta(seconds=later_s)) is is_due


@pytest.mark.parametrize("state", [state for state in CompilationState if state is not CompilationState.BROKEN])
def test_nothing_else_is_tried_again(state: CompilationState) -> None:
    assert not is_due_again(replace(BROKEN, state=state), ENDED + timedelta(days=1))
