"""scikit-learn's transformers answer the same when they are compiled, and decline exactly where scikit-learn raises."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import (
    cluster,
    decomposition,
    discriminant_analysis,
    feature_selection,
    impute,
    linear_model,
    model_selection,
    preprocessing,
)
from sklearn.pipeline import FeatureUnion, make_pipeline

from harness.frame_parity import assert_compiled, encoded, program_of
from harness.mixed_tables import NUMBERS, amounts, gappy, hostile, levels, mixed, numbers
from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.emit.evaluate import declined

SCALERS: list[Any] = [
    preprocessing.StandardScaler(),
    preprocessing.StandardScaler(with_mean=False),
    preprocessing.StandardScaler(with_std=False),
    preprocessing.MinMaxScaler(),
    preprocessing.MinMaxScaler(clip=True, feature_range=(-1, 2)),
    preprocessing.MaxAbsScaler(),
    preprocessing.RobustScaler(),
    preprocessing.PowerTransformer(),
    preprocessing.PowerTransformer(standardize=False),
    preprocessing.QuantileTransformer(n_quantiles=40),
]
PROJECTIONS: list[Any] = [
    preprocessing.Normalizer(),
    preprocessing.Normalizer("l1"),
    preprocessing.Normalizer("max"),
    preprocessing.Binarizer(threshold=0.3),
    preprocessing.KBinsDiscretizer(quantile_method="averaged_inverted_cdf"),
    preprocessing.KBinsDiscretizer(encode="ordinal", quantile_method="averaged_inverted_cdf"),
    preprocessing.KBinsDiscretizer(encode="onehot-dense", strategy="uniform"),
    preprocessing.PolynomialFeatures(2),
    preprocessing.PolynomialFeatures((2, 3), include_bias=False),
    preprocessing.PolynomialFeatures(3, interaction_only=True),
    feature_selection.SelectKBest(feature_selection.f_regression, k=2),
    feature_selection.SelectPercentile(feature_selection.f_regression, percentile=50),
    feature_selection.SelectFromModel(linear_model.Ridge(), max_features=2),
    feature_selection.RFE(linear_model.Ridge(), n_features_to_select=2),
    feature_selection.RFECV(linear_model.Ridge(), cv=3),
    feature_selection.SequentialFeatureSelector(linear_model.Ridge(), n_features_to_select=2, cv=3),
    feature_selection.SelectFdr(feature_selection.f_regression),
    feature_selection.SelectFpr(feature_selection.f_regression),
    feature_selection.SelectFwe(feature_selection.f_regression),
    feature_selection.VarianceThreshold(),
    decomposition.PCA(3, svd_solver="full"),
    decomposition.PCA(2, whiten=True, svd_solver="full"),
    decomposition.IncrementalPCA(2),
    decomposition.IncrementalPCA(3, whiten=True, batch_size=50),
    decomposition.TruncatedSVD(2, random_state=0),
    model_selection.RandomizedSearchCV(
        decomposition.PCA(svd_solver="full"), {"n_components": [1, 2]}, n_iter=2, cv=3, random_state=0
    ),
]


def named(step: Any) -> str:
    # Without addresses: a test has the same name in every process.
    return re.sub(r" at 0x[0-9a-f]+", "", repr(step)).replace("\n", "")[:60]


@pytest.mark.parametrize("step", SCALERS + PROJECTIONS, ids=named)
def test_a_transformer_compiles_exactly(step: Any) -> None:
    step.fit(numbers(), amounts())
    assert_compiled(step, hostile()[NUMBERS], "transform")


def test_a_step_that_does_nothing_declines_nothing() -> None:
    assert assert_compiled(preprocessing.FunctionTransformer().fit(numbers()), numbers(), "transform").declines is None


@pytest.mark.parametrize("step", SCALERS, ids=named)
def test_a_gap_stays_one_on_its_way_to_a_step_that_fills_it(step: Any) -> None:
    filled = make_pipeline(step, impute.SimpleImputer()).fit(gappy()[NUMBERS])
    assert_compiled(filled, hostile()[NUMBERS], "transform")


def test_numbers_that_are_no_powers_of_e_bend_as_they_should() -> None:
    positive = numbers().abs() + 0.1
    bent = preprocessing.PowerTransformer("box-cox")
    model = bent.fit(positive)
    rows = positive.copy()
    rows.iloc[::9, 1] = 0.0
    assert_compiled(model, rows, "transform")


@pytest.mark.parametrize("powers", [(0.0, 2.0, 1.0, -3.0), (2.0, 0.0, 0.5, 3.0)])
def test_powers_at_which_the_formula_changes_are_exact(powers: tuple[float, ...]) -> None:
    table = numbers().clip(-4, 4)
    model = preprocessing.PowerTransformer(standardize=False).fit(table)
    model.lambdas_ = np.array(powers)
    assert_compiled(model, table, "transform")


@pytest.mark.parametrize("function", [np.log1p, np.log, np.sqrt, np.abs, np.exp, np.expm1, np.square, np.sign, np.tanh])
def test_functions_of_numpy_compile_exactly(function: Any) -> None:
    step = preprocessing.FunctionTransformer(function)
    model = make_pipeline(preprocessing.MinMaxScaler((0.001, 1)), step)
    assert_compiled(model.fit(numbers()), numbers(), "transform")


def test_a_function_of_ones_own_is_refused_by_name() -> None:
    def halved(rows: Any) -> Any:
        return rows / 2

    with pytest.raises(NotCompilable, match="halved"):
        program_of(preprocessing.FunctionTransformer(halved).fit(numbers()), numbers(), "transform")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strategy": "median"},
        {"strategy": "most_frequent"},
        {"strategy": "constant", "fill_value": -1.0},
        {"add_indicator": True},
        {"strategy": "constant", "fill_value": 0.0, "keep_empty_features": True},
    ],
    ids=repr,
)
def test_numbers_are_imputed_exactly(options: dict[str, Any]) -> None:
    names = ["a", "b", "c", "f"]
    assert_compiled(impute.SimpleImputer(**options).fit(gappy()[names]), hostile()[names], "transform")


def test_a_number_can_stand_for_missing() -> None:
    table = mixed()[["i", "a"]]
    assert_compiled(impute.SimpleImputer(missing_values=3).fit(table), table, "transform")


def test_a_gap_where_the_training_had_none_is_declined_if_the_indicator_raises() -> None:
    union = FeatureUnion([("filled", impute.SimpleImputer()), ("gaps", impute.MissingIndicator())])
    rows = gappy()[["a", "b"]]
    union.fit(rows)
    rows.loc[::5, "b"] = np.nan
    assert_compiled(union, rows, "transform")


def test_text_is_imputed_exactly_and_null_is_left_to_the_original() -> None:
    steps = (impute.SimpleImputer(strategy="most_frequent"), preprocessing.OneHotEncoder(handle_unknown="ignore"))
    table = mixed()[["s", "t"]].astype(object)
    rows = table.copy()
    rows.iloc[::9, 0] = None
    model = make_pipeline(*steps).fit(table)
    program = assert_compiled(model, rows, "transform", answers_declined=True)
    assert declined(program, encoded(program, rows)).sum() == len(range(0, len(rows), 9))


def test_a_word_can_stand_for_missing() -> None:
    imputer = impute.SimpleImputer(missing_values="red", strategy="constant", fill_value="green")
    steps = (imputer, preprocessing.OneHotEncoder(handle_unknown="ignore"))
    table = mixed()[["s", "t"]].astype(object)
    assert_compiled(make_pipeline(*steps).fit(table), table, "transform")


def test_projections_by_classes_compile_exactly() -> None:
    model = discriminant_analysis.LinearDiscriminantAnalysis().fit(numbers(), levels())
    assert_compiled(model, numbers(), "transform")


@pytest.mark.parametrize(
    "step",
    [
        preprocessing.StandardScaler(),
        preprocessing.MinMaxScaler(clip=True),
        preprocessing.MaxAbsScaler(),
        preprocessing.RobustScaler(),
        preprocessing.Normalizer("max"),
        preprocessing.PolynomialFeatures(2),
        impute.SimpleImputer(strategy="median"),
    ],
    ids=named,
)
def test_single_precision_comes_out_to_the_last_digit(step: Any) -> None:
    rows = numbers().astype("float32")
    assert_compiled(step.fit(rows), rows, "transform", relative=0.0)
    assert_compiled(step.fit(numbers().to_numpy()), rows.to_numpy(), "transform", relative=0.0)


def test_distances_to_centers_compile_as_exactly_as_the_library_computes_them() -> None:
    rows = preprocessing.StandardScaler().fit_transform(numbers())
    assert_compiled(cluster.KMeans(3, random_state=0).fit(rows), rows, "transform", relative=1e-7)


def test_a_selector_that_lets_gaps_through_declines_nothing() -> None:
    selector = feature_selection.VarianceThreshold().fit(numbers())
    assert assert_compiled(selector, hostile()[NUMBERS], "transform").declines is None


def test_columns_in_another_order_than_the_training_are_refused() -> None:
    model = make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()).fit(numbers(), amounts())
    with pytest.raises(NotCompilable, match="trained on columns"):
        program_of(model, pd.DataFrame(numbers()[["b", "a", "c", "d"]]))
