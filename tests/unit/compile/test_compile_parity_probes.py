import json
import random

import numpy as np
import pytest

from pierhead.compile.domain.program import Answer, Column, Node, Program
from pierhead.compile.domain.trees import TreeArrays
from pierhead.compile.emit.evaluate import evaluate
from pierhead.compile.parity.boundaries import encode, find_boundaries
from pierhead.compile.parity.cases import FORMS, Case, Layout, parse
from pierhead.compile.parity.comparison import Given, Pair, compare
from pierhead.compile.parity.golden import golden_rows
from pierhead.compile.parity.jumps import find_jumps
from pierhead.compile.parity.layouts import layout_of_example, layout_of_signature
from pierhead.compile.parity.ordinary import Pools
from pierhead.compile.parity.probes import Known, given_cases, odd_cases, random_cases, regrouped

PEOPLE = Layout(
    (
        Column("age", "double"),
        Column("visits", "long"),
        Column("town", "string", vocabulary=("Oslo", "Bergen")),
        Column("note", "string", required=False),
    )
)
ROWS = [(20.5, 1, "Oslo", "x"), (30.5, 2, "Bergen", "y")]


def pools(layout: Layout = PEOPLE, rows: list = ROWS) -> Pools:
    return Pools(layout, rows)


def test_random_rows_come_in_every_format_and_size_and_order():
    cases = random_cases(PEOPLE, pools(), random.Random(0), 3000)
    bodies = [json.loads(case.body) for case in cases]
    assert {form for body in bodies for form in body} == set(FORMS)
    assert sum(case.rows for case in cases) == 3000
    assert {1, 2, 100, 1000} <= {case.rows for case in cases}
    orders = {tuple(body["dataframe_split"]["columns"]) for body in bodies if "dataframe_split" in body}
    assert ("age", "visits", "town", "note") in orders
    assert len(orders) > 3


def test_the_same_seed_gives_the_same_requests():
    def made(seed: int) -> list[bytes]:
        draw = random.Random(seed)
        cases = random_cases(PEOPLE, pools(), draw, 100) + odd_cases(PEOPLE, pools(), draw)
        return [case.body for case in cases]

    assert made(3) == made(3)
    assert made(3) != made(4)


def test_every_category_and_every_missing_optional_column_is_asked():
    cases = odd_cases(PEOPLE, pools(), random.Random(0))
    rows = [row for case in cases for row in parse(PEOPLE, case.body) or ()]
    assert {row[2] for row in rows} >= {"Oslo", "Bergen"}
    assert any("ABSENT" in repr(row[3]) for row in rows)


def test_missing_numbers_come_back_at_random_and_missing_text_does_not():
    rows = [(None, 1, None, "x"), (2.5, 2, "Oslo", "y")]
    draw = random.Random(0)
    made = [pools(rows=rows).row(draw) for _ in range(200)]
    assert any(row[0] is None for row in made)
    assert all(isinstance(row[1], int) and isinstance(row[2], str) for row in made)


def test_unusual_rows_are_regrouped_into_company():
    cases = regrouped(PEOPLE, ROWS * 10, random.Random(0))
    assert {case.rows for case in cases} == {2, 20}


def test_the_example_is_asked_as_it_came_and_row_by_row():
    example = b'{"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}, "params": {"k": 1}}'
    cases = given_cases(Known(example, [b'{"inputs": {"a": [3]}}']))
    assert cases[0] == Case("example", example, 0)
    assert json.loads(cases[2].body) == {"dataframe_split": {"columns": ["a"], "data": [[2]]}, "params": {"k": 1}}
    assert cases[-1].kind == "logged"


@pytest.mark.parametrize(
    "inputs",
    [
        [{"type": "datetime", "name": "at"}],
        [{"type": "object", "name": "o", "properties": {}}],
        [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2, 3]}}],
        [{"type": "tensor", "name": "x", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}],
        [],
    ],
    ids=["datetime", "object", "cube", "named-tensor", "nothing"],
)
def test_rows_of_other_than_plain_values_have_no_layout(inputs):
    assert layout_of_signature(inputs) is None


def test_without_a_signature_the_example_tells_the_columns():
    layout = layout_of_example(b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, true], [2, null]]}}')
    assert layout is not None
    assert [(column.name, column.kind) for column in layout.columns] == [("a", "long"), ("b", "boolean")]
    assert layout_of_example(b'{"inputs": [1, 2]}') is None


def scaled_tree(thresholds: list[float]) -> Program:
    """One split for each threshold on (a - 7) / 3, rounded to single precision; column b plays no part in it."""
    count = len(thresholds)
    arrays = TreeArrays(
        feature=np.zeros(count, dtype=np.int64),
        threshold=np.array(thresholds),
        mode=np.zeros(count, dtype=np.uint8),
        left=-1 - 2 * np.arange(count, dtype=np.int64),
        right=-2 - 2 * np.arange(count, dtype=np.int64),
        nan_left=np.zeros(count, dtype=np.bool_),
        roots=np.arange(count, dtype=np.int64),
        leaf_target=np.zeros(2 * count, dtype=np.int64),
        leaf_value=np.arange(2.0 * count),
        set_values=np.zeros(0, dtype=np.int64),
        set_starts=np.zeros(1, dtype=np.int64),
    )
    return Program(
        columns=(Column("a", "double"), Column("b", "double")),
        nodes=(
            Node("columns", ("x", "place"), "v0"),
            Node("sub", ("v0", "mean"), "v1"),
            Node("div", ("v1", "scale"), "v2"),
            Node("round32", ("v2",), "v3"),
            Node("trees", ("v3",), "v4", {"targets": 1}),
        ),
        constants={
            "place": np.array([0]),
            "mean": np.array([[7.0]]),
            "scale": np.array([[3.0]]),
            **arrays.named("v4"),
        },
        answer=Answer("v4", "scalar", "float64"),
    )


def test_thresholds_behind_preprocessing_are_met_to_the_last_bit():
    program = scaled_tree([0.1, 1.7, -3.25])
    found = find_boundaries(program, [(5.0, 1.0), (9.0, 2.0)], evaluate, random.Random(0), 1000)
    assert len(found) == 3
    for boundary in found:
        assert boundary.place == 0
        assert boundary.above == np.nextafter(boundary.below, np.inf)
        below, above = evaluate(program, np.array([[boundary.below, 0.0], [boundary.above, 0.0]]))
        assert below != above
        assert {boundary.below, boundary.above} <= {row[0] for row in boundary.rows}


def test_many_thresholds_are_thinned_out():
    program = scaled_tree([float(number) for number in range(500)])
    found = find_boundaries(program, [(5.0, 1.0)], evaluate, random.Random(0), 140)
    assert len(found) == 20


def test_whole_numbers_beside_a_threshold_stay_whole():
    program = scaled_tree([0.1])
    whole = Program((Column("a", "long"), Column("b", "double")), program.nodes, program.constants, program.answer)
    [found] = find_boundaries(whole, [(5, 1.0)], evaluate, random.Random(0), 100)
    assert [row[0] for row in found.rows] == [7, 8, 6, 9]


def test_encoding_knows_missing_and_unknown_words():
    matrix = encode(PEOPLE.columns, [(None, 3, "Bergen", "z"), (1.5, True, None, None)])
    assert np.isnan(matrix[0, 0])
    assert matrix[0, 1:].tolist() == [3.0, 1.0, -1.0]
    assert matrix[1].tolist() == [1.5, 1.0, -2.0, -2.0]


def test_jumps_of_an_unknown_model_are_met_to_the_last_bit():
    layout = Layout((Column("a", "double"), Column("b", "string")))

    def steps(rows):
        return [float(row[0] > 0.3) for row in rows]

    rows = find_jumps(layout, Pools(layout, [(0.0, "x"), (1.0, "x")]), steps, random.Random(0), 40)
    values = {row[0] for row in rows}
    assert {0.3, float(np.nextafter(0.3, 1.0))} <= values


@pytest.mark.parametrize(("function", "most"), [(lambda x: x * 1.5, 20), (lambda x: float(x > 0.3), 35)])
def test_the_search_for_jumps_takes_few_requests_and_gives_up_where_everything_is_smooth(function, most):
    layout, asked = Layout((Column("a", "double"),)), []

    def answer(rows):
        asked.append(len(rows))
        return [function(row[0]) for row in rows]

    assert find_jumps(layout, Pools(layout, [(0.0,), (1.0,)]), answer, random.Random(0), 40)
    assert len(asked) <= most


def test_a_model_that_refuses_has_no_jumps():
    layout = Layout((Column("a", "double"),))
    assert find_jumps(layout, Pools(layout, [(0.0,), (1.0,)]), lambda _: None, random.Random(0), 10) == []


def test_golden_rows_are_sound_single_and_spread():
    def pair(kind: str, rows: int, wrong: int = -1) -> Pair:
        values = [float(number) for number in range(rows)]
        body = json.dumps({"inputs": [[value, kind] for value in values]}).encode()
        changed = [value + (at == wrong) for at, value in enumerate(values)]
        given = Given(200, json.dumps({"predictions": values}).encode())
        return Pair(Case(kind, body, rows), given, Given(200, json.dumps({"predictions": changed}).encode()))

    compared = compare([pair("random", 1000, wrong=0), pair("boundary", 30)])
    golden = golden_rows(compared.rows)
    assert 100 <= len(golden) <= 200
    kinds = [json.loads(str(row["request"]))["inputs"][0][1] for row in golden]
    assert kinds.count("boundary") >= 30
    for row in golden:
        [[value, kind]] = json.loads(str(row["request"]))["inputs"]
        assert row["predictions"] == [value]
        assert (value, kind) != (0.0, "random")
