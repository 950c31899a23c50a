"""What a model itself thinks of the labels of a row, where rounding decides."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import cluster, ensemble, linear_model, mixture, svm
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.mixed_tables import NUMBERS, levels, numbers, truths
from pierhead.compile.extract.opinions import opinion_of
from pierhead.compile.parity.comparison import is_label_tie


def meeting_point(model: Any, first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two rows of different labels between these, so near that no double lies between them."""
    low, high = first.to_numpy(dtype=float), second.to_numpy(dtype=float)
    label = model.predict(first)[0]
    for _ in range(70):
        middle = (low + high) / 2
        if model.predict(frame(middle))[0] == label:
            low = middle
        else:
            high = middle
    return frame(low), frame(high)


def frame(row: Any) -> pd.DataFrame:
    return pd.DataFrame(row, columns=numbers().columns)


def two_rows_of_other_labels(model: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = numbers()
    labels = np.asarray(model.predict(rows))
    other = int(np.flatnonzero(labels != labels[0])[0])
    return rows.iloc[:1], rows.iloc[other : other + 1]


MODELS: list[tuple[str, Any, Any]] = [
    ("machine of three", make_pipeline(StandardScaler(), svm.SVC()), levels()),
    ("machine that breaks ties", make_pipeline(StandardScaler(), svm.SVC(break_ties=True)), levels()),
    ("machine of two", svm.SVC(), truths()),
    ("centers behind a scaler", make_pipeline(StandardScaler(), cluster.KMeans(4, random_state=0)), None),
    ("centers", cluster.MiniBatchKMeans(3, random_state=0), None),
    ("mixture", mixture.GaussianMixture(2, random_state=0), None),
    ("weights", linear_model.RidgeClassifier(), levels()),
    ("search", GridSearchCV(make_pipeline(StandardScaler(), svm.SVC()), {"svc__C": [0.5, 1.0]}, cv=3), levels()),
]


@pytest.mark.parametrize(("model", "target"), [item[1:] for item in MODELS], ids=[item[0] for item in MODELS])
def test_between_two_labels_either_is_open_and_elsewhere_none_is(model: Any, target: Any) -> None:
    model.fit(numbers(), target)
    rows = two_rows_of_other_labels(model)
    here, there = meeting_point(model, *rows)
    labels = (model.predict(here)[0].item(), model.predict(there)[0].item())
    assert labels[0] != labels[1]
    for row in (here, there):
        assert is_label_tie(opinion_of(model, row) or {}, labels)
    first, second = (model.predict(row)[0].item() for row in rows)
    assert not is_label_tie(opinion_of(model, rows[0]) or {}, (first, second))
    assert not is_label_tie(opinion_of(model, rows[1]) or {}, (second, first))


def test_far_away_the_distance_to_centers_is_judged_by_its_size() -> None:
    model = make_pipeline(StandardScaler(), cluster.KMeans(3, random_state=0)).fit(numbers())
    far = [row * 1e9 for row in two_rows_of_other_labels(model)]
    here, there = meeting_point(model, *far)
    labels = (model.predict(here)[0].item(), model.predict(there)[0].item())
    assert is_label_tie(opinion_of(model, here) or {}, labels)
    best, *_, least = np.argsort(model.transform(far[0])[0]).tolist()
    assert not is_label_tie(opinion_of(model, far[0]) or {}, (best, least))


def test_the_shape_of_a_machines_scores_is_left_as_it_was() -> None:
    model = svm.SVC(decision_function_shape="ovr").fit(numbers(), levels())
    opinion_of(model, numbers().iloc[:1])
    assert model.decision_function_shape == "ovr"


def test_outliers_are_minus_one() -> None:
    model = ensemble.IsolationForest(n_estimators=5, random_state=0).fit(numbers())
    opinion = opinion_of(model, numbers().iloc[:1])
    assert opinion is not None
    assert opinion["labels"] == [-1, 1]


def test_a_regressor_has_no_opinion() -> None:
    assert opinion_of(linear_model.Ridge().fit(numbers(), numbers()[NUMBERS[0]]), numbers().iloc[:1]) is None
