"""An artifact is a folder with a network and with what a runtime must know to feed it."""

import json
from pathlib import Path

import numpy as np
import onnxruntime

from pierhead.compile.domain.artifact import AnswerSpec, ColumnSpec, Feed, decode
from pierhead.compile.domain.program import Column
from pierhead.compile.emit.artifact import write_artifact
from pierhead.compile.extract.blocks import labelled, scalar
from pierhead.compile.extract.graph import Graph
from pierhead.compile.runtime.artifact import Artifact
from pierhead.compile.runtime.declining import Declined
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.worker.scoring import Answer


def test_an_artifact_says_how_callers_columns_become_a_network_and_back(tmp_path: Path) -> None:
    graph = Graph([Column("age", "long"), Column("town", "string", required=False)])
    town = graph.input().features[1].vocabulary
    assert town is not None
    assert town.code_of("Bern") == 0
    graph.decline_unless_finite(graph.columns(graph.x(), [0]))
    is_old = graph.binary("less", [65.0], graph.columns(graph.x(), [0]))
    spec = write_artifact(graph.program(labelled(is_old, ["young", "old"])), tmp_path, "sha256:1", "pierhead 1")

    assert decode((tmp_path / "artifact.json").read_bytes()) == spec
    assert spec.columns == [ColumnSpec("age", "long"), ColumnSpec("town", "string", False, ["Bern"], is_used=False)]
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


def test_a_whole_number_beyond_doubles_is_plain_only_in_a_column_that_the_model_drops(tmp_path: Path) -> None:
    graph = Graph([Column("id", "long"), Column("age", "long")])
    graph.columns(graph.x(), [0])  # Nothing comes of it.
    spec = write_artifact(graph.program(scalar(graph.columns(graph.x(), [1]))), tmp_path, "sha256:1", "pierhead 1")
    assert [column.is_used for column in spec.columns] == [False, True]
    scorer = CompiledScorer(Artifact.load(tmp_path))

    def asked(id_: int, age: int) -> Answer | Declined:
        body = {"dataframe_records": [{"id": id_, "age": age}]}
        return scorer.score("application/json", json.dumps(body).encode())

    for large in (2**53 + 1, 2**63 - 1, -(2**63)):
        answer = asked(large, 7)
        assert isinstance(answer, Answer)
        assert answer.body == b'{"predictions": [7.0]}'
    assert isinstance(asked(2**63, 7), Declined)
    assert isinstance(asked(1, 2**53 + 1), Declined)


def test_all_columns_count_where_the_whole_row_is_looked_at(tmp_path: Path) -> None:
    graph = Graph([Column("id", "long"), Column("age", "long")])
    total = graph.row("row_sum", graph.x())
    spec = write_artifact(graph.program(scalar(total)), tmp_path, "sha256:1", "pierhead 1")
    assert all(column.is_used for column in spec.columns)
