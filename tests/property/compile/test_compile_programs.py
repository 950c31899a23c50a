"""Programs drawn at random answer the same by NumPy and by ONNX Runtime, and decline the same rows."""

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.frame_parity import emitted
from pierhead.compile.domain.program import Column, Matrix, Program
from pierhead.compile.emit.evaluate import declined, evaluate_all
from pierhead.compile.extract.blocks import Value, vector
from pierhead.compile.extract.graph import Graph

WIDTH = 3
SMOOTH = ["abs", "neg", "square", "relu", "sigmoid", "tanh", "sign", "round32", "is_nan", "is_inf", "not"]
COMBINED = ["add", "sub", "mul", "less", "less_equal", "equal", "and", "or"]

numbers = st.one_of(
    st.integers(-4, 4).map(float), st.sampled_from([0.1, -0.1, 1e-9, 1e6, -1e6, 16777217.0, np.nan, np.inf, -np.inf])
)
constants = st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0]), min_size=WIDTH, max_size=WIDTH)


class Drawing:
    """A program in the making; every value of it is three columns wide."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self.graph = Graph([Column(None, "double")] * WIDTH, is_tensor=True)
        self.values = [self.graph.x()]

    def extend(self) -> None:
        steps = [self._unary, self._binary, self._where, self._linear, self._moved, self._counted, self._row]
        self.values.append(self._data.draw(st.sampled_from(steps))())

    def check(self) -> None:
        self.graph.decline_unless_finite(self.value())
        self.graph.decline_infinite(self.value())

    def value(self) -> Value:
        return self._data.draw(st.sampled_from(self.values))

    def _operand(self) -> Any:
        return self._data.draw(st.one_of(st.sampled_from(self.values), constants))

    def _unary(self) -> Value:
        return self.graph.unary(self._data.draw(st.sampled_from(SMOOTH)), self.value())

    def _binary(self) -> Value:
        return self.graph.binary(self._data.draw(st.sampled_from(COMBINED)), self.value(), self._operand())

    def _where(self) -> Value:
        return self.graph.where(self.value(), self._operand(), self._operand())

    def _linear(self) -> Value:
        weights = np.array([self._data.draw(constants) for _ in range(WIDTH)])
        return self.graph.linear(self.value(), weights, self._data.draw(st.none() | constants))

    def _moved(self) -> Value:
        places = self._data.draw(st.lists(st.integers(0, 2 * WIDTH - 1), min_size=WIDTH, max_size=WIDTH))
        return self.graph.columns(self.graph.concat([self.value(), self.value()]), places)

    def _counted(self) -> Value:
        edges = np.sort(np.array([self._data.draw(constants) for _ in range(WIDTH)]), axis=1)
        places = self.graph.count_at_most(self.value(), edges)
        return self.graph.take(places, [np.arange(WIDTH + 1) * factor for factor in (1.0, -2.0, 0.5)])

    def _row(self) -> Value:
        one = self.graph.row("row_sum", self.value())
        return self.graph.add(one, self.graph.filled(1.0, one, WIDTH))


def drawn(data: st.DataObject) -> tuple[Program, Matrix]:
    drawing = Drawing(data)
    for _ in range(data.draw(st.integers(1, 8))):
        drawing.extend()
    for _ in range(data.draw(st.integers(0, 2))):
        drawing.check()
    rows = data.draw(st.lists(st.lists(numbers, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=6))
    return drawing.graph.program(vector(drawing.values[-1])), np.array(rows)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_program_means_the_same_to_numpy_and_to_onnx_runtime(data: st.DataObject) -> None:
    program, x = drawn(data)
    with np.errstate(all="ignore"):
        network, is_declined = emitted(program, x)
        values = evaluate_all(program, x)
        assert list(is_declined) == list(declined(program, x))
    # Sums of large numbers that cancel out are small in either order of adding, but not equal.
    largest = max((float(np.abs(value[np.isfinite(value)]).max(initial=0.0)) for value in values.values()), default=0.0)
    np.testing.assert_allclose(network, values[program.answer.value], rtol=1e-9, atol=1e-12 * min(largest, 1e200))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_leaving_out_checks_lets_no_row_through(data: st.DataObject) -> None:
    drawing = Drawing(data)
    for _ in range(data.draw(st.integers(1, 6))):
        drawing.extend()
    finite, not_infinite = drawing.value(), drawing.value()
    drawing.graph.decline_unless_finite(finite)
    drawing.graph.decline_infinite(not_infinite)
    rows = data.draw(st.lists(st.lists(numbers, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=6))
    x = np.array(rows)
    program = drawing.graph.program(vector(drawing.values[-1]))
    values = evaluate_all(program, x)
    must = ~np.isfinite(values[finite.name]).all(axis=1) | np.isinf(values[not_infinite.name]).any(axis=1)
    assert not np.any(must & ~declined(program, x))
