"""Model quality against scikit-learn, on predictions of real models and on random ones."""

import math

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

from pierhead.statistics.quality import calibration, classification, ranking, regression, roc
from pierhead.statistics.quality.classification import Probabilities
from pierhead.statistics.quality.intervals import wilson

EXACT = {"rel": 1e-9, "abs": 1e-9}


def predicted_classes():
    generator = np.random.default_rng(6)
    cases = {}
    for name, load in (("cancer", load_breast_cancer), ("wine", load_wine)):
        features, labels = load(return_X_y=True)
        model = GaussianNB().fit(features[::3, :4], labels[::3])
        cases[name] = (labels, model.predict_proba(features[:, :4]))
    cases["random, four classes"] = (generator.integers(0, 4, 400), generator.dirichlet(np.ones(4), 400))
    cases["random, ties"] = (generator.integers(0, 2, 300), np.repeat([[0.3, 0.7], [0.6, 0.4]], 150, axis=0))
    return cases


CASES = predicted_classes()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_classification_is_scikit_learns(case):
    labels, probabilities = case
    predictions, names = probabilities.argmax(1), tuple(str(i) for i in range(probabilities.shape[1]))
    quality = classification.measure(labels, predictions, Probabilities(names, probabilities))
    assert quality.accuracy == pytest.approx(metrics.accuracy_score(labels, predictions), **EXACT)
    for name, score in (
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
        ("f1", metrics.f1_score),
    ):
        for average in ("macro", "weighted"):
            expected = score(labels, predictions, average=average, zero_division=0)
            assert getattr(getattr(quality, name), average) == pytest.approx(expected, **EXACT)
    assert np.array(quality.table).tolist() == metrics.confusion_matrix(labels, predictions).tolist()
    scores = probabilities[:, 1] if len(names) == 2 else probabilities
    area = metrics.roc_auc_score(labels, scores, multi_class="ovo", average="weighted")
    assert quality.roc_auc == pytest.approx(area, **EXACT)
    assert quality.log_loss == pytest.approx(metrics.log_loss(labels, probabilities), **EXACT)


def test_intervals_hold_the_estimate_and_repeat():
    labels, probabilities = CASES["cancer"]
    given = Probabilities.binary(0, 1, probabilities[:, 1])
    first, again = (classification.measure(labels, probabilities.argmax(1), given, seed=3) for _ in range(2))
    assert first == again
    assert first.accuracy_interval.contains(first.accuracy)
    assert first.f1_macro_interval.contains(first.f1.macro)
    assert first.roc_auc_interval.contains(first.roc_auc)
    assert first.log_loss_interval.contains(first.log_loss)


def test_delongs_interval_has_the_error_of_resampling():
    generator = np.random.default_rng(1)
    labels = generator.random(150) < 0.4
    scores = generator.normal(size=150) + labels
    interval = roc.auc_interval(labels, scores)
    drawn = [roc.auc(labels[rows], scores[rows]) for rows in generator.integers(0, 150, (800, 150))]
    assert interval.width == pytest.approx(2 * 1.96 * np.std(drawn), rel=0.1)


def test_wilsons_interval_is_statsmodels_textbook_value():
    """Newcombe (1998): 81 of 263 gives 0.2553 to 0.3662."""
    assert (wilson(81, 263).lower, wilson(81, 263).upper) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 9).lower == 0
    assert wilson(9, 9).upper == 1


def test_one_class_alone_has_no_auc():
    quality = classification.measure(["a", "a"], ["a", "b"], Probabilities.binary("b", "a", [0.9, 0.2]))
    assert quality.roc_auc is None
    assert quality.roc_auc_interval is None
    assert quality.log_loss == pytest.approx(-(math.log(0.9) + math.log(0.2)) / 2)


def test_a_certain_mistake_has_a_finite_loss():
    quality = classification.measure([1], [0], Probabilities.binary(0, 1, [0.0]))
    assert quality.log_loss == pytest.approx(-math.log(np.finfo(float).eps))


def test_classification_refuses_rows_that_do_not_fit():
    assert classification.measure([], []) is None
    with pytest.raises(ValueError, match="1 labels for 2"):
        classification.measure([1], [1, 2])
    with pytest.raises(ValueError, match="shape"):
        classification.measure([1, 0], [1, 0], Probabilities.binary(0, 1, [0.5]))
    with pytest.raises(ValueError, match="no column"):
        classification.measure(["x"], ["a"], Probabilities.binary("a", "b", [0.5]))


def test_regression_is_scikit_learns():
    features, labels = load_diabetes(return_X_y=True)
    predictions = LinearRegression().fit(features[::2], labels[::2]).predict(features)
    quality = regression.measure(labels, predictions)
    assert quality.mse == pytest.approx(metrics.mean_squared_error(labels, predictions), **EXACT)
    assert quality.rmse == pytest.approx(metrics.root_mean_squared_error(labels, predictions), **EXACT)
    assert quality.mae == pytest.approx(metrics.mean_absolute_error(labels, predictions), **EXACT)
    assert quality.mape == pytest.approx(metrics.mean_absolute_percentage_error(labels, predictions), **EXACT)
    assert quality.r2 == pytest.approx(metrics.r2_score(labels, predictions), **EXACT)
    for name in ("mse", "rmse", "mae"):
        assert getattr(quality, f"{name}_interval").contains(getattr(quality, name))


def test_regression_says_what_has_no_value():
    quality = regression.measure([0.0, 0.0], [1.0, 1.0])
    assert (quality.mape, quality.n_percentage, quality.r2) == (None, 0, None)
    assert regression.measure([0.0, 2.0], [1.0, 1.0]).mape == 0.5
    assert regression.measure([], []) is None
    assert regression.measure([1.0], [2.0]).mse_interval is None
    with pytest.raises(ValueError, match="finite"):
        regression.measure([math.nan], [1.0])


@pytest.mark.parametrize("k", [1, 3, 10, 50])
def test_ndcg_is_scikit_learns_with_ties(k):
    generator = np.random.default_rng(k)
    gains, scores = generator.integers(0, 4, 20).astype(float), generator.integers(0, 6, 20).astype(float)
    assert ranking.ndcg(gains, scores, k) == pytest.approx(metrics.ndcg_score([gains], [scores], k=k), **EXACT)


def test_ranking_is_the_mean_over_queries():
    queries = ["q1", "q2", "q1", "q2", "q3"]
    quality = ranking.measure(queries, [1, 0, 0, 2, 0], [0.9, 0.8, 0.1, 0.2, 0.5], k=2)
    assert (quality.queries, quality.n_ndcg) == (3, 2)
    assert quality.ndcg == pytest.approx((1 + 1 / math.log2(3)) / 2)
    assert quality.precision == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert ranking.measure([], [], []) is None
    with pytest.raises(ValueError, match="k must"):
        ranking.measure(["q"], [1], [1], k=0)


def test_tied_items_share_their_places():
    assert ranking.precision(np.array([1.0, 0.0]), np.array([0.5, 0.5]), 1) == 0.5


def test_calibration_is_scikit_learns_and_its_definition():
    labels, probabilities = CASES["cancer"][0] == 1, CASES["cancer"][1][:, 1]
    quality = calibration.measure(labels, probabilities)
    assert quality.brier == pytest.approx(metrics.brier_score_loss(labels, probabilities), **EXACT)
    gap = 0.0
    for lower in range(10):
        rows = (probabilities > lower / 10) & (probabilities <= (lower + 1) / 10)
        rows |= (lower == 0) & (probabilities == 0)
        gap += abs(labels[rows].sum() - probabilities[rows].sum())
    assert quality.ece == pytest.approx(gap / labels.size, **EXACT)
    assert sum(found.n for found in quality.bins) == labels.size
    assert all(found.observed_interval.contains(found.observed_rate) for found in quality.bins)


def test_calibration_refuses_what_is_no_probability():
    assert calibration.measure([], []) is None
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        calibration.measure([True], [1.2])
    with pytest.raises(ValueError, match="2 labels for 1"):
        calibration.measure([True, False], [0.2])
