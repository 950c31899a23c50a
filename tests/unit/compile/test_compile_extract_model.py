"""A model folder of MLflow becomes a program whose answers are those that MLflow's own server writes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema, TensorSpec
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from harness.frame_parity import encoded, rendered
from harness.mixed_tables import WORDS, amounts, levels, mixed, numbers, truths
from pierhead.compile.domain.program import Column, NotCompilable, load_program
from pierhead.compile.emit.evaluate import evaluate
from pierhead.compile.extract.model import columns_of, extract

pytestmark = [
    # MLflow's own words about itself.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


def logged(model: Any, folder: Path, like: Any, **options: Any) -> Any:
    """The folder loaded by `mlflow.pyfunc`."""
    signature = options.pop("signature", infer_signature(like, model.predict(like)))
    mlflow.sklearn.save_model(
        model, folder, signature=signature, serialization_format="cloudpickle", pip_requirements=[], **options
    )
    return mlflow.pyfunc.load_model(str(folder))


@pytest.mark.parametrize("want", ["predict", "predict_proba"])
def test_the_method_that_was_logged_is_compiled(tmp_path: Path, want: str) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers(), levels())
    loaded = logged(model, tmp_path / "model", numbers(), pyfunc_predict_fn=want)
    program = extract(tmp_path / "model", loaded)
    got = rendered(program, evaluate(program, encoded(program, numbers())))
    wanted = loaded.predict(numbers())
    assert got == wanted.tolist() if want == "predict" else np.allclose(got, wanted, rtol=1e-12)


def test_a_program_is_the_same_when_it_was_saved_and_read(tmp_path: Path) -> None:
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(mixed()[WORDS], truths())
    program = extract(tmp_path / "model", logged(model, tmp_path / "model", mixed()[WORDS]))
    program.save(tmp_path / "program")
    read = load_program(tmp_path / "program")
    assert (read.columns, read.answer, read.declines) == (program.columns, program.answer, program.declines)
    assert [column.kind for column in read.columns] == ["string", "string"]
    x = encoded(program, mixed()[WORDS])
    np.testing.assert_array_equal(evaluate(read, x), evaluate(program, x))


@pytest.mark.parametrize(("dtype", "kind"), [("float64", "double"), ("float32", "float"), ("int64", "long")])
def test_rows_of_numbers_are_a_tensor(tmp_path: Path, dtype: str, kind: str) -> None:
    rows = numbers()[["a", "b", "d"]].to_numpy().astype(dtype)
    loaded = logged(Ridge().fit(rows, amounts()), tmp_path / "model", rows)
    program = extract(tmp_path / "model", loaded)
    assert program.is_tensor
    assert program.columns == (Column(None, kind),) * 3
    np.testing.assert_allclose(evaluate(program, rows.astype(np.float64))[:, 0], loaded.predict(rows), rtol=1e-5)


def test_a_model_without_a_signature_is_refused(tmp_path: Path) -> None:
    loaded = logged(Ridge().fit(numbers(), amounts()), tmp_path / "model", numbers(), signature=False)
    with pytest.raises(NotCompilable, match="no signature"):
        extract(tmp_path / "model", loaded)


def test_a_python_function_is_refused() -> None:
    metadata = SimpleNamespace(flavors={"python_function": {"loader_module": "mlflow.pyfunc.model"}})
    with pytest.raises(NotCompilable, match="code of its own"):
        extract(Path("model"), SimpleNamespace(metadata=metadata))


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (Schema([ColSpec("datetime", "when")]), "'when' of the signature is of type datetime"),
        (Schema([ColSpec("binary", "photo")]), "'photo' of the signature is of type binary"),
        (Schema([ColSpec("double")]), "without names"),
        (Schema([TensorSpec(np.dtype("float64"), (-1, 2), "a")]), "tensors with names"),
        (Schema([TensorSpec(np.dtype("float64"), (-1, 2, 2))]), "not rows of a known length"),
        (Schema([TensorSpec(np.dtype("float64"), (-1, -1))]), "not rows of a known length"),
        (Schema([TensorSpec(np.dtype("uint8"), (-1, 2))]), "tensor of uint8"),
    ],
    ids=["date", "bytes", "nameless", "named tensor", "cube", "any width", "small numbers"],
)
def test_inputs_that_no_program_can_take_are_named(schema: Schema, reason: str) -> None:
    with pytest.raises(NotCompilable, match=reason):
        columns_of(schema)


def test_columns_keep_their_order_and_whether_they_may_lack() -> None:
    schema = ModelSignature(Schema([ColSpec("string", "s"), ColSpec("integer", "i", required=False)])).inputs
    assert columns_of(schema) == ([Column("s", "string"), Column("i", "integer", required=False)], False)
