"""Every op means in ONNX Runtime what it means in NumPy, at the numbers where they like to differ."""

import numpy as np
import onnxruntime
import pytest

from harness.frame_parity import emitted
from pierhead.compile.domain.program import Answer, Column, Matrix, Node, NotCompilable, Program
from pierhead.compile.emit import elementwise
from pierhead.compile.emit.evaluate import evaluate, evaluate_all
from pierhead.compile.emit.network import emit

HARD = np.array([0.0, -0.0, 1e-300, -1e-17, 1e-9, 0.3, -0.3, 0.5, -0.5, 1.5, 2.5, -2.5, 19.0, -19.0, 40.0, -40.0])
EXTREME = np.array([700.0, -700.0, 1e16, -1e16, 2.0**53 + 2, 1e300, -1e300, np.inf, -np.inf, np.nan, 16777217.0])
COLUMN = np.concatenate([HARD, EXTREME])[:, np.newaxis]

UNARY = sorted(elementwise.OPS_OF_ONE)
BINARY = sorted(elementwise.OPS_OF_TWO)


def single(op: str, width: int, *inputs: str, **attributes: object) -> Program:
    node = Node(op, inputs or ("x",), "y", attributes)
    return Program((Column(None, "double"),) * width, (node,), {}, Answer("y", "vector", "float64"), is_tensor=True)


def assert_same_meaning(program: Program, x: Matrix, smallest: float = 1e-300) -> None:
    network, _ = emitted(program, x)
    np.testing.assert_allclose(network, evaluate(program, x), rtol=1e-13, atol=smallest)


@pytest.mark.parametrize("op", UNARY)
def test_an_op_of_one_number_means_the_same(op: str) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        assert_same_meaning(single(op, 1), COLUMN)


@pytest.mark.parametrize("op", BINARY)
def test_an_op_of_two_numbers_means_the_same(op: str) -> None:
    pairs = np.stack(np.meshgrid(COLUMN, COLUMN), axis=-1).reshape(-1, 2)
    columns = [Node("columns", ("x", name), name[0], {}) for name in ("a0", "b0")]
    nodes = (*columns, Node(op, ("a", "b"), "y", {}))
    constants = {"a0": np.array([0]), "b0": np.array([1])}
    program = Program((Column(None, "double"),) * 2, nodes, constants, Answer("y", "vector", "float64"))
    assert_same_meaning(program, pairs)


@pytest.mark.parametrize("op", ["argmax", "argmin", "row_max", "row_min", "row_sum", "softmax", "log_softmax"])
def test_an_op_of_a_row_means_the_same(op: str) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 6)) * [1, 10, 100, 1, 1, 0]
    rows[:5] = 3.0
    # Next to 0 the logarithm of a share is 1 minus the share, of which sixteen digits are known.
    assert_same_meaning(single(op, 6), rows, smallest=1e-15 if op == "log_softmax" else 1e-300)


def test_small_probabilities_keep_their_digits() -> None:
    x = np.array([[-30.0], [-100.0], [-700.0]])
    network, _ = emitted(single("sigmoid", 1), x)
    np.testing.assert_allclose(network, np.exp(x), rtol=1e-12)


def test_small_numbers_keep_their_digits_in_logarithms() -> None:
    x = np.array([[1e-20], [1e-9], [-1e-9], [0.49], [-0.49]])
    for op, expected in (("log1p", np.log1p(x)), ("expm1", np.expm1(x))):
        network, _ = emitted(single(op, 1), x)
        np.testing.assert_allclose(network, expected, rtol=1e-15)


def test_a_network_has_one_input_in_double_and_opsets_that_old_runtimes_know() -> None:
    model = emit(single("abs", 3))
    assert [(one.name, one.type.tensor_type.elem_type) for one in model.graph.input] == [("x", 11)]
    assert {opset.domain: opset.version for opset in model.opset_import} == {"": 21, "ai.onnx.ml": 5}
    assert model.ir_version == 10


def test_values_that_the_answer_does_not_need_are_not_emitted() -> None:
    nodes = (Node("exp", ("x",), "a", {}), Node("abs", ("x",), "y", {}))
    program = Program((Column(None, "double"),), nodes, {}, Answer("y", "vector", "float64"))
    assert [node.op_type for node in emit(program).graph.node] == ["Abs"]
    assert set(evaluate_all(program, np.ones((1, 1)))) == {"x", "a", "y"}


@pytest.mark.parametrize(("answer", "declines"), [("x", None), ("x", "x"), ("y", "y"), ("y", "x")])
def test_any_value_can_be_an_output(answer: str, declines: str | None) -> None:
    nodes = (Node("neg", ("x",), "y", {}),)
    program = Program(
        (Column(None, "double"),), nodes, {}, Answer(answer, "scalar", "float64"), is_tensor=True, declines=declines
    )
    model = emit(program)
    names = [output.name for output in model.graph.output]
    assert names == (["answer", "declined"] if declines else ["answer"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = dict(zip(names, session.run(None, {"x": np.array([[2.0]])}), strict=True))
    assert values["answer"][0, 0] == (2.0 if answer == "x" else -2.0)
    if declines:
        assert values["declined"][0, 0] == (2.0 if declines == "x" else -2.0)


def test_an_op_that_nobody_knows_is_refused() -> None:
    with pytest.raises(NotCompilable, match="'guess'"):
        emit(single("guess", 1))
    with pytest.raises(NotCompilable, match="'guess'"):
        evaluate(single("guess", 1), np.ones((1, 1)))
