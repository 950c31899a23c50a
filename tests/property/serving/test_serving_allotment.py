"""Buckets change hands only where shares shrink, and no more of them than must."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pierhead.serving.domain.allotment import Ranges, allot, in_order
from pierhead.serving.domain.shares import ALL_POINTS, whole_percents

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def shares(draw: st.DrawFn) -> dict[str, int]:
    """Some of the entities, in any order, with shares that add up to 10,000; some of nothing."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, ALL_POINTS), min_size=len(names) - 1, max_size=len(names) - 1)))
    edges = [0, *cuts, ALL_POINTS]
    return {name: edges[i + 1] - edges[i] for i, name in enumerate(names)}


def buckets(ranges: Ranges) -> set[int]:
    return {bucket for start, end in ranges for bucket in range(start, end)}


def history(changes: list[dict[str, int]]) -> list[dict[str, Ranges]]:
    allotments: list[dict[str, Ranges]] = [{}]
    for points in changes:
        allotments.append(allot(allotments[-1], points))
    return allotments


@given(st.lists(shares(), min_size=1, max_size=4))
def test_every_bucket_has_one_owner_and_every_entity_as_many_as_points(changes: list[dict[str, int]]) -> None:
    allotment = history(changes)[-1]
    assert {name: len(buckets(ranges)) for name, ranges in allotment.items()} == changes[-1]
    assert set().union(*map(buckets, allotment.values())) == set(range(ALL_POINTS))


@given(st.lists(shares(), min_size=2, max_size=4))
def test_who_grows_loses_nothing_and_who_shrinks_gets_nothing(changes: list[dict[str, int]]) -> None:
    *_, before, after = history(changes)
    for name, points in changes[-1].items():
        old, new = buckets(before.get(name, ())), buckets(after[name])
        assert old <= new if points >= len(old) else new < old


@given(st.lists(shares(), min_size=2, max_size=4))
def test_no_more_buckets_move_than_the_shares_changed_by(changes: list[dict[str, int]]) -> None:
    *_, before, after = history(changes)
    moved = sum(len(buckets(ranges) - buckets(before.get(name, ()))) for name, ranges in after.items())
    old = {name: len(buckets(ranges)) for name, ranges in before.items()}
    assert moved == sum(max(0, points - old.get(name, 0)) for name, points in changes[-1].items())


@given(st.lists(shares(), min_size=1, max_size=4))
def test_ranges_are_sorted_and_none_touches_the_next(changes: list[dict[str, int]]) -> None:
    for ranges in history(changes)[-1].values():
        edges = [edge for each in ranges for edge in each]
        assert all(earlier < later for earlier, later in pairwise(edges))


@given(shares())
def test_a_first_allotment_is_one_range_after_the_other(points: dict[str, int]) -> None:
    assert allot({}, points) == in_order(points)


@given(shares())
def test_whole_percents_add_up_to_100_and_are_off_by_less_than_one(points: dict[str, int]) -> None:
    percents = whole_percents(list(points.values()))
    assert sum(percents) == 100
    assert all(abs(percent - each / 100) < 1 for percent, each in zip(percents, points.values(), strict=True))
