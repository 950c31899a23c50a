"""LightGBM answers the same when it is compiled."""

from typing import Any

import lightgbm
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

GAPS = tables(6, rows=500, missing=0.1)
Y = target(GAPS, 6)
TWO = classes(GAPS, 6, 2)
THREE = np.array(["low", "middle", "high"])[classes(GAPS, 6, 3)]
SMALL: dict[str, Any] = {"n_estimators": 12, "verbose": -1, "min_child_samples": 5, "random_state": 0, "num_threads": 1}
FOREST = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}


def answers_alike(model: Any, want: str = "predict", rows: Any = GAPS) -> None:
    compiled_model = compiled(model, tensor(rows.shape[1]), want)
    probes = hard_rows(compiled_model.program, rows[:200], most=1200)
    if compiled_model.program.answer.dtype == "label":
        assert_equal_labels(compiled_model, model.predict, probes, model.predict_proba)
    else:
        assert_equal_answers(compiled_model, getattr(model, want), probes, relative=1e-9, scale=1.0)


@pytest.mark.parametrize("want", ["predict", "predict_proba"])
@pytest.mark.parametrize(
    ("y", "options"),
    [
        (TWO, {}),
        (THREE, {}),
        (THREE, {"objective": "multiclassova"}),
        (TWO, {"sigmoid": 2.0}),
        (TWO, FOREST),
        (THREE, FOREST),
    ],
    ids=["two classes", "three classes", "one against the others", "steep sigmoid", "forest", "forest of three"],
)
def test_classifiers(y: np.ndarray, options: dict[str, Any], want: str) -> None:
    answers_alike(lightgbm.LGBMClassifier(**SMALL, **options).fit(GAPS, y), want)


@pytest.mark.parametrize(
    "objective",
    ["regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie"],
)
def test_objectives_of_regressors(objective: str) -> None:
    answers_alike(lightgbm.LGBMRegressor(**SMALL, objective=objective).fit(GAPS, Y - Y.min() + 0.1))


@pytest.mark.parametrize("objective", ["cross_entropy", "cross_entropy_lambda"])
def test_regression_of_shares(objective: str) -> None:
    answers_alike(lightgbm.LGBMRegressor(**SMALL, objective=objective).fit(GAPS, TWO * 0.9 + 0.05))


@pytest.mark.parametrize(
    "options",
    [{"reg_sqrt": True}, {"boosting_type": "dart"}, FOREST, {"use_missing": False}, {"boost_from_average": False}],
    ids=["square roots", "dropped trees", "forest", "no missing values", "from zero"],
)
def test_ways_of_boosting(options: dict[str, Any]) -> None:
    answers_alike(lightgbm.LGBMRegressor(**SMALL, **options).fit(GAPS, Y))


@pytest.mark.parametrize("zero_as_missing", [True, False])
def test_zeros_and_what_is_nearly_zero(zero_as_missing: bool) -> None:
    rng = np.random.default_rng(1)
    x = GAPS - np.nanmedian(GAPS, axis=0)
    x[rng.random(x.shape) < 0.3] = 0.0
    answers_alike(lightgbm.LGBMRegressor(**SMALL, zero_as_missing=zero_as_missing).fit(x, Y), rows=x)


@pytest.mark.filterwarnings("ignore:categorical_feature keyword has been found:UserWarning")
@pytest.mark.parametrize("most_one_hot", [1, 100], ids=["sets", "single categories"])
def test_codes_of_categories(most_one_hot: int) -> None:
    rng = np.random.default_rng(0)
    x = GAPS.copy()
    x[:, 5] = rng.choice([*range(90), np.nan], size=len(x))
    model = lightgbm.LGBMRegressor(
        **SMALL, categorical_feature=[5, 6, 7], max_cat_to_onehot=most_one_hot, min_data_per_group=1, cat_smooth=1
    ).fit(x, Y + np.nan_to_num(x[:, 5]) % 4)
    answers_alike(model, rows=x)
    odd = x.copy()
    odd[:, 5] = rng.choice([-1.0, -0.5, 0.5, 2.9, 90.0, 1e9, 3e9, np.nan, np.inf], size=len(x))
    assert_equal_answers(compiled(model, tensor(8)), model.predict, odd, relative=1e-9)


@pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")
def test_the_best_iteration_of_an_early_stop_counts() -> None:
    model = lightgbm.LGBMClassifier(**{**SMALL, "n_estimators": 300})
    stop = lightgbm.early_stopping(3, verbose=False)
    model.fit(GAPS[:250], THREE[:250], eval_set=[(GAPS[250:], THREE[250:])], callbacks=[stop])
    assert model.best_iteration_ < 300
    answers_alike(model, "predict_proba")


def test_a_booster_that_keeps_the_trees_after_its_best_iteration() -> None:
    parameters = {"verbose": -1, "num_threads": 1, "objective": "regression", "learning_rate": 0.3}
    data, check = lightgbm.Dataset(GAPS[:250], Y[:250]), lightgbm.Dataset(GAPS[250:], Y[250:])
    stop = lightgbm.early_stopping(5, verbose=False)
    model = lightgbm.train(parameters, data, 300, valid_sets=[check], callbacks=[stop], keep_training_booster=True)
    assert 0 < model.best_iteration < model.num_trees()
    answers_alike(model)


def test_trees_without_a_split() -> None:
    answers_alike(lightgbm.LGBMRegressor(**{**SMALL, "min_child_samples": 5000}).fit(GAPS, Y))


def test_arrays_of_whole_numbers_are_rounded_to_single_precision_as_the_library_does() -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(2**24, 2**24 + 300, size=(500, 2))
    model = lightgbm.LGBMRegressor(**SMALL).fit(x.astype(np.float64), np.sin(x[:, 0]) + x[:, 1] % 7)
    whole, real = compiled(model, tensor(2, "long")), compiled(model, tensor(2, "double"))
    assert np.abs(model.predict(x) - model.predict(x.astype(np.float64))).max() > 0.01
    assert_equal_answers(real, model.predict, x.astype(np.float64), relative=1e-9)
    assert_equal_answers(whole, lambda rows: model.predict(rows.astype(np.int64)), x.astype(np.float64), relative=1e-9)


def test_rankers_and_plain_boosters() -> None:
    ranks = classes(GAPS, 6, 3)
    answers_alike(lightgbm.LGBMRanker(**SMALL).fit(GAPS, ranks, group=[50] * 10))
    common = {"verbose": -1, "num_threads": 1}
    answers_alike(lightgbm.train({**common, "objective": "binary"}, lightgbm.Dataset(GAPS, TWO), 8))
    several = {**common, "objective": "multiclass", "num_class": 3}
    answers_alike(lightgbm.train(several, lightgbm.Dataset(GAPS, ranks), 8))
    own = {**common, "objective": lambda raw, data: (raw - data.get_label(), np.ones(len(raw)))}
    answers_alike(lightgbm.train(own, lightgbm.Dataset(GAPS, Y), 8))


def test_columns_are_taken_by_position_as_the_library_takes_them() -> None:
    table = pandas.DataFrame(GAPS, columns=list("abcdefgh"))
    model = lightgbm.LGBMRegressor(**SMALL).fit(table, Y)
    renamed = table.set_axis(list("stuvwxyz"), axis=1)
    assert_equal_answers(
        compiled(model, frame(list("stuvwxyz"))), lambda _: model.predict(renamed), GAPS, relative=1e-9
    )


REFUSED: dict[str, tuple[Any, str]] = {
    "linear trees": (lambda: lightgbm.LGBMRegressor(**SMALL, linear_tree=True).fit(GAPS, Y), "linear trees"),
    "stopping early": (
        lambda: lightgbm.LGBMClassifier(**SMALL, pred_early_stop=True).fit(GAPS, TWO),
        "pred_early_stop",
    ),
    "another number of columns": (lambda: lightgbm.LGBMRegressor(**SMALL).fit(GAPS[:, :4], Y), "4 columns and gets 8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_refused_with_the_reason(name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(NotCompilable, match=reason):
        compiled(make(), tensor(8))


def test_pandas_categories_are_refused() -> None:
    table = pandas.DataFrame({"a": pandas.Categorical(THREE), "b": GAPS[:, 0]})
    with pytest.raises(NotCompilable, match="pandas categories"):
        compiled(lightgbm.LGBMRegressor(**SMALL).fit(table, Y), frame(["a", "b"]))
