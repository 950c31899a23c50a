"""XGBoost answers the same when it is compiled: up to the last digit of its single precision, and no decision flips."""

from typing import Any

import numpy as np
import pytest
import xgboost

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

GAPS = tables(5, rows=500, missing=0.1)
Y = target(GAPS, 5)
TWO = classes(GAPS, 5, 2)
THREE = classes(GAPS, 5, 3)
NAMES = list("abcdefgh")
SMALL: dict[str, Any] = {"n_estimators": 12, "max_depth": 4, "random_state": 0}


def answers_alike(model: Any, want: str = "predict", rows: Any = GAPS) -> None:
    compiled_model = compiled(model, tensor(rows.shape[1]), want)
    probes = hard_rows(compiled_model.program, rows[:200], most=1200)
    if compiled_model.program.answer.dtype == "label":
        assert_equal_labels(compiled_model, model.predict, probes)
    else:
        assert_equal_answers(compiled_model, getattr(model, want), probes, relative=5e-7)


@pytest.mark.parametrize("want", ["predict", "predict_proba"])
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two classes", "three classes"])
@pytest.mark.parametrize("kind", [xgboost.XGBClassifier, xgboost.XGBRFClassifier])
def test_classifiers(kind: Any, y: np.ndarray, want: str) -> None:
    answers_alike(kind(**SMALL).fit(GAPS, y), want)


@pytest.mark.parametrize("want", ["predict", "predict_proba"])
def test_softmax_objective(want: str) -> None:
    answers_alike(xgboost.XGBClassifier(**SMALL, objective="multi:softmax").fit(GAPS, THREE), want)


@pytest.mark.parametrize("objective", ["binary:hinge", "binary:logitraw"])
def test_objectives_without_probabilities(objective: str) -> None:
    answers_alike(xgboost.XGBClassifier(**SMALL, objective=objective).fit(GAPS, TWO))


@pytest.mark.parametrize(
    "objective",
    [
        "count:poisson",
        "reg:absoluteerror",
        "reg:gamma",
        "reg:pseudohubererror",
        "reg:squarederror",
        "reg:squaredlogerror",
        "reg:tweedie",
    ],
)
def test_objectives_of_regressors(objective: str) -> None:
    answers_alike(xgboost.XGBRegressor(**SMALL, objective=objective).fit(GAPS, Y - Y.min() + 0.1))


def test_regression_of_shares() -> None:
    answers_alike(xgboost.XGBRegressor(**SMALL, objective="reg:logistic").fit(GAPS, TWO * 0.9 + 0.05))


def test_several_outputs() -> None:
    quantiles = xgboost.XGBRegressor(**SMALL, objective="reg:quantileerror", quantile_alpha=[0.1, 0.9])
    answers_alike(quantiles.fit(GAPS, Y))
    answers_alike(xgboost.XGBRegressor(**SMALL).fit(GAPS, np.column_stack([Y, -Y, Y**2])))


def test_dropped_trees_keep_their_weights() -> None:
    model = xgboost.XGBRegressor(n_estimators=25, max_depth=3, booster="dart", rate_drop=0.4, one_drop=1)
    answers_alike(model.fit(GAPS, Y))


def test_the_best_iteration_of_an_early_stop_counts() -> None:
    model = xgboost.XGBClassifier(n_estimators=300, max_depth=3, early_stopping_rounds=4)
    model.fit(GAPS[:250], THREE[:250], eval_set=[(GAPS[250:], THREE[250:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    answers_alike(model, "predict_proba")


@pytest.mark.parametrize("base", [None, 0.2])
def test_the_base_score_is_a_prediction(base: float | None) -> None:
    answers_alike(xgboost.XGBClassifier(n_estimators=2, base_score=base).fit(GAPS, TWO), "predict_proba")


def test_a_number_that_stands_for_missing() -> None:
    filled = np.where(np.isnan(GAPS), -999.5, GAPS)
    answers_alike(xgboost.XGBRegressor(**SMALL, missing=-999.5).fit(filled, Y), rows=filled)


@pytest.mark.parametrize("most_one_hot", [1, 100], ids=["sets", "single categories"])
def test_codes_of_categories(most_one_hot: int) -> None:
    rng = np.random.default_rng(0)
    x = GAPS.copy()
    x[:, 5] = rng.choice([*range(90), np.nan], size=len(x))
    kinds = ["q"] * 5 + ["c", "c", "c"]
    model = xgboost.XGBRegressor(
        **SMALL, enable_categorical=True, feature_types=kinds, max_cat_to_onehot=most_one_hot
    ).fit(x, Y + np.nan_to_num(x[:, 5]) % 4)
    answers_alike(model, rows=x)
    odd = x.copy()
    odd[:, 5] = rng.choice([-1.0, -0.5, 2.5, 90.0, 1e9, 3e9, np.nan], size=len(x))
    assert_equal_answers(compiled(model, tensor(8)), model.predict, odd, relative=5e-7)


def test_rankers() -> None:
    model = xgboost.XGBRanker(**SMALL).fit(GAPS, THREE, qid=np.repeat(np.arange(50), 10))
    answers_alike(model)


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "binary:logistic"},
        {"objective": "multi:softprob", "num_class": 3},
        {"objective": "multi:softmax", "num_class": 3},
        {"objective": "reg:squarederror", "num_parallel_tree": 3, "subsample": 0.6},
    ],
    ids=lambda parameters: parameters["objective"],
)
def test_plain_boosters(parameters: dict[str, Any]) -> None:
    y = THREE if "num_class" in parameters else TWO
    booster = xgboost.train({**parameters, "max_depth": 4}, xgboost.DMatrix(GAPS, y), 8)
    compiled_model = compiled(booster, tensor(8))
    rows = hard_rows(compiled_model.program, GAPS[:200], most=1200)
    original = lambda x: booster.predict(xgboost.DMatrix(x))  # noqa: E731
    assert_equal_answers(compiled_model, original, rows, relative=5e-7)


def test_columns_in_another_order_are_refused_as_the_library_refuses_them() -> None:
    import pandas

    model = xgboost.XGBRegressor(**SMALL).fit(pandas.DataFrame(GAPS, columns=NAMES), Y)
    with pytest.raises(NotCompilable, match="XGBoost raises"):
        compiled(model, frame(NAMES[::-1]))
    compiled(model, frame(NAMES))
    compiled(model, tensor(8))
    with pytest.raises(NotCompilable, match="gets an array"):
        compiled(model.get_booster(), tensor(8))


def test_pandas_categories_and_linear_boosters_are_refused() -> None:
    import pandas

    table = pandas.DataFrame({"a": pandas.Categorical(np.array(list("xyz"))[THREE]), "b": GAPS[:, 0]})
    model = xgboost.XGBRegressor(**SMALL, enable_categorical=True).fit(table, Y)
    with pytest.raises(NotCompilable, match="pandas categories"):
        compiled(model, frame(["a", "b"]))
    linear = xgboost.XGBRegressor(booster="gblinear", n_estimators=2).fit(np.nan_to_num(GAPS[:, :2]), Y)
    with pytest.raises(NotCompilable, match="gblinear"):
        compiled(linear, tensor(2))
