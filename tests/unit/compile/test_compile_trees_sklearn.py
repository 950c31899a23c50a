"""scikit-learn's trees and ensembles answer the same when they are compiled, on rows that are hard for trees."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import dummy, ensemble, linear_model, tree
from sklearn.pipeline import make_pipeline

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

# The libraries round huge probes to single precision.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")

FULL = tables(1, rows=400)
GAPS = tables(2, rows=400, missing=0.1)
Y = target(FULL, 1)
TWO = classes(FULL, 1, 2)
THREE = np.array(["low", "middle", "high"])[classes(FULL, 1, 3)]


def shallow(depth: int = 2) -> Any:
    return tree.DecisionTreeClassifier(max_depth=depth, random_state=0)


SHARES = ("predict", "predict_proba", "predict_log_proba")
SCORES = ("predict", "predict_proba", "decision_function")

CLASSIFIERS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "tree": (lambda: tree.DecisionTreeClassifier(max_depth=7, random_state=0), SHARES),
    "extra tree": (lambda: tree.ExtraTreeClassifier(random_state=0), SHARES),
    "pruned tree": (lambda: tree.DecisionTreeClassifier(ccp_alpha=0.01, random_state=0), SHARES),
    "forest": (lambda: ensemble.RandomForestClassifier(15, random_state=0), SHARES),
    "extra trees": (lambda: ensemble.ExtraTreesClassifier(8, random_state=0), SHARES),
    "boosting": (lambda: ensemble.GradientBoostingClassifier(n_estimators=12, random_state=0), SCORES),
    "histogram boosting": (lambda: ensemble.HistGradientBoostingClassifier(max_iter=15, random_state=0), SCORES),
    "adaboost": (lambda: ensemble.AdaBoostClassifier(shallow(), n_estimators=8, random_state=0), SCORES),
    "adaboost of boosting": (
        lambda: ensemble.AdaBoostClassifier(
            ensemble.HistGradientBoostingClassifier(max_iter=2), n_estimators=3, random_state=0
        ),
        SCORES,
    ),
    "bagging": (
        lambda: ensemble.BaggingClassifier(shallow(5), n_estimators=6, max_features=0.7, random_state=0),
        SHARES[:2],
    ),
    "bagging of boosting": (
        lambda: ensemble.BaggingClassifier(
            ensemble.HistGradientBoostingClassifier(max_iter=3), n_estimators=3, random_state=0
        ),
        SHARES[:2],
    ),
}


def answers_alike(model: Any, x: np.ndarray, want: str, **options: Any) -> None:
    compiled_model = compiled(model, tensor(x.shape[1]), want)
    rows = hard_rows(compiled_model.program, x[:150], most=600)
    if compiled_model.program.answer.dtype == "label":
        scores = getattr(model, "decision_function", None) or model.predict_proba
        assert_equal_labels(compiled_model, model.predict, rows, scores)
    else:
        assert_equal_answers(compiled_model, getattr(model, want), rows, **{"relative": 1e-9, "scale": 1.0} | options)


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two classes", "three classes"])
@pytest.mark.parametrize(("name", "want"), [(name, want) for name, (_, wants) in CLASSIFIERS.items() for want in wants])
@pytest.mark.filterwarnings("ignore:divide by zero encountered in log:RuntimeWarning")
def test_classifiers(name: str, want: str, y: np.ndarray) -> None:
    make, _ = CLASSIFIERS[name]
    answers_alike(make().fit(FULL, y), FULL, want)


REGRESSORS: dict[str, Callable[[], Any]] = {
    "tree": lambda: tree.DecisionTreeRegressor(random_state=0),
    "extra tree": lambda: tree.ExtraTreeRegressor(random_state=0),
    "forest": lambda: ensemble.RandomForestRegressor(8, random_state=0),
    "extra trees": lambda: ensemble.ExtraTreesRegressor(8, random_state=0),
    "boosting": lambda: ensemble.GradientBoostingRegressor(n_estimators=15, random_state=0),
    "boosting, huber": lambda: ensemble.GradientBoostingRegressor(n_estimators=9, loss="huber", random_state=0),
    "boosting, quantile": lambda: ensemble.GradientBoostingRegressor(n_estimators=9, loss="quantile", random_state=0),
    "boosting from zero": lambda: ensemble.GradientBoostingRegressor(n_estimators=9, init="zero", random_state=0),
    "boosting from a forest": lambda: ensemble.GradientBoostingRegressor(
        n_estimators=9, init=ensemble.RandomForestRegressor(3, random_state=0), random_state=0
    ),
    "histogram boosting": lambda: ensemble.HistGradientBoostingRegressor(max_iter=15, random_state=0),
    "adaboost": lambda: ensemble.AdaBoostRegressor(n_estimators=12, random_state=0),
    "adaboost of lines": lambda: ensemble.AdaBoostRegressor(
        linear_model.LinearRegression(), n_estimators=4, random_state=0
    ),
    "bagging": lambda: ensemble.BaggingRegressor(n_estimators=5, max_features=0.6, random_state=0),
    "bagging of lines": lambda: ensemble.BaggingRegressor(
        linear_model.LinearRegression(), n_estimators=3, random_state=0
    ),
}


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_regressors(name: str) -> None:
    options = {"scale": 1e6} if "lines" in name else {}
    answers_alike(REGRESSORS[name]().fit(FULL, Y), FULL, "predict", **options)


@pytest.mark.parametrize("name", ["tree", "forest", "extra trees", "histogram boosting"])
def test_missing_numbers_go_where_the_training_sent_them(name: str) -> None:
    answers_alike(CLASSIFIERS[name][0]().fit(GAPS, TWO), GAPS, "predict_proba")
    answers_alike(REGRESSORS[name]().fit(GAPS, Y), GAPS, "predict")


@pytest.mark.parametrize("loss", ["absolute_error", "poisson", "gamma", "quantile"])
def test_losses_of_histogram_boosting(loss: str) -> None:
    model = ensemble.HistGradientBoostingRegressor(max_iter=10, loss=loss, quantile=0.3, random_state=0)
    answers_alike(model.fit(GAPS, Y - Y.min() + 0.1), GAPS, "predict")


def test_histogram_boosting_that_stopped_early() -> None:
    model = ensemble.HistGradientBoostingClassifier(max_iter=300, early_stopping=True, n_iter_no_change=2)
    model.fit(GAPS, THREE)
    assert model.n_iter_ < 300
    answers_alike(model, GAPS, "predict_proba")


def test_exponential_loss() -> None:
    model = ensemble.GradientBoostingClassifier(n_estimators=10, loss="exponential", random_state=0)
    for want in ("predict", "predict_proba", "decision_function"):
        answers_alike(model.fit(FULL, TWO), FULL, want)


def test_several_targets_are_a_vector() -> None:
    both = np.column_stack([Y, -2 * Y])
    answers_alike(ensemble.RandomForestRegressor(5, random_state=0).fit(FULL, both), FULL, "predict")
    answers_alike(tree.DecisionTreeRegressor(max_depth=4).fit(FULL, both), FULL, "predict")


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("want", ["predict", "decision_function", "score_samples"])
def test_isolation_forests(want: str, contamination: Any) -> None:
    model = ensemble.IsolationForest(n_estimators=15, max_features=0.6, contamination=contamination, random_state=0)
    answers_alike(model.fit(FULL), FULL, want)


def test_isolation_forest_of_one_training_row() -> None:
    answers_alike(ensemble.IsolationForest(n_estimators=3).fit(FULL[:1]), FULL, "score_samples")


@pytest.mark.parametrize("is_sparse", [True, False], ids=["sparse", "dense"])
def test_random_tree_embeddings_before_a_linear_model(is_sparse: bool) -> None:
    embedding = ensemble.RandomTreesEmbedding(8, max_depth=3, sparse_output=is_sparse, random_state=0)
    model = make_pipeline(embedding, linear_model.LogisticRegression(C=0.1)).fit(FULL, THREE)
    answers_alike(model, FULL, "predict_proba")


def test_trees_without_a_split() -> None:
    constant = np.full(len(FULL), 2.5)
    answers_alike(ensemble.RandomForestRegressor(3).fit(FULL, constant), FULL, "predict")
    answers_alike(ensemble.HistGradientBoostingRegressor(max_iter=3).fit(FULL, constant), FULL, "predict")


def test_float32_columns_are_as_good() -> None:
    x = FULL.astype(np.float32).astype(np.float64)
    model = ensemble.RandomForestRegressor(5, random_state=0).fit(FULL, Y)
    short = compiled(model, tensor(FULL.shape[1], "float"))
    rows = hard_rows(short.program, x[:100], most=0).astype(np.float32).astype(np.float64)
    assert_equal_answers(short, model.predict, rows, relative=1e-9)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "several labels a row": (
        lambda: ensemble.RandomForestClassifier(3).fit(FULL, np.column_stack([TWO, TWO])),
        "predicts 2 things at once",
    ),
    "a random start": (
        lambda: ensemble.GradientBoostingClassifier(n_estimators=2, init=dummy.DummyClassifier(strategy="uniform")).fit(
            FULL, TWO
        ),
        "random guess",
    ),
    "a start of the user's own": (
        lambda: ensemble.GradientBoostingClassifier(n_estimators=2, init=shallow()).fit(FULL, TWO),
        "starts from a sklearn.DecisionTreeClassifier",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_refused_with_the_reason(name: str) -> None:
    make, reason = REFUSED[name]
    model = make()
    with pytest.raises(NotCompilable, match=reason):
        compiled(model, tensor(FULL.shape[1]))


def test_text_is_refused() -> None:
    with pytest.raises(NotCompilable, match="text column"):
        compiled(ensemble.HistGradientBoostingRegressor(max_iter=2).fit(FULL, Y), frame(list("abcdefgh"), "string"))
