"""Pipelines over tables compile exactly, whichever way their columns are chosen."""

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC

from harness.frame_parity import assert_compiled, program_of
from harness.mixed_tables import WORDS, amounts, gappy, hostile, levels, mixed, numbers, truths
from pierhead.compile.domain.program import NotCompilable


def table_steps(**options: Any) -> ColumnTransformer:
    """What most people write."""
    filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore")
    return ColumnTransformer([("n", filled, ["a", "c", "b", "i", "f"]), ("w", words, WORDS)], **options)


@pytest.mark.parametrize("want", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("target", [truths(), levels()], ids=["two classes", "three classes"])
def test_a_table_of_numbers_and_words_compiles_exactly(target: Any, want: str) -> None:
    model = make_pipeline(table_steps(), LogisticRegression(max_iter=300)).fit(gappy(), target)
    assert_compiled(model, hostile(), want)


@pytest.mark.parametrize("options", [{"sparse_threshold": 0}, {"remainder": "passthrough"}], ids=repr)
def test_a_table_may_be_dense_and_keep_its_other_columns(options: dict[str, Any]) -> None:
    assert_compiled(make_pipeline(table_steps(**options), Ridge()).fit(gappy(), amounts()), hostile())


def test_a_pipeline_of_scaler_and_weights_takes_few_nodes_and_one_check() -> None:
    model = make_pipeline(table_steps(), LogisticRegression(max_iter=300)).fit(gappy(), truths())
    ops = [node.op for node in program_of(model, gappy()).nodes]
    assert ops.count("is_inf") == 0
    assert len(ops) <= 12


COLUMNS: dict[str, list[Any]] = {
    "places": [("n", StandardScaler(), [0, 1]), ("w", OneHotEncoder(), [7])],
    "slices": [("n", StandardScaler(), slice(0, 2)), ("m", MinMaxScaler(), slice("c", "d"))],
    "masks": [("n", StandardScaler(), np.array([True] * 4 + [False] * 5))],
    "functions": [("n", StandardScaler(), lambda table: list(table.columns[[1, 0]]))],
    "types": [
        ("n", StandardScaler(), make_column_selector(dtype_include=np.number)),
        ("w", OneHotEncoder(), make_column_selector(dtype_exclude=[np.number, bool])),
    ],
    "nothing": [("n", StandardScaler(), []), ("m", MinMaxScaler(), ["a"]), ("d", "drop", ["b"])],
    "as they are": [("n", StandardScaler(), ["a"]), ("p", "passthrough", ["o", "i", "b"])],
    "twice": [("n", StandardScaler(), ["a"]), ("m", MinMaxScaler(), ["a"])],
    "several kinds": [
        ("p", make_pipeline(SimpleImputer(), PolynomialFeatures(2)), ["a", "c"]),
        ("u", FeatureUnion([("c", PCA(2)), ("s", StandardScaler())]), ["b", "d"]),
        ("k", KBinsDiscretizer(3, strategy="uniform"), ["d"]),
        ("o", make_pipeline(OrdinalEncoder(), StandardScaler()), WORDS),
        ("f", FunctionTransformer(np.log1p), ["i"]),
    ],
}


@pytest.mark.parametrize("steps", COLUMNS.values(), ids=COLUMNS)
def test_columns_are_chosen_as_the_original_chooses_them(steps: list[Any]) -> None:
    assert_compiled(ColumnTransformer(steps).fit(mixed()), mixed(), "transform")


def test_columns_chosen_by_name_may_come_in_another_order_and_beside_others() -> None:
    steps = ColumnTransformer([("n", StandardScaler(), ["b", "a"])]).fit(mixed()[["b", "a", "c"]])
    assert_compiled(make_pipeline(steps), mixed()[["a", "s", "c", "b"]], "transform")


def test_a_column_that_the_signature_lacks_is_named() -> None:
    steps = ColumnTransformer([("n", StandardScaler(), ["b", "a"])]).fit(mixed())
    with pytest.raises(NotCompilable, match="lacks column 'b'"):
        program_of(steps, mixed()[["a", "c"]], "transform")


def test_steps_that_hand_on_frames_choose_by_the_new_names() -> None:
    first = ColumnTransformer(
        [("n", StandardScaler(), ["a", "b"]), ("w", OneHotEncoder(sparse_output=False), ["s"])],
        verbose_feature_names_out=False,
    )
    second = ColumnTransformer([("m", MinMaxScaler(), ["a"]), ("p", "passthrough", ["s_red", "b"])])
    model = make_pipeline(first, second, Ridge()).set_output(transform="pandas")
    assert_compiled(model.fit(mixed(), amounts()), mixed())


SPARSE: dict[str, Any] = {
    "scalers": make_pipeline(StandardScaler(with_mean=False), MaxAbsScaler(), TruncatedSVD(3, random_state=0)),
    "selection": SelectKBest(chi2, k=5),
    "products": PolynomialFeatures(2, interaction_only=True),
}


@pytest.mark.parametrize("step", SPARSE.values(), ids=SPARSE)
def test_sparse_columns_are_transformed_exactly(step: Any) -> None:
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), step, Ridge())
    assert_compiled(model.fit(mixed()[WORDS], truths()), hostile()[WORDS])


@pytest.mark.parametrize("predictor", [SVC(), MultinomialNB(), LogisticRegression()], ids=["svc", "bayes", "logistic"])
def test_predictors_of_sparse_columns_compile_exactly(predictor: Any) -> None:
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), predictor)
    assert_compiled(model.fit(mixed()[WORDS], levels()), hostile()[WORDS])


@pytest.mark.parametrize("names", [["a", "i", "o"], ["o", "i"], ["o"], ["i"], ["a", "f"]], ids="+".join)
@pytest.mark.parametrize("first", [StandardScaler(), "passthrough"], ids=["scaled", "plain"])
def test_frames_of_several_types_become_the_same_arrays(first: Any, names: list[str]) -> None:
    model = make_pipeline(first, LogisticRegression(max_iter=1000)).fit(mixed()[names], truths())
    assert_compiled(model, mixed()[names], "predict_proba")


@pytest.mark.filterwarnings("ignore:X has feature names, but:UserWarning")
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_frames_and_arrays_may_stand_in_for_each_other() -> None:
    model = make_pipeline(StandardScaler(), Ridge())
    assert_compiled(model.fit(numbers().to_numpy(), amounts()), numbers())
    assert_compiled(model.fit(numbers(), amounts()), numbers().to_numpy())


def test_what_is_not_known_is_refused_by_name() -> None:
    class Halved(StandardScaler):
        """Of somebody's own package."""

    with pytest.raises(NotCompilable, match="Halved is not known as a transformer"):
        program_of(make_pipeline(Halved(), Ridge()).fit(numbers(), amounts()), numbers())
    with pytest.raises(NotCompilable, match="text column 's'"):
        program_of(make_pipeline(FunctionTransformer(), Ridge()).fit(numbers().to_numpy(), amounts()), mixed())
