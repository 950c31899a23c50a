"""scikit-learn's predictors answer the same when they are compiled: labels exactly, numbers to 1e-9."""

import re
from typing import Any

import numpy as np
import pytest
from sklearn import (
    calibration,
    cluster,
    discriminant_analysis,
    dummy,
    ensemble,
    isotonic,
    linear_model,
    mixture,
    multiclass,
    multioutput,
    naive_bayes,
    neural_network,
    svm,
)
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler

from harness.frame_parity import assert_compiled, program_of
from harness.mixed_tables import NUMBERS, amounts, hostile, levels, numbers, truths
from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.emit.evaluate import declined

# How well these models learn is of no interest here.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(deprecated|will be removed|will change|changing):FutureWarning"),
]

LABELS = ("predict",)
SCORES = ("predict", "decision_function")
SHARES = ("predict", "predict_proba")
LOGS = ("predict", "predict_proba", "predict_log_proba")
ALL = ("predict", "predict_proba", "predict_log_proba", "decision_function")

REGRESSORS: list[Any] = [
    linear_model.LinearRegression(),
    linear_model.Lasso(0.1),
    linear_model.ElasticNet(0.1),
    linear_model.HuberRegressor(),
    linear_model.SGDRegressor(random_state=0),
    linear_model.BayesianRidge(),
    linear_model.ARDRegression(),
    linear_model.QuantileRegressor(),
    linear_model.Lars(),
    linear_model.OrthogonalMatchingPursuit(),
    svm.LinearSVR(random_state=0),
    svm.SVR(),
    svm.SVR(kernel="linear"),
    svm.SVR(kernel="poly", degree=2, coef0=1.0),
    svm.SVR(kernel="sigmoid"),
    svm.NuSVR(),
    neural_network.MLPRegressor(hidden_layer_sizes=(8, 4), max_iter=30, random_state=0),
    neural_network.MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", max_iter=30, random_state=0),
    dummy.DummyRegressor(),
    ensemble.VotingRegressor([("a", linear_model.Ridge()), ("b", svm.SVR())]),
    ensemble.VotingRegressor([("a", linear_model.Ridge()), ("b", svm.SVR())], weights=[1, 3]),
    ensemble.StackingRegressor([("a", linear_model.Ridge()), ("b", svm.SVR())], linear_model.Ridge(), cv=3),
    ensemble.StackingRegressor([("a", linear_model.Ridge())], linear_model.Ridge(), cv=3, passthrough=True),
    TransformedTargetRegressor(linear_model.Ridge(), transformer=StandardScaler()),
    TransformedTargetRegressor(linear_model.Ridge(), transformer=MinMaxScaler()),
    GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1.0]}, cv=3),
    RandomizedSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1.0, 2.0]}, n_iter=2, cv=3, random_state=0),
]
POSITIVE: list[Any] = [
    linear_model.PoissonRegressor(),
    linear_model.GammaRegressor(),
    linear_model.TweedieRegressor(power=1.5),
    linear_model.TweedieRegressor(power=0),
    TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
]
BAYES = naive_bayes.GaussianNB()
LOGISTIC = linear_model.LogisticRegression()
CLASSIFIERS: list[tuple[Any, tuple[str, ...]]] = [
    (LOGISTIC, ALL),
    (linear_model.SGDClassifier(loss="log_loss", random_state=0), (*SHARES, "decision_function")),
    (linear_model.SGDClassifier(loss="modified_huber", random_state=0), SHARES),
    (linear_model.SGDClassifier(random_state=0), SCORES),
    (linear_model.RidgeClassifier(), SCORES),
    (linear_model.Perceptron(random_state=0), SCORES),
    (svm.LinearSVC(random_state=0), SCORES),
    (svm.SVC(), SCORES),
    (svm.SVC(kernel="linear"), SCORES),
    (svm.SVC(kernel="poly", degree=2, coef0=1), SCORES),
    (svm.SVC(kernel="sigmoid"), SCORES),
    (svm.SVC(decision_function_shape="ovo"), SCORES),
    (svm.SVC(break_ties=True), SCORES),
    (svm.NuSVC(nu=0.1), SCORES),
    (neural_network.MLPClassifier((8,), max_iter=30, random_state=0), LOGS),
    (neural_network.MLPClassifier((8, 4), activation="logistic", max_iter=30, random_state=0), LOGS),
    (BAYES, LOGS),
    (naive_bayes.BernoulliNB(), LOGS),
    (calibration.CalibratedClassifierCV(svm.LinearSVC(random_state=0), cv=3), SHARES),
    (calibration.CalibratedClassifierCV(svm.LinearSVC(random_state=0), cv=3, ensemble=False), SHARES),
    (calibration.CalibratedClassifierCV(LOGISTIC, method="isotonic", cv=3), SHARES),
    (calibration.CalibratedClassifierCV(BAYES, cv=3), SHARES),
    (ensemble.VotingClassifier([("a", LOGISTIC), ("b", BAYES)], voting="soft", weights=[2, 1]), SHARES),
    (ensemble.VotingClassifier([("a", LOGISTIC), ("b", BAYES), ("c", svm.SVC())]), LABELS),
    (ensemble.VotingClassifier([("a", LOGISTIC), ("b", BAYES)], weights=[1, 2]), LABELS),
    (ensemble.StackingClassifier([("a", LOGISTIC), ("b", BAYES), ("c", svm.SVC())], cv=3), SHARES),
    (ensemble.StackingClassifier([("a", LOGISTIC)], cv=3, passthrough=True), (*SHARES, "decision_function")),
    (multiclass.OneVsRestClassifier(LOGISTIC), (*SHARES, "decision_function")),
    (multiclass.OneVsRestClassifier(BAYES), SHARES),
    (discriminant_analysis.LinearDiscriminantAnalysis(), ALL),
    (discriminant_analysis.QuadraticDiscriminantAnalysis(), ALL),
    (dummy.DummyClassifier(), LOGS),
    (dummy.DummyClassifier(strategy="most_frequent"), SHARES),
    (GridSearchCV(LOGISTIC, {"C": [0.1, 1.0]}, cv=3), ALL),
    (RandomizedSearchCV(LOGISTIC, {"C": [0.1, 1.0, 2.0]}, n_iter=2, cv=3, random_state=0), ALL),
]


def named(item: Any) -> str:
    # Without addresses: a test has the same name in every process.
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(item[0] if isinstance(item, tuple) else item))
    return text.replace("\n", "").replace(" ", "")[:70]


@pytest.mark.parametrize("regressor", REGRESSORS, ids=named)
def test_a_regressor_compiles_exactly(regressor: Any) -> None:
    assert_compiled(make_pipeline(StandardScaler(), regressor).fit(numbers(), amounts()), hostile()[NUMBERS])


@pytest.mark.parametrize("regressor", POSITIVE, ids=named)
def test_a_regressor_of_amounts_above_zero_compiles_exactly(regressor: Any) -> None:
    target = np.exp(numbers().a / 2)
    assert_compiled(make_pipeline(StandardScaler(), regressor).fit(numbers(), target), hostile()[NUMBERS])


@pytest.mark.parametrize(
    "regressor",
    [
        linear_model.Ridge(),
        neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0),
        multioutput.MultiOutputRegressor(linear_model.Ridge()),
        dummy.DummyRegressor(),
    ],
    ids=named,
)
def test_a_regressor_of_two_numbers_answers_a_vector(regressor: Any) -> None:
    target = np.column_stack([amounts(), numbers().b])
    program = assert_compiled(make_pipeline(StandardScaler(), regressor).fit(numbers(), target), numbers())
    assert program.answer.shape == "vector"


@pytest.mark.parametrize("item", CLASSIFIERS, ids=named)
@pytest.mark.parametrize("target", [truths(), levels()], ids=["two classes", "three classes"])
def test_a_classifier_compiles_exactly(item: tuple[Any, tuple[str, ...]], target: Any) -> None:
    classifier, wants = item
    model = make_pipeline(StandardScaler(), clone(classifier)).fit(numbers(), target)
    for want in wants:
        assert_compiled(model, hostile()[NUMBERS], want)


@pytest.mark.parametrize("classifier", [naive_bayes.MultinomialNB(), naive_bayes.ComplementNB()], ids=named)
def test_bayes_of_counts_compiles_exactly(classifier: Any) -> None:
    model = make_pipeline(MinMaxScaler(clip=True), classifier).fit(numbers(), levels())
    for want in LOGS:
        assert_compiled(model, hostile()[NUMBERS], want)


def test_bayes_of_categories_declines_a_category_it_never_saw() -> None:
    rows = (numbers()[["a", "b"]].abs() * [2, 0.3]).clip(0, 4)
    model = naive_bayes.CategoricalNB(min_categories=3).fit(rows.clip(0, 2).astype(int), levels())
    for want in LOGS:
        assert_compiled(model, rows.astype(int), want)


def test_bayes_of_bins_compiles_exactly() -> None:
    bins = KBinsDiscretizer(4, encode="ordinal", strategy="uniform")
    model = make_pipeline(bins, naive_bayes.CategoricalNB()).fit(numbers(), levels())
    assert_compiled(model, hostile()[NUMBERS], "predict_proba")


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_a_mixture_compiles_exactly(kind: str) -> None:
    clusters = mixture.GaussianMixture(3, covariance_type=kind, random_state=0)
    model = make_pipeline(StandardScaler(), clusters).fit(numbers())
    for want in ("predict", "predict_proba", "score_samples"):
        assert_compiled(model, hostile()[NUMBERS], want)


@pytest.mark.parametrize("clusters", [cluster.KMeans(4, random_state=0), cluster.MiniBatchKMeans(3, random_state=0)])
def test_the_nearest_center_is_the_same(clusters: Any) -> None:
    model = make_pipeline(StandardScaler(), clusters).fit(numbers())
    assert assert_compiled(model, hostile()[NUMBERS]).answer.dtype == "int64"


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
def test_outliers_of_a_support_vector_machine_are_the_same(kernel: str) -> None:
    model = make_pipeline(StandardScaler(), svm.OneClassSVM(kernel=kernel)).fit(numbers())
    for want in ("predict", "decision_function", "score_samples"):
        # Scores are the small rest of large sums here, which the library's own order of adding decides.
        assert_compiled(model, hostile()[NUMBERS], want, relative=1e-6)


@pytest.mark.parametrize("outside", ["clip", "raise", "nan"])
def test_an_isotonic_curve_compiles_exactly_and_leaves_what_lies_outside_to_the_original(outside: str) -> None:
    rows = numbers()[["a"]].to_numpy()
    model = isotonic.IsotonicRegression(out_of_bounds=outside).fit(rows[:120, 0], amounts()[:120])
    assert_compiled(model, rows, answers_declined=outside == "nan")


@pytest.mark.parametrize(
    "classifier",
    [
        FixedThresholdClassifier(LOGISTIC),
        FixedThresholdClassifier(LOGISTIC, threshold=0.2, response_method="predict_proba"),
        FixedThresholdClassifier(svm.LinearSVC(random_state=0), threshold=-0.3),
        TunedThresholdClassifierCV(LOGISTIC, cv=3, thresholds=20),
    ],
    ids=named,
)
def test_a_threshold_of_ones_own_is_kept(classifier: Any) -> None:
    assert_compiled(make_pipeline(StandardScaler(), classifier).fit(numbers(), truths()), hostile()[NUMBERS])


@pytest.mark.parametrize("want", LOGS)
def test_far_from_all_classes_shares_are_what_rounding_leaves_of_them_or_declined(want: str) -> None:
    rows = (numbers() - numbers().mean()) / numbers().std()
    model = naive_bayes.GaussianNB().fit(rows, levels())
    # One deviation for all classes, so that their likelihoods get the same digits far away.
    model.var_[:] = model.var_[0]
    model.theta_[:, 1:] = model.theta_[0, 1:]
    for size in (1e3, 1e4):
        assert_compiled(model, rows * size, want, relative=1e-6, answers_declined=True)
    program = program_of(model, rows, want)
    assert declined(program, (rows * 1e40).to_numpy()).all()
    assert not declined(program, (rows * 100).to_numpy()).any()


def test_a_score_of_a_support_vector_machine_that_is_no_number_is_left_to_the_original() -> None:
    model = make_pipeline(StandardScaler(), svm.SVC(kernel="poly")).fit(numbers(), levels())
    rows = numbers()
    rows.iloc[::3, 0] = 1e300
    rows.iloc[1::3, 0] = -1e200
    program = assert_compiled(model, rows, answers_declined=True)
    assert declined(program, rows.to_numpy()).sum() >= len(rows) * 2 // 3


def test_far_from_zero_a_kernel_keeps_its_digits() -> None:
    rows = numbers().add([1e5, 1e6, 0, 1e4])
    assert_compiled(svm.SVR(gamma=1e-4).fit(rows, amounts()), rows)


@pytest.mark.parametrize("classes", [[False, True], [3, 7], ["no", "yes"], [0.5, 1.5]], ids=repr)
def test_labels_keep_their_type(classes: list[Any]) -> None:
    target = np.array(classes)[truths().astype(int)]
    if target.dtype.kind == "f":
        model: Any = dummy.DummyClassifier().fit(numbers(), target)
    else:
        model = linear_model.RidgeClassifier().fit(numbers(), target)
    program = assert_compiled(model, numbers())
    assert [type(label) for label in program.answer.labels] == [type(label) for label in classes]


@pytest.mark.parametrize("dtype", ["float32", "int64", "int32"])
def test_rows_of_other_numbers_are_computed_in_their_precision(dtype: str) -> None:
    rows = (numbers().to_numpy() * 3).astype(dtype)
    model = make_pipeline(StandardScaler(), LOGISTIC).fit(rows, truths())
    for want in ("predict", "predict_proba"):
        # A share next to 0 is 1 minus one next to 1, of which single precision keeps seven digits.
        assert_compiled(model, rows, want, relative=1e-3 if dtype == "float32" else 1e-9)


@pytest.mark.filterwarnings("ignore:.*probability.*:FutureWarning")
@pytest.mark.parametrize(
    ("model", "want", "reason"),
    [
        (svm.SVC(probability=True, random_state=0), "predict_proba", "predict_proba of SVC"),
        (svm.SVC(kernel=lambda a, b: a @ b.T), "predict", "kernel"),
        (dummy.DummyClassifier(strategy="stratified"), "predict", "stratified"),
        (calibration.CalibratedClassifierCV(LOGISTIC, method="temperature", cv=3), "predict", "temperature"),
    ],
    ids=["probability", "kernel", "dice", "temperature"],
)
def test_what_cannot_be_compiled_says_which_part(model: Any, want: str, reason: str) -> None:
    model.fit(numbers(), truths())
    with pytest.raises(NotCompilable, match=reason):
        program_of(model, numbers(), want)
