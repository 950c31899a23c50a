"""Building a program: vocabularies, tables, curves, and the rows that get no answer."""

import numpy as np
import pytest

from harness.frame_parity import emitted
from pierhead.compile.domain.program import MISSING, UNKNOWN, Column, Matrix, Program
from pierhead.compile.emit.evaluate import declined, evaluate
from pierhead.compile.extract.blocks import Block, Value, labelled, vector
from pierhead.compile.extract.graph import Graph

RNG = np.random.default_rng(0)


def plain(width: int) -> Graph:
    return Graph([Column(None, "double")] * width, is_tensor=True)


def words(*names: str) -> tuple[Graph, Block]:
    graph = Graph([Column(name, "string") for name in names])
    return graph, graph.input()


def answers(program: Program, x: Matrix) -> Matrix:
    """Of the evaluator; the network's must be the same."""
    value, is_declined = emitted(program, x)
    np.testing.assert_allclose(value, evaluate(program, x), rtol=1e-12)
    np.testing.assert_array_equal(is_declined, declined(program, x))
    return evaluate(program, x)


def test_a_vocabulary_that_grows_later_does_not_shift_a_table() -> None:
    graph, block = words("colour", "size")
    colours, sizes = (feature.vocabulary for feature in block.features)
    assert colours is not None
    assert sizes is not None
    tables = [{colours.code_of("red"): 1.5}, {sizes.code_of("L"): 7.0, sizes.code_of("XL"): 8.0}]
    found = graph.lookup(block, tables, [-1.0, np.nan])
    colours.code_of("blue")
    program = graph.program(vector(found))
    assert [column.vocabulary for column in program.columns] == [("red", "blue"), ("L", "XL")]
    x = np.array([[0, 1], [1, 0], [UNKNOWN, UNKNOWN], [MISSING, MISSING]])
    expected = [[1.5, 8.0], [-1.0, 7.0], [-1.0, np.nan], [-1.0, np.nan]]
    np.testing.assert_array_equal(answers(program, x), expected)


def test_edges_are_counted_as_numpy_searches_them() -> None:
    edges = np.array([[0.0, 1.0, 1.0, 2.5, 7.0], [-1.0, 3.0, np.nan, np.nan, np.nan], [np.nan] * 5])
    x = np.array([[-1, 0, 1, 2, 2.5, 8, np.nextafter(1, 0), np.inf, -np.inf]] * 3, dtype=np.float64).T
    graph = plain(3)
    counted = answers(graph.program(vector(graph.count_at_most(graph.x(), edges))), x)
    for column, row in enumerate(edges):
        known = row[~np.isnan(row)]
        np.testing.assert_array_equal(counted[:, column], np.searchsorted(known, x[:, column], side="right"))
    gap = answers(graph.program(vector(graph.count_at_most(graph.x(), edges))), np.full((1, 3), np.nan))
    np.testing.assert_array_equal(gap, [[0.0, 0.0, 0.0]])


def test_curves_are_followed_as_numpy_follows_them() -> None:
    curves = [
        (np.array([0.0, 1.0, 1.0, 3.0]), np.array([5.0, 6.0, 8.0, 7.0])),
        (np.array([-2.0, 2.0]), np.array([1.0, -1.0])),
    ]
    x = np.column_stack([np.linspace(-1, 4, 41), np.linspace(-3, 3, 41)])
    graph = plain(2)
    got = answers(graph.program(vector(graph.interpolated(graph.x(), curves))), x)
    for column, (places, heights) in enumerate(curves):
        np.testing.assert_allclose(got[:, column], np.interp(x[:, column], places, heights), rtol=1e-14)


def test_rows_with_gaps_or_infinities_are_declined_where_that_was_asked_for() -> None:
    graph = plain(2)
    graph.decline_unless_finite(graph.columns(graph.x(), [0]))
    graph.decline_infinite(graph.columns(graph.x(), [1]))
    program = graph.program(vector(graph.x()))
    x = np.array([[1, 1], [np.nan, 1], [np.inf, 1], [1, np.nan], [1, -np.inf]], dtype=np.float64)
    answers(program, x)
    np.testing.assert_array_equal(declined(program, x), [False, True, True, False, True])


def test_a_check_that_the_scores_imply_is_left_out() -> None:
    graph = plain(3)
    graph.decline_infinite(graph.x())
    filled = graph.where(graph.unary("is_nan", graph.x()), [1.0, 2.0, 3.0], graph.x())
    scaled = graph.div(graph.sub(filled, [1.0, 1.0, 1.0]), [2.0, 4.0, 8.0])
    graph.decline_unless_finite(scaled)
    program = graph.program(vector(graph.linear(scaled, np.ones((3, 1)))))
    assert "is_inf" not in [node.op for node in program.nodes]
    x = np.array([[1, 2, 3], [np.nan, 2, 3], [1, np.inf, 3], [-np.inf, np.inf, np.nan]])
    np.testing.assert_array_equal(declined(program, x), [False, False, True, True])


@pytest.mark.parametrize("factor", [0.0, np.inf, np.nan])
def test_a_check_is_kept_where_an_infinity_could_get_lost(factor: float) -> None:
    graph = plain(2)
    graph.decline_infinite(graph.x())
    scaled = graph.mul(graph.x(), [1.0, 2.0])
    capped = graph.where(graph.binary("less", scaled, [5.0]), scaled, [5.0])
    shrunk = graph.div(graph.x(), [1.0, factor])
    graph.decline_unless_finite(capped)
    program = graph.program(vector(graph.linear(graph.concat([capped, shrunk]), np.ones((4, 1)))))
    assert "is_inf" in [node.op for node in program.nodes]
    assert declined(program, np.array([[np.inf, 1.0], [1.0, np.inf]])).all()


def test_nothing_to_check_means_no_second_output() -> None:
    graph = plain(1)
    program = graph.program(vector(graph.x()))
    assert program.declines is None
    np.testing.assert_array_equal(answers(program, np.array([[np.nan], [3.0]])), [[np.nan], [3.0]])


def test_equal_constants_are_stored_once() -> None:
    graph = plain(2)
    first = graph.add(graph.x(), [1.0, 2.0])
    second = graph.mul(first, [1.0, 2.0])
    assert len(graph.program(vector(second)).constants) == 1


def test_labels_come_out_of_numpy() -> None:
    outcome = labelled(Value("v0", 1), np.array([True, False]))
    assert outcome.labels == (True, False)
    assert [type(label) for label in outcome.labels] == [bool, bool]
