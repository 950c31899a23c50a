"""Units and the entities that answer them: in proportion, always the same, and no unit lost to a growing route."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pierhead.gateway.assignment import Assignment, spans_of
from pierhead.serving.domain.buckets import BUCKETS, bucket_of, digest_of
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute, RampRoute

MANY = 1_000_000
UNLIKELY = 1e-6

weights = st.lists(st.integers(0, 100), min_size=1, max_size=10)
unit_keys = st.binary(min_size=1, max_size=40)
points = st.integers(0, BUCKETS)


def entities_of(given_weights: list[int]) -> list[EntityRoute]:
    return [
        EntityRoute(f"entity-{number}", str(number), "m", "1", weight, [])
        for number, weight in enumerate(given_weights)
    ]


def route_of(entities: list[EntityRoute], ramp: RampRoute | None = None) -> EndpointRoute:
    return EndpointRoute("fraud", "e1", 1, entities, ramp=ramp)


def ramped(share: int, given_weights: list[int]) -> Assignment:
    candidate = EntityRoute("candidate", "c", "m", "2", 0, [])
    return Assignment(route_of([*entities_of(given_weights), candidate], RampRoute("candidate", share, "ramp-1")))


def in_ranges(cuts: list[int]) -> list[EntityRoute]:
    """Entities with the ranges between these cuts, in turns."""
    edges = [0, *sorted(cuts), BUCKETS]
    ranges = list(pairwise(edges))
    return [
        EntityRoute(f"entity-{number}", str(number), "m", "1", 0, [], ranges=ranges[number::3]) for number in range(3)
    ]


@given(weights, unit_keys)
def test_only_an_entity_with_a_weight_gets_units(given_weights: list[int], unit: bytes) -> None:
    dealt = Assignment(route_of(entities_of(given_weights))).deal(unit)

    assert (dealt is None) == (sum(given_weights) == 0)
    assert dealt is None or given_weights[int(dealt.entity.removeprefix("entity-"))] > 0


@given(weights.filter(any))
def test_weights_become_ranges_without_a_gap(given_weights: list[int]) -> None:
    spans = spans_of(entities_of(given_weights))

    assert [start for start, _, _ in spans] == [0, *(end for _, end, _ in spans[:-1])]
    assert spans[-1][1] == BUCKETS
    for start, end, name in spans:
        share = given_weights[int(name.removeprefix("entity-"))] / sum(given_weights)
        assert abs((end - start) / BUCKETS - share) < 1 / BUCKETS


@given(points, points, weights.filter(any), unit_keys)
def test_a_growing_ramp_takes_no_unit_back(low: int, high: int, given_weights: list[int], unit: bytes) -> None:
    before, after = (ramped(share, given_weights).deal(unit) for share in sorted((low, high)))

    assert before is not None
    assert after is not None
    # Whoever had the candidate keeps it; of the others each has what it had, or the candidate.
    assert after.entity in (before.entity, "candidate")
    assert (before.bucket, before.digest) == (after.bucket, after.digest)


@given(st.integers(0, 100), st.integers(0, 100), unit_keys)
def test_a_growing_route_takes_no_unit_back(one: int, other: int, unit: bytes) -> None:
    low, high = sorted((one, other))
    before, after = (Assignment(route_of(entities_of([w, 100 - w]))).deal(unit) for w in (low, high))

    assert before is not None
    assert after is not None
    assert after.entity in (before.entity, "entity-0")


@given(st.lists(points, max_size=12), unit_keys)
def test_a_unit_belongs_to_whoever_has_its_bucket(cuts: list[int], unit: bytes) -> None:
    entities = in_ranges(cuts)
    bucket = bucket_of(unit, "e1")
    [owner] = [entity.name for entity in entities if any(start <= bucket < end for start, end in entity.ranges)]

    dealt = Assignment(route_of(entities)).deal(unit)

    assert dealt is not None
    assert dealt.entity == owner


@given(weights.filter(any), unit_keys)
def test_a_ramp_moves_nobody_but_to_its_candidate(given_weights: list[int], unit: bytes) -> None:
    without = Assignment(route_of(entities_of(given_weights))).deal(unit)
    beside = ramped(3000, given_weights).deal(unit)

    assert without is not None
    assert beside is not None
    assert beside.entity == ("candidate" if bucket_of(unit, "ramp-1") < 3000 else without.entity)


@given(unit_keys, st.text(st.characters(codec="utf-8"), max_size=80))
def test_a_bucket_follows_from_the_hash_that_is_on_record(unit: bytes, salt: str) -> None:
    assert bucket_of(unit, salt) == digest_of(unit, salt) % BUCKETS
    assert 0 <= digest_of(unit, salt) < 2**64


@pytest.mark.parametrize(
    ("unit", "salt", "digest"),
    [
        (b"card-17", "salt", 0x44DCEEDCE70761F7),
        (b"", "", 0xE4A6A0577479B2B4),
        (b"17", "e1", 0xF783860ABEFA9D5D),
        ("ä".encode(), "ö", 0x7B1E3D22F85FEC39),
        (b"17", "s" * 65, 0x926C4555FEEC907C),
    ],
    ids=["plain", "nothing", "a number", "letters", "a long salt"],
)
def test_every_process_of_every_release_finds_the_same_bucket(unit: bytes, salt: str, digest: int) -> None:
    assert digest_of(unit, salt) == digest


def test_a_million_units_are_dealt_out_in_proportion() -> None:
    buckets = np.fromiter((bucket_of(b"%d" % number, "e1") for number in range(MANY)), np.int64, MANY)

    counts = np.bincount(buckets, minlength=BUCKETS)
    assert stats.chisquare(counts).pvalue > UNLIKELY

    cuts = [49, 50, 1000, 7777]
    entities = in_ranges(cuts)
    spans = spans_of(entities)
    assert len(spans) == len(cuts) + 1
    shares = {name: sum(end - start for start, end, owner in spans if owner == name) for _, _, name in spans}
    found = {name: sum(int(counts[s:e].sum()) for s, e, owner in spans if owner == name) for name in shares}
    expected = [MANY * share / BUCKETS for share in shares.values()]
    assert stats.chisquare(list(found.values()), expected).pvalue > UNLIKELY
    # What was added up from buckets is what a gateway does with a unit.
    assignment = Assignment(route_of(entities))
    for number in range(0, MANY, 5003):
        dealt = assignment.deal(b"%d" % number)
        assert dealt is not None
        assert any(start <= buckets[number] < end for start, end, owner in spans if owner == dealt.entity)


def test_experiments_of_different_salts_know_nothing_of_each_other() -> None:
    keys = [b"%d" % number for number in range(60_000)]
    one, other = (np.array([bucket_of(key, salt) for key in keys]) * 8 // BUCKETS for salt in ("first", "second"))

    table = np.zeros((8, 8))
    np.add.at(table, (one, other), 1)

    assert stats.chi2_contingency(table).pvalue > UNLIKELY
