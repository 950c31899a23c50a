"""Compiled models of tables beside the library itself: the evaluator and the network, on the same rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from pierhead.compile.domain.program import MISSING, UNKNOWN, Column, Matrix, Program
from pierhead.compile.emit.evaluate import declined, evaluate
from pierhead.compile.emit.network import emit
from pierhead.compile.extract.blocks import vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predict, transform

KINDS = {"float64": "double", "float32": "float", "int64": "long", "int32": "integer", "bool": "boolean"}

Table = Any
"""A DataFrame, or an array of numbers."""


def program_of(model: Any, like: Table, want: str = "predict") -> Program:
    """The program for a signature that fits this table."""
    if isinstance(like, pd.DataFrame):
        columns = [Column(str(name), KINDS.get(str(like[name].dtype), "string")) for name in like.columns]
    else:
        columns = [Column(None, KINDS[str(like.dtype)])] * like.shape[1]
    graph = Graph(columns, is_tensor=not isinstance(like, pd.DataFrame))
    if want == "transform":
        block = transform(graph, model, graph.input())
        return graph.program(vector(block.value, block.dtype))
    return graph.program(predict(graph, model, graph.input(), want))


def encoded(program: Program, rows: Table) -> Matrix:
    """The program's input for these rows."""
    if not isinstance(rows, pd.DataFrame):
        return np.asarray(rows, dtype=np.float64)
    return np.column_stack(
        [_cells(column, rows[name]) for name, column in zip(rows.columns, program.columns, strict=True)]
    )


def _cells(column: Column, cells: Any) -> NDArray[np.float64]:
    if column.kind != "string":
        return cells.to_numpy().astype(np.float64)
    codes = {word: code for code, word in enumerate(column.vocabulary)}
    return np.array([MISSING if pd.isna(cell) else codes.get(cell, UNKNOWN) for cell in cells], dtype=np.float64)


def emitted(program: Program, x: Matrix) -> tuple[Matrix, NDArray[np.bool_]]:
    """What ONNX Runtime answers, and which rows it declines."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(emit(program).SerializeToString(), options, ["CPUExecutionProvider"])
    outputs = session.run(None, {"x": x})
    return outputs[0], outputs[1][:, 0] != 0 if len(outputs) > 1 else np.zeros(len(x), dtype=np.bool_)


def rendered(program: Program, value: Matrix) -> Any:
    """The answer as the library would give it."""
    if program.answer.dtype == "label":
        return [program.answer.labels[int(place)] for place in value[:, 0]]
    return value[:, 0] if program.answer.shape == "scalar" else value


def assert_compiled(
    model: Any, rows: Table, want: str = "predict", *, relative: float = 1e-9, answers_declined: bool = False
) -> Program:
    """Both forms of the program answer as the model does, and the model raises for every row they decline.

    Numbers may differ by `relative` of themselves, or of a thousandth of the largest where they cancel out to near 0.
    `answers_declined`: rows may be declined though the model has an answer for them.
    """
    program = program_of(model, rows, want)
    x = encoded(program, rows)
    network, is_declined = emitted(program, x)
    np.testing.assert_array_equal(is_declined, declined(program, x))
    kept = ~is_declined
    assert kept.any(), "every row was declined"
    wanted = _dense(getattr(model, want)(rows[kept]))
    for value in (evaluate(program, x), network):
        _assert_same(rendered(program, value[kept]), wanted, relative)
    assert_dtype(program, wanted)
    if not answers_declined:
        assert_raises(model, want, [rows[place : place + 1] for place in np.flatnonzero(is_declined)[:20]])
    return program


def _dense(answer: Any) -> NDArray[Any]:
    array = np.asarray(answer.toarray() if hasattr(answer, "toarray") else answer)
    # Columns of several types side by side, which the next step makes numbers of.
    return array.astype(np.float64) if array.dtype == object and not isinstance(array.flat[0], str) else array


def _assert_same(got: Any, wanted: NDArray[Any], relative: float) -> None:
    if isinstance(got, list):
        assert got == wanted.tolist()
        return
    assert got.shape == wanted.shape
    largest = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
    np.testing.assert_allclose(got, wanted.astype(np.float64), rtol=relative, atol=relative * 1e-3 * largest)


def assert_dtype(program: Program, wanted: NDArray[Any]) -> None:
    kind = program.answer.dtype
    assert kind == "label" or kind == str(wanted.dtype) or (kind == "int64" and wanted.dtype.kind in "iu")


def assert_raises(model: Any, want: str, parts: Sequence[Any]) -> None:
    for part in parts:
        try:
            getattr(model, want)(part)
        except Exception:
            continue
        raise AssertionError(f"declined, and the original answers: {part}")
