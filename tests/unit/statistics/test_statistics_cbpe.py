"""Expected quality without labels, against the labels."""

import itertools
import math

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from pierhead.statistics import cbpe


def scored(n, seed, centre=0.0):
    """Labels that come with chance p of a logistic rule, and scores that are its square: rising, not calibrated."""
    generator = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-2 * generator.normal(centre, 1, n)))
    return generator.random(n) < p, p**2


def test_the_calibrator_is_scikit_learns_isotonic_regression():
    labels, scores = scored(2000, 1)
    scores = scores.round(2)
    calibrator = cbpe.fit(labels, scores)
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    points = np.linspace(-0.1, 1.1, 333)
    assert calibrator(points) == pytest.approx(expected.predict(points), rel=1e-9, abs=1e-9)
    assert cbpe.Calibrator.from_json(calibrator.as_json()) == calibrator
    assert len(calibrator.scores) < 60


@pytest.mark.parametrize("centre", [0.0, 0.7, -0.7])
def test_the_estimate_follows_a_shift_of_the_inputs(centre):
    """Within three standard errors of the truth, though the mix of easy and hard rows has changed."""
    calibrator = cbpe.fit(*scored(20_000, 2))
    labels, scores = scored(8_000, 3, centre)
    predicted = scores > 0.25
    estimate = cbpe.estimate(calibrator, scores, predicted)
    accuracy = np.mean(predicted == labels)
    assert abs(estimate.accuracy - accuracy) < 1.6 * estimate.accuracy_interval.width / 2 + 0.005
    assert estimate.precision == pytest.approx(precision_score(labels, predicted), abs=0.03)
    assert estimate.recall == pytest.approx(recall_score(labels, predicted), abs=0.03)
    assert estimate.f1 == pytest.approx(f1_score(labels, predicted), abs=0.03)
    assert estimate.roc_auc == pytest.approx(roc_auc_score(labels, scores), abs=0.02)
    assert estimate.positive_share == pytest.approx(labels.mean(), abs=0.02)


def test_expected_auc_is_the_sum_over_all_pairs():
    generator = np.random.default_rng(4)
    chances, scores = generator.random(40), generator.integers(0, 9, 40).astype(float)
    right = total = 0.0
    for i, j in itertools.permutations(range(40), 2):
        weight = chances[i] * (1 - chances[j])
        total += weight
        right += weight * ((scores[i] > scores[j]) + (scores[i] == scores[j]) / 2)
    assert cbpe.expected_auc(chances, scores) == pytest.approx(right / total, rel=1e-9)


def test_certain_chances_give_the_auc_of_the_labels():
    labels, scores = scored(300, 5)
    assert cbpe.expected_auc(labels.astype(float), scores) == pytest.approx(roc_auc_score(labels, scores), rel=1e-9)


def test_what_has_no_value_says_so():
    calibrator = cbpe.fit(np.array([False, False]), [0.1, 0.2])
    estimate = cbpe.estimate(calibrator, [0.1, 0.3], np.array([False, False]))
    assert estimate.accuracy == 1
    assert (estimate.precision, estimate.recall, estimate.f1, estimate.roc_auc) == (None, None, None, None)
    assert cbpe.estimate(calibrator, [], np.array([], dtype=bool)) is None


def test_accuracy_of_many_classes_is_the_mean_chance_of_the_predicted_one():
    chances = np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.0], [0.0, 0.0, 0.0]])
    estimate = cbpe.estimate_multiclass(chances, np.array([0, 1, 2]))
    assert estimate == pytest.approx((0.5 + 0.5 + 1 / 3) / 3)
    assert cbpe.estimate_multiclass(chances[:0], np.array([], dtype=int)) is None


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 labels for 2"):
        cbpe.fit(np.array([True]), [0.1, 0.2])
    with pytest.raises(ValueError, match="finite"):
        cbpe.fit(np.array([True]), [math.nan])
    with pytest.raises(ValueError, match="2 scores for 1"):
        cbpe.estimate(cbpe.fit(np.array([True]), [0.5]), [0.1, 0.2], np.array([True]))
