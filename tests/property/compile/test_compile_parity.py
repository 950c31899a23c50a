"""What always holds of requests and of differences, whatever the rows are."""

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pierhead.compile.domain.program import Column
from pierhead.compile.parity.cases import ABSENT, Case, Layout, one_row, parse, render
from pierhead.compile.parity.comparison import Given, Pair, compare, difference_of, differences
from pierhead.compile.parity.floats import floats_at, middle_of, ordinal

FLOATS = st.floats(allow_nan=False)
CELLS = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), FLOATS, st.text(max_size=5))


@st.composite
def tables(draw):
    """A layout, rows for it, a format that can carry them and an order of the columns."""
    width = draw(st.integers(1, 4))
    is_tensor = draw(st.booleans())
    names = [None] * width if is_tensor else draw(st.lists(st.text(), min_size=width, max_size=width, unique=True))
    layout = Layout(tuple(Column(name, "double") for name in names), is_tensor)
    rows = draw(st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=5))
    return layout, rows, draw(st.sampled_from(layout.forms)), draw(st.permutations(range(width)))


@given(tables())
def test_rows_come_back_out_of_every_format(table):
    layout, rows, form, order = table
    assert parse(layout, render(layout, rows, form, order)) == rows


@given(tables(), st.integers(0, 4))
def test_a_row_alone_is_the_same_row_in_the_same_format(table, at):
    layout, rows, form, order = table
    at %= len(rows)
    alone = one_row(render(layout, rows, form, order), at)
    assert list(json.loads(alone)) == [form]
    assert parse(layout, alone) == [rows[at]]


@given(tables(), st.integers(0, 3))
def test_an_absent_column_is_in_no_row(table, place):
    layout, rows, form, _ = table
    if not layout.is_named:
        return
    place %= len(layout.columns)
    lacking = [(*row[:place], ABSENT, *row[place + 1 :]) for row in rows]
    if len(layout.columns) == 1:
        return
    assert all(row[place] is ABSENT for row in parse(layout, render(layout, lacking, form)) or [()])


@given(st.binary())
def test_any_bytes_are_parsed_or_not_and_never_fail(body):
    layout = Layout((Column("a", "double"),))
    parse(layout, body)
    assert isinstance(one_row(body, 0), bytes)


@given(FLOATS, FLOATS, st.floats(0, 1e300))
def test_a_difference_is_symmetric_and_bounded(a, b, scale):
    here = difference_of(a, b, scale)
    assert 0.0 <= here <= 2.0
    assert here == difference_of(b, a, scale)
    assert (here == 0.0) or (a != b)


@given(st.floats(1e-290, 1e290), st.floats(1e-12, 0.5))
def test_a_difference_is_relative(a, share):
    assert math.isclose(difference_of(a, a * (1 - share), 0.0), share, rel_tol=1e-3)


@given(st.lists(st.one_of(FLOATS, st.lists(FLOATS, min_size=1, max_size=3), st.text(), st.integers()), max_size=20))
def test_an_answer_agrees_with_itself(rows):
    body = json.dumps({"predictions": rows}).encode()
    found = compare([Pair(Case("random", b"{}", len(rows)), Given(200, body), Given(200, body))])
    result = differences(found.rows, found.cases)
    assert (result.rows, result.worst, result.flips, result.ties, result.mismatches) == (len(rows), 0.0, 0, 0, 0)


@given(FLOATS.filter(math.isfinite), FLOATS.filter(math.isfinite))
def test_places_of_floats_keep_their_order(a, b):
    assert (ordinal(a) < ordinal(b)) == (a < b)
    assert floats_at(np.array([ordinal(a)]))[0] == a
    low, high = np.array([ordinal(min(a, b))]), np.array([ordinal(max(a, b))])
    middle = middle_of(low, high)
    assert low <= middle <= high
    assert middle < high or low == high
