"""An artifact is a folder with a network and with what a runtime must know to feed it."""

from pathlib import Path

import numpy as np
import onnxruntime

from pierhead.compile.domain.artifact import AnswerSpec, ColumnSpec, Feed, decode
from pierhead.compile.domain.program import Column
from pierhead.compile.emit.artifact import write_artifact
from pierhead.compile.extract.blocks import labelled, scalar
from pierhead.compile.extract.graph import Graph


def test_an_artifact_says_how_callers_columns_become_a_network_and_back(tmp_path: Path) -> None:
    graph = Graph([Column("age", "long"), Column("town", "string", required=False)])
    town = graph.input().features[1].vocabulary
    assert town is not None
    assert town.code_of("Bern") == 0
    graph.decline_unless_finite(graph.columns(graph.x(), [0]))
    is_old = graph.binary("less", [65.0], graph.columns(graph.x(), [0]))
    spec = write_artifact(graph.program(labelled(is_old, ["young", "old"])), tmp_path, "sha256:1", "pierhead 1")

    assert decode((tmp_path / "artifact.json").read_bytes()) == spec
    assert spec.columns == [ColumnSpec("age", "long"), ColumnSpec("town", "string", False, ["Bern"])]
    assert spec.feeds == [Feed("x", "float64", [0, 1])]
    assert spec.answers == [AnswerSpec("answer", "scalar", "label", ["young", "old"])]
    assert (spec.source, spec.made_by, spec.declines, spec.is_tensor) == ("sha256:1", "pierhead 1", "declined", False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(["answer"], {"x": np.array([[70.0, 0.0]])})[0], [[1.0]])


def test_a_program_that_declines_nothing_has_no_flag(tmp_path: Path) -> None:
    graph = Graph([Column(None, "double")], is_tensor=True)
    spec = write_artifact(graph.program(scalar(graph.x())), tmp_path, "sha256:1", "pierhead 1")
    assert spec.declines is None
    assert spec.is_tensor
