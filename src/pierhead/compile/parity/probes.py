"""Which requests a compiled model is compared on."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pierhead.compile.parity.cases import ABSENT, Case, Layout, Row, one_row, parse, render
from pierhead.compile.parity.malformed import odd_requests
from pierhead.compile.parity.ordinary import Pools

_BATCHES = (1000, 100, 2)
_SINGLES = 8
_PAIRS = 3
_MOST_GIVEN = 200
_GIVEN_ALONE = 20
_MOST_COMPANIES = 12


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to start from: bodies of the example and of logged requests, and the rows they hold."""

    example: bytes | None
    logged: Sequence[bytes]

    def rows(self, layout: Layout, most: int = 2000) -> list[Row]:
        """Complete rows."""
        found: list[Row] = []
        for body in (*((self.example,) if self.example else ()), *self.logged):
            found += [row for row in parse(layout, body) or () if not any(value is ABSENT for value in row)]
            if len(found) >= most:
                break
        return found[:most]


def given_cases(known: Known) -> list[Case]:
    """The example and the logged requests as they came, whole and a few of their rows alone."""
    cases = []
    if known.example is not None:
        cases += _whole_and_first("example", known.example, 5)
    for place, body in enumerate(known.logged[:_MOST_GIVEN]):
        cases += _whole_and_first("logged", body, 1 if place < _GIVEN_ALONE else 0)
    return cases


def _whole_and_first(kind: str, body: bytes, most: int) -> list[Case]:
    cases = [Case(kind, body, 0)]
    for at in range(most):
        alone = one_row(body, at)
        if alone == body:
            break
        cases.append(Case(kind, alone, 1))
    return cases


def random_cases(layout: Layout, pools: Pools, draw: random.Random, rows: int) -> list[Case]:
    """Singles and batches of about `rows` rows in all formats, columns in any order."""
    made = [pools.row(draw) for _ in range(rows)]
    return list(_packed("random", layout, made, draw))


def boundary_cases(layout: Layout, rows: Sequence[Row], draw: random.Random) -> list[Case]:
    """Every row in a batch of its likes, some alone."""
    spread = draw.sample(list(rows), len(rows))
    return list(_packed("boundary", layout, spread, draw))


def _packed(kind: str, layout: Layout, rows: Sequence[Row], draw: random.Random) -> Iterator[Case]:
    """Cut into single rows, then pairs, then ever larger batches; the formats take turns."""
    sizes = [1] * min(_SINGLES, max(len(rows) // 10, 1)) + [2] * _PAIRS
    at, turn = 0, 0
    while at < len(rows):
        size = sizes[turn] if turn < len(sizes) else _BATCHES[1] if turn % 3 else _BATCHES[0]
        batch = rows[at : at + size]
        yield case_of(kind, layout, batch, turn, draw)
        at += len(batch)
        turn += 1


def case_of(kind: str, layout: Layout, rows: Sequence[Row], turn: int, draw: random.Random) -> Case:
    """One request; formats and orders of columns change with the turn."""
    form = layout.forms[turn % len(layout.forms)]
    order = list(range(len(layout.columns)))
    # With the columns in their own order, too: callers do that.
    if turn // len(layout.forms) % 3:
        draw.shuffle(order)
    return Case(kind, render(layout, rows, form, order), len(rows))


def odd_cases(layout: Layout, pools: Pools, draw: random.Random) -> list[Case]:
    """Missing columns; every category; odd requests."""
    cases = _missing_columns(layout, pools, draw)
    cases += _packed("special", layout, categories(layout, pools, draw), draw)
    return cases + odd_requests(layout, pools.row(draw))


def _missing_columns(layout: Layout, pools: Pools, draw: random.Random) -> list[Case]:
    if not layout.is_named:
        return []
    optional = [place for place, column in enumerate(layout.columns) if not column.required]
    groups = [[place] for place in optional[:20]] + ([optional] if len(optional) > 1 else [])
    cases = []
    for turn, group in enumerate(groups * len(layout.forms)):
        row = pools.row(draw)
        for place in group:
            row = changed(row, place, ABSENT)
        cases.append(case_of("special", layout, [row] * (1 + turn % 2), turn // max(len(groups), 1), draw))
    return cases


def categories(layout: Layout, pools: Pools, draw: random.Random, most: int = 2000) -> list[Row]:
    """Every known category of every text column once, bounded."""
    rows = [
        changed(pools.row(draw), place, word)
        for place, column in enumerate(layout.columns)
        for word in column.vocabulary
    ]
    return rows if len(rows) <= most else draw.sample(rows, most)


def changed(row: Row, place: int, value: Any) -> Row:
    return (*row[:place], value, *row[place + 1 :])


def regrouped(layout: Layout, accepted: Sequence[Row], draw: random.Random) -> list[Case]:
    """Unusual rows that were answered, now in company of each other."""
    spread = draw.sample(list(accepted), len(accepted))
    pairs = range(0, min(len(spread) - 1, 2 * _MOST_COMPANIES), 2)
    cases = [case_of("special", layout, spread[at : at + 2], turn, draw) for turn, at in enumerate(pairs)]
    for turn in range(len(layout.forms)):
        cases.append(case_of("special", layout, draw.sample(spread, min(len(spread), 100)), turn, draw))
    return [case for case in cases if case.rows > 1]
