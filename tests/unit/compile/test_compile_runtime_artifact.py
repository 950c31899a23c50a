"""What is no artifact, or not one for this runtime, is said before anything is served."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.compile.small_networks import telling

from pierhead.compile.runtime.artifact import Artifact, UnusableArtifact
from pierhead.compile.runtime.golden import prove
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.worker.proof import NotProved


def test_a_folder_without_an_artifact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableArtifact, match=r"artifact\.json cannot be read"):
        Artifact.load(tmp_path)


def test_a_network_that_does_not_load_is_refused(tmp_path: Path) -> None:
    telling(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(UnusableArtifact, match="cannot load it"):
        Artifact.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"minimum_runtime": "99.0"}, r"onnxruntime 99\.0 or newer"),
        ({"answers": []}, "names no answer"),
        ({"answers": [{"output": "other", "shape": "scalar", "dtype": "float64"}]}, "no output other"),
        ({"declines": "nothing"}, "no output nothing"),
        ({"columns": [{"name": "a", "kind": "datetime"}]}, "datetime"),
        ({"feeds": [{"input": "z", "dtype": "float64", "columns": [0]}]}, r"feeds \['z'\]"),
        ({"feeds": [{"input": "x", "dtype": "complex64", "columns": [0]}]}, "complex64"),
    ],
    ids=["format", "runtime", "no answer", "output", "declines", "kind", "input", "dtype"],
)
def test_a_specification_that_cannot_be_met_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    file = telling(tmp_path) / "artifact.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **changes}))
    with pytest.raises(UnusableArtifact, match=said):
        Artifact.load(tmp_path)


def golden(folder: Path, rows: Any) -> str:
    (folder / "golden.json").write_text(rows if isinstance(rows, str) else json.dumps(rows))
    return prove(CompiledScorer(Artifact.load(folder)), folder)


def row(number: float | None, wanted: Any) -> dict[str, Any]:
    request = {"dataframe_split": {"columns": ["a", "town"], "data": [[number, "Oslo"]]}}
    return {"request": json.dumps(request), "predictions": wanted}


def test_golden_rows_that_come_out_the_same_prove_an_artifact(tmp_path: Path) -> None:
    telling(tmp_path)
    assert golden(tmp_path, [row(1.5, [[1.5, 0.0]]), row(2, [[2.0000001, 0.0]])]) == ""


def test_near_zero_a_golden_row_is_judged_by_the_usual_size(tmp_path: Path) -> None:
    telling(tmp_path)
    usual = [row(1000.0, [[1000.0, 0.0]]), row(1001.0, [[1001.0, 0.0]])]
    assert golden(tmp_path, [*usual, row(1e-7, [[2e-7, 0.0]])]) == ""
    with pytest.raises(NotProved):
        golden(tmp_path, [*usual, row(1e-3, [[2e-3, 0.0]])])


def test_a_golden_row_that_is_declined_proves_nothing_and_is_no_fault(tmp_path: Path) -> None:
    telling(tmp_path)
    assert golden(tmp_path, [row(-1, [[7.0, 0.0]])]) == ""


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(1.5, [[1.5, 0.0]]), row(1.5, [[1.6, 0.0]])], "golden row 1 is not the original's"),
        ([row(1.5, [[1.5]])], "golden row 0 is not the original's"),
        ([{"request": "{}", "predictions": []}], "refuses golden row 0"),
        ("[{}]", "cannot be read"),
    ],
    ids=["number", "shape", "refused", "no rows"],
)
def test_an_artifact_whose_answers_differ_is_not_proved(tmp_path: Path, rows: Any, said: str) -> None:
    telling(tmp_path)
    with pytest.raises(NotProved, match=said):
        golden(tmp_path, rows)


def test_an_artifact_without_golden_rows_says_so(tmp_path: Path) -> None:
    assert prove(CompiledScorer(Artifact.load(telling(tmp_path))), tmp_path).startswith("not proved")
