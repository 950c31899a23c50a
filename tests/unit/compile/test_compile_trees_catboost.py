"""CatBoost answers the same when it is compiled."""

from typing import Any

import numpy as np
import pandas
import pytest

from harness.tree_parity import (
    assert_equal_answers,
    assert_equal_labels,
    classes,
    compiled,
    frame,
    hard_rows,
    tables,
    target,
    tensor,
)
from pierhead.compile.domain.program import NotCompilable

catboost = pytest.importorskip("catboost", reason="catboost is not installed")

GAPS = tables(7, rows=400, missing=0.1)
Y = target(GAPS, 7)
TWO = np.array(["no", "yes"])[classes(GAPS, 7, 2)]
THREE = classes(GAPS, 7, 3)
NAMES = list("abcdefgh")
SMALL: dict[str, Any] = {
    "iterations": 15,
    "depth": 4,
    "verbose": 0,
    "allow_writing_files": False,
    "random_seed": 0,
    "thread_count": 1,
}


def answers_alike(model: Any, want: str = "predict", columns: Any = None) -> None:
    compiled_model = compiled(model, columns or tensor(8), want)
    rows = hard_rows(compiled_model.program, GAPS[:200], most=1200)
    if compiled_model.program.answer.dtype == "label":
        original = lambda x: np.asarray(model.predict(x)).reshape(-1)  # noqa: E731
        assert_equal_labels(compiled_model, original, rows, lambda x: model.predict(x, prediction_type="RawFormulaVal"))
    else:
        assert_equal_answers(compiled_model, getattr(model, want), rows, relative=1e-9, scale=1.0)


@pytest.mark.parametrize("want", ["predict", "predict_proba", "predict_log_proba"])
@pytest.mark.parametrize(
    ("y", "options"),
    [(TWO, {}), (THREE, {}), (THREE, {"loss_function": "MultiClassOneVsAll"}), (THREE == 1, {})],
    ids=["two classes", "three classes", "one against the others", "booleans"],
)
def test_classifiers(y: np.ndarray, options: dict[str, Any], want: str) -> None:
    answers_alike(catboost.CatBoostClassifier(**SMALL, **options).fit(GAPS, y), want)


@pytest.mark.parametrize("nan_mode", ["Min", "Max"])
@pytest.mark.parametrize("policy", ["SymmetricTree", "Depthwise", "Lossguide"])
def test_shapes_of_trees(policy: str, nan_mode: str) -> None:
    answers_alike(catboost.CatBoostRegressor(**SMALL, grow_policy=policy, nan_mode=nan_mode).fit(GAPS, Y))
    answers_alike(catboost.CatBoostClassifier(**SMALL, grow_policy=policy).fit(GAPS, THREE), "predict_proba")


@pytest.mark.parametrize(
    "loss", ["MAE", "Quantile:alpha=0.3", "Poisson", "Tweedie:variance_power=1.5", "LogLinQuantile", "MAPE"]
)
def test_losses_of_regressors(loss: str) -> None:
    answers_alike(catboost.CatBoostRegressor(**SMALL, loss_function=loss).fit(GAPS, Y - Y.min() + 1))


def test_several_targets() -> None:
    model = catboost.CatBoostRegressor(**SMALL, loss_function="MultiRMSE")
    answers_alike(model.fit(GAPS, np.column_stack([Y, -2 * Y])))


def test_labels_of_more_than_two_classes_are_lists_of_one() -> None:
    model = catboost.CatBoostClassifier(**SMALL).fit(GAPS, THREE)
    assert model.predict(GAPS).shape == (len(GAPS), 1)
    assert compiled(model, tensor(8)).program.answer.shape == "vector"


def test_columns_are_found_by_their_names_as_the_library_finds_them() -> None:
    table = pandas.DataFrame(GAPS, columns=NAMES)
    model = catboost.CatBoostRegressor(**SMALL).fit(table, Y)
    answers_alike(model, columns=tensor(8))
    turned = compiled(model, frame(NAMES[::-1]))
    original = lambda rows: model.predict(pandas.DataFrame(rows, columns=NAMES[::-1]))  # noqa: E731
    assert_equal_answers(turned, original, GAPS[:, ::-1].copy(), relative=1e-9)
    with pytest.raises(NotCompilable, match="'h'"):
        compiled(model, frame([*NAMES[:-1], "other"]))


def test_what_cannot_be_told_is_refused_with_the_reason() -> None:
    table = pandas.DataFrame({"a": np.array(list("xyz"))[THREE], "b": GAPS[:, 0]})
    with_text = catboost.CatBoostRegressor(**SMALL, cat_features=["a"]).fit(table, Y)
    with pytest.raises(NotCompilable, match="categorical features"):
        compiled(with_text, frame(["a", "b"]))
    unsure = catboost.CatBoostRegressor(**SMALL, loss_function="RMSEWithUncertainty").fit(GAPS, Y)
    with pytest.raises(NotCompilable, match="RMSEWithUncertainty"):
        compiled(unsure, tensor(8))
    strict = catboost.CatBoostClassifier(**SMALL).fit(GAPS, TWO)
    strict.set_probability_threshold(0.8)
    with pytest.raises(NotCompilable, match="threshold"):
        compiled(strict, tensor(8))
