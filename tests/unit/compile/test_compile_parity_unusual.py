"""Unusual values come in company first, and alone where that is not answered."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from pierhead.compile.domain.program import Column
from pierhead.compile.parity.cases import Case, Layout, Row, parse
from pierhead.compile.parity.comparison import Given, Pair
from pierhead.compile.parity.ordinary import Pools
from pierhead.compile.parity.unusual import Unusual

PEOPLE = Layout((Column("age", "double"), Column("visits", "long"), Column("town", "string", True, ("Oslo", "Bergen"))))
WIDE = Layout(tuple(Column(f"c{number}", "double") for number in range(60)))
ANSWER = Given(200, b'{"predictions": [1.0]}')
REFUSAL = Given(400, b"{}")

Accepts = Callable[[Sequence[Row]], bool]


def asked(layout: Layout, accepts: Accepts, declines: Accepts = lambda _: False) -> list[Pair]:
    """`accepts` the original's taste, `declines` the artifact's."""

    def ask(cases: Sequence[Case]) -> list[Pair]:
        pairs = []
        for case in cases:
            rows = parse(layout, case.body) or []
            declined = Given(0, b"odd", declined=True)
            compiled = declined if declines(rows) else ANSWER if accepts(rows) else REFUSAL
            pairs.append(Pair(case, ANSWER if accepts(rows) else REFUSAL, compiled))
        return pairs

    return Unusual(layout, Pools(layout, []), random.Random(0), ask).pairs()


def rows_of(layout: Layout, pairs: Sequence[Pair], most: int = 1000) -> list[Row]:
    return [row for pair in pairs if pair.case.rows <= most for row in parse(layout, pair.case.body) or ()]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_unusual_values_of_every_kind_of_column_are_asked() -> None:
    rows = rows_of(PEOPLE, asked(PEOPLE, lambda _: True))
    ages, visits, towns = ({json.dumps(row[place]) for row in rows} for place in range(3))
    assert {"null", "-0.0", "16777217", "Infinity", "-Infinity", "9007199254740993", "5e-324", '"abc"'} <= ages
    assert {"null", "2147483648", "9223372036854775808", "1.5", "true"} <= visits
    assert {"null", '""', '"Oslo "', '"OSLO"', json.dumps("‽ never seen ‽")} <= towns


def test_what_is_answered_in_company_is_asked_alone_by_a_sample() -> None:
    pairs = asked(WIDE, lambda _: True)
    assert 10 <= sum(pair.case.rows == 1 for pair in pairs) <= 40
    assert len(pairs) < 100
    assert len(rows_of(WIDE, pairs)) > 1000


def test_a_value_that_is_refused_everywhere_is_soon_left_alone() -> None:
    def takes_numbers(rows: Sequence[Row]) -> bool:
        return all(is_number(value) for row in rows for value in row)

    pairs = asked(WIDE, takes_numbers)
    words = [row for row in rows_of(WIDE, pairs, most=1) if "abc" in row]
    assert len(words) == 2
    assert len(pairs) < 200


def test_a_column_that_alone_takes_missing_values_is_found_among_many() -> None:
    def takes_one_gap(rows: Sequence[Row]) -> bool:
        return all(value is not None or place == 37 for row in rows for place, value in enumerate(row))

    alone = [
        pair
        for pair in asked(WIDE, takes_one_gap)
        if pair.original.is_answer and any(row[37] is None for row in parse(WIDE, pair.case.body) or ())
    ]
    assert len(alone) >= 1


def test_what_the_artifact_declines_in_company_is_compared_alone() -> None:
    def is_mixed(rows: Sequence[Row]) -> bool:
        return len(rows) > 1

    pairs = asked(PEOPLE, lambda _: True, is_mixed)
    compared = [row for pair in pairs if pair.compiled.is_answer for row in parse(PEOPLE, pair.case.body) or ()]
    assert {json.dumps(row[0]) for row in compared} >= {"null", "-0.0", "16777217", "Infinity", "5e-324"}


def test_the_same_seed_asks_the_same() -> None:
    first, second = (asked(PEOPLE, lambda _: True) for _ in range(2))
    assert [pair.case for pair in first] == [pair.case for pair in second]
