"""Answers have MLflow's shape, and every number its value."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pierhead.compile.domain.artifact import AnswerSpec
from pierhead.compile.runtime.encoding import encoder_of


def told(answers: list[AnswerSpec], outputs: dict[str, Any], counts: list[int]) -> list[Any]:
    bodies = encoder_of(answers).bodies({name: np.asarray(value) for name, value in outputs.items()}, counts)
    return [json.loads(body) for body in bodies]


ALL_FLOATS = st.floats(width=64)


@given(
    values=arrays.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=ALL_FLOATS),
    cut=st.integers(0, 6),
)
def test_vectors_of_doubles_come_back_bit_by_bit(values: np.ndarray, cut: int) -> None:
    counts = [count for count in (min(cut, len(values)), len(values) - min(cut, len(values))) if count]
    found = told([AnswerSpec("y", "vector", "float64")], {"y": values}, counts)
    rows = [row for answer in found for row in answer["predictions"]]
    np.testing.assert_array_equal(np.array(rows, dtype=np.float64), values)
    assert [len(answer["predictions"]) for answer in found] == counts


@given(values=arrays.arrays(np.float64, st.integers(1, 6), elements=ALL_FLOATS))
def test_one_row_a_request_is_cut_right(values: np.ndarray) -> None:
    found = told([AnswerSpec("y", "scalar", "float64")], {"y": values.reshape(-1, 1)}, [1] * len(values))
    np.testing.assert_array_equal([answer["predictions"][0] for answer in found], values)


def test_nan_and_infinities_are_written_as_mlflow_writes_them() -> None:
    body = encoder_of([AnswerSpec("y", "scalar", "float64")]).bodies({"y": np.array([math.nan, math.inf])}, [2])
    assert body == [b'{"predictions": [NaN, Infinity]}']


def test_a_float32_is_told_as_the_double_of_its_value() -> None:
    [found] = told([AnswerSpec("y", "scalar", "float32")], {"y": np.array([0.1], dtype=np.float32)}, [1])
    assert found == {"predictions": [0.10000000149011612]}


@pytest.mark.parametrize(
    ("answer", "output", "wanted"),
    [
        (AnswerSpec("y", "scalar", "int64"), [[3.0], [-4.0]], [3, -4]),
        (AnswerSpec("y", "scalar", "bool"), [[1.0], [0.0]], [True, False]),
        (AnswerSpec("y", "scalar", "label", labels=["a,b", 'c"d']), [[1.0], [0.0]], ['c"d', "a,b"]),
        (AnswerSpec("y", "vector", "label", labels=[1, 2.5, True]), [[0.0, 1.0], [2.0, 0.0]], [[1, 2.5], [True, 1]]),
        (AnswerSpec("y", "scalar", "label"), np.array(["x", "y"], dtype=object), ["x", "y"]),
        (AnswerSpec("y", "vector", "float64", names=["p", "q"]), [[1.0, 2.0], [3.0, 4.0]],
         [{"p": 1.0, "q": 2.0}, {"p": 3.0, "q": 4.0}]),
    ],
    ids=["int64", "bool", "labels", "vectors of labels", "strings", "records"],
)  # fmt: skip
@pytest.mark.parametrize("counts", [[1, 1], [2]], ids=["apart", "together"])
def test_every_type_has_its_own_json(answer: AnswerSpec, output: Any, wanted: list[Any], counts: list[int]) -> None:
    found = [entry for part in told([answer], {"y": output}, counts) for entry in part["predictions"]]
    assert found == wanted
    assert [type(entry) for entry in found] == [type(entry) for entry in wanted]


@pytest.mark.parametrize(
    ("answer", "output", "said"),
    [
        (AnswerSpec("y", "scalar", "int64"), [math.nan], "missing or infinite"),
        (AnswerSpec("y", "scalar", "label", labels=["a"]), [1.0], "beyond the 1 labels"),
        (AnswerSpec("y", "vector", "float64", names=["p"]), [[1.0, 2.0]], "2 columns, not 1"),
    ],
    ids=["nan", "label", "names"],
)
def test_an_output_that_is_not_of_its_type_is_not_told(answer: AnswerSpec, output: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        told([answer], {"y": output}, [1])


def test_several_answers_without_names_have_no_shape() -> None:
    with pytest.raises(ValueError, match="need names"):
        encoder_of([AnswerSpec("y", "scalar", "float64"), AnswerSpec("z", "scalar", "float64")])
