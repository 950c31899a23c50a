"""The normal form of trees, its evaluator, and the network it becomes: one meaning."""

import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from pierhead.compile.domain.program import Column, NotCompilable, load_program
from pierhead.compile.domain.trees import LEQ, LT, MEMBER
from pierhead.compile.emit.evaluate import evaluate
from pierhead.compile.emit.network import emit
from pierhead.compile.extract import trees as trees_module
from pierhead.compile.extract.blocks import vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.trees import LEAF, Tree, add_trees, at_most_32, below, below_32

NUMBERS = 3
CODES = 2
WIDTH = NUMBERS + CODES
PLACES = np.array([-1.5, -1.0, -0.0, 0.0, 0.1, 0.5, 1.0, 2.0**24, 1e300, np.inf, -np.inf, np.nan])


def random_tree(rng: np.random.Generator, depth: int, width: int | None, target: int = 0) -> Tree:
    """All modes, thresholds out of `PLACES`, and sets of few and of many members."""
    feature, threshold, mode, left, right, sets = [], [], [], [], [], {}

    def grow(level: int) -> int:
        node = len(feature)
        is_leaf = level == 0 or rng.random() < 0.2
        column = int(rng.integers(WIDTH))
        asks = MEMBER if column >= NUMBERS else int(rng.choice([LEQ, LT]))
        feature.append(column)
        threshold.append(float(rng.choice(PLACES[:-1])))
        mode.append(asks)
        left.append(LEAF)
        right.append(LEAF)
        if is_leaf:
            return node
        if asks == MEMBER:
            sets[node] = rng.choice(300, size=rng.choice([0, 1, 3, 120]), replace=False)
        left[node] = grow(level - 1)
        right[node] = grow(level - 1)
        return node

    grow(depth)
    size = len(feature)
    return Tree(
        feature=np.array(feature),
        threshold=np.array(threshold),
        left=np.array(left),
        right=np.array(right),
        nan_left=rng.random(size) < 0.5,
        values=rng.normal(size=size if width is None else (size, width)),
        target=target,
        mode=np.array(mode, dtype=np.uint8),
        sets=sets,
    )


def by_hand(tree: Tree, row: NDArray[np.float64]) -> NDArray[np.float64]:
    node = 0
    while tree.left[node] != LEAF:
        value = row[tree.feature[node]]
        if np.isnan(value):
            goes_left = bool(tree.nan_left[node])
        elif tree.mode is not None and tree.mode[node] == MEMBER:
            goes_left = value in tree.sets[node]
        elif tree.mode is not None and tree.mode[node] == LT:
            goes_left = value < tree.threshold[node]
        else:
            goes_left = value <= tree.threshold[node]
        node = int(tree.left[node] if goes_left else tree.right[node])
    return tree.values[node]


def rows_of(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    codes = rng.choice([*range(300), -1.0, 1e6, np.nan, np.inf], size=(count, CODES))
    return np.hstack([rng.choice(PLACES, size=(count, NUMBERS)), codes])


def answers(trees: list[Tree], targets: int, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the evaluator and of the network."""
    graph = Graph([Column(None, "double")] * WIDTH, is_tensor=True)
    program = graph.program(vector(add_trees(graph, graph.x(), trees, targets)))
    session = onnxruntime.InferenceSession(emit(program).SerializeToString(), providers=["CPUExecutionProvider"])
    return evaluate(program, x), session.run(["answer"], {"x": x})[0]


@pytest.mark.parametrize("seed", range(8))
def test_evaluator_and_network_walk_trees_as_they_are_written(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trees = [random_tree(rng, depth=5, width=None, target=number % 3) for number in range(12)]
    x = rows_of(rng, 200)
    wanted = np.zeros((len(x), 3))
    for tree in trees:
        wanted[:, tree.target] += [by_hand(tree, row) for row in x]

    evaluated, emitted = answers(trees, 3, x)

    np.testing.assert_allclose(evaluated, wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(emitted, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [1, 7, 700])
def test_leaves_with_whole_rows_are_added_up(count: int) -> None:
    rng = np.random.default_rng(count)
    trees = [random_tree(rng, depth=3, width=4) for _ in range(count)]
    x = rows_of(rng, 50)
    wanted = np.array([sum(by_hand(tree, row) for tree in trees) for row in x])

    evaluated, emitted = answers(trees, 4, x)

    np.testing.assert_allclose(evaluated, wanted, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(emitted, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_sums_in_single_precision_are_those_of_adding_one_after_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grown = [random_tree(rng, depth=4, width=None, target=number % 2) for number in range(40)]
    trees = [replace(tree, values=tree.values * 10.0 ** rng.integers(-3, 8), mode=None, sets={}) for tree in grown]
    trees = [replace(tree, threshold=at_most_32(tree.threshold)) for tree in trees]
    x = rows_of(rng, 150)
    graph = Graph([Column(None, "double")] * WIDTH, is_tensor=True)
    program = graph.program(vector(add_trees(graph, graph.x(), trees, 2, [0.1, 1e6], is_single=True)))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(emit(program).SerializeToString(), options)

    wanted = np.tile(np.float32([0.1, 1e6]), (len(x), 1))
    for tree in trees:
        wanted[:, tree.target] += np.array([by_hand(tree, row) for row in x], dtype=np.float32)

    np.testing.assert_array_equal(evaluate(program, x), wanted.astype(np.float64))
    np.testing.assert_array_equal(session.run(["answer"], {"x": x})[0], wanted.astype(np.float64))


def test_trees_that_are_one_leaf_add_their_number_to_every_row() -> None:
    rng = np.random.default_rng(3)
    leaf = random_tree(rng, depth=0, width=None)
    grown = random_tree(rng, depth=4, width=None)
    x = rows_of(rng, 30)
    trees = [leaf, grown, leaf, leaf]

    evaluated, emitted = answers(trees, 1, x)

    wanted = np.array([[sum(by_hand(tree, row) for tree in trees)] for row in x])
    np.testing.assert_allclose(evaluated, wanted, rtol=1e-12)
    np.testing.assert_allclose(emitted, wanted, rtol=1e-12)


def test_a_chain_of_thousands_of_splits_is_walked_to_its_end() -> None:
    depth = 5000
    inner = np.arange(depth)
    chain = Tree(
        feature=np.zeros(2 * depth + 1, dtype=np.int64),
        threshold=np.concatenate([inner, np.zeros(depth + 1)]).astype(np.float64),
        left=np.concatenate([depth + inner, np.full(depth + 1, LEAF)]),
        right=np.concatenate([inner[1:], [2 * depth], np.full(depth + 1, LEAF)]),
        nan_left=np.zeros(2 * depth + 1, dtype=np.bool_),
        values=np.concatenate([np.zeros(depth), np.arange(depth + 1)]).astype(np.float64),
    )
    x = np.zeros((3, WIDTH))
    x[:, 0] = [0.0, 2500.5, 1e9]

    evaluated, emitted = answers([chain], 1, x)

    assert evaluated[:, 0].tolist() == emitted[:, 0].tolist() == [0.0, 2501.0, 5000.0]


def test_a_program_with_trees_survives_its_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    graph = Graph([Column(None, "double")] * WIDTH, is_tensor=True)
    trees = [random_tree(rng, depth=4, width=None) for _ in range(5)]
    program = graph.program(vector(add_trees(graph, graph.x(), trees, 1, [0.5])))
    x = rows_of(rng, 40)

    program.save(tmp_path)

    np.testing.assert_array_equal(evaluate(load_program(tmp_path), x), evaluate(program, x))


def test_the_examples_in_the_docstrings_hold() -> None:
    found = doctest.testmod(trees_module)
    assert found.attempted > 0
    assert found.failed == 0


def test_no_trees_add_nothing() -> None:
    evaluated, emitted = answers([], 2, rows_of(np.random.default_rng(0), 4))

    assert evaluated.tolist() == emitted.tolist() == [[0.0, 0.0]] * 4


def test_a_tree_that_asks_for_a_column_that_is_not_there_is_refused() -> None:
    graph = Graph([Column(None, "double")], is_tensor=True)
    tree = Tree(
        np.array([5, 0, 0]),
        np.zeros(3),
        np.array([1, LEAF, LEAF]),
        np.array([2, LEAF, LEAF]),
        np.zeros(3, bool),
        np.ones(3),
    )
    with pytest.raises(NotCompilable, match="column 5 of 1"):
        add_trees(graph, graph.x(), [tree])


SINGLES = np.concatenate(
    [
        np.float32([0.0, -0.0, 0.1, -0.1, 1.0, 3.4e38, -3.4e38, 1e-45, -1e-45, 1.2e-38, 16777216.0]),
        np.random.default_rng(0).normal(size=60).astype(np.float32) * 10.0 ** np.arange(-30, 30).astype(np.float32),
    ]
)


def neighbours(bound: float) -> list[float]:
    return [bound, np.nextafter(bound, -np.inf), np.nextafter(bound, np.inf), bound * 1.01 + 1e-46, bound * 0.99]


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_bound_on_doubles_does_what_rounding_to_single_precision_does() -> None:
    thresholds = np.concatenate([SINGLES.astype(np.float64), SINGLES * 1.00000003, [1e39, -1e39, np.inf, 0.3]])
    for threshold in thresholds:
        bound, strict = float(at_most_32(threshold)), float(below_32(threshold))
        for x in [*neighbours(bound), *neighbours(strict), *neighbours(float(threshold)), np.inf, -np.inf]:
            assert (x <= bound) == bool(np.float32(x) <= threshold), (threshold, x)
            assert (x <= strict) == bool(np.float32(x) < threshold), (threshold, x)


def test_a_strict_bound_is_the_next_number_below() -> None:
    for threshold in [0.0, 1.0, -1e300, 5e-324]:
        bound = float(below(threshold))
        for x in neighbours(bound) + neighbours(threshold):
            assert (x <= bound) == (x < threshold)
    with pytest.raises(NotCompilable, match="minus infinity"):
        below(-np.inf)
