"""scikit-learn models without preprocessing, or behind a scaler where they need one."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sklearn import cluster, discriminant_analysis, ensemble, linear_model, mixture, naive_bayes, neighbors, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.covariance import EllipticEnvelope
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from benchmarks.parity.recipes import Recipe, fitted

_Tables = tuple[str, ...]


def _model(
    family: str, make: Callable[[], Any], target: str, tables: _Tables, *, want: str = "predict", name: str = ""
) -> Recipe:
    label = name or getattr(getattr(make, "func", make), "__name__", "model")
    suffix = {"predict": "", "predict_proba": " (proba)"}.get(want, f" ({want})")
    return Recipe(family, label + suffix, tables, fitted(make, target), want)


def _scaled(make: Callable[[], Any], scaler: Callable[[], Any] = StandardScaler) -> Callable[[], Any]:
    return lambda: make_pipeline(scaler(), make())


def _linear(make: Callable[[], Any], target: str, tables: _Tables, **more: str) -> Recipe:
    name = getattr(getattr(make, "func", make), "__name__", "")
    return _model("linear models", _scaled(make), target, tables, name=name, **more)


_LM = linear_model

LINEAR = (
    _model("linear models", _LM.LinearRegression, "number", ("figures", "diabetes")),
    _model(
        "linear models", _LM.LinearRegression, "many", ("linnerud", "matrix"), name="LinearRegression, many targets"
    ),
    _linear(_LM.LassoCV, "number", ("diabetes",)),
    _linear(_LM.ElasticNet, "number", ("figures",)),
    _linear(_LM.BayesianRidge, "number", ("diabetes",)),
    _linear(_LM.HuberRegressor, "number", ("diabetes",)),
    _linear(_LM.PoissonRegressor, "two", ("figures",)),
    _linear(partial(_LM.TweedieRegressor, power=1.5), "two", ("breast_cancer",)),
    _linear(partial(_LM.SGDClassifier, random_state=1), "three", ("figures", "wine")),
    _linear(partial(_LM.SGDClassifier, loss="log_loss", random_state=1), "two", ("figures",), want="predict_proba"),
    _linear(partial(_LM.Perceptron, random_state=1), "two", ("breast_cancer",)),
    _linear(_LM.RidgeClassifier, "three", ("wine",)),
    _linear(_LM.LogisticRegression, "three", ("matrix", "iris"), want="predict_proba"),
    _linear(_LM.LogisticRegression, "two", ("digits",), want="predict_log_proba"),
    _linear(discriminant_analysis.LinearDiscriminantAnalysis, "three", ("wine",), want="predict_proba"),
    _linear(discriminant_analysis.QuadraticDiscriminantAnalysis, "three", ("wine", "figures"), want="predict_proba"),
)

_T = "trees and forests"

TREES = (
    _model(_T, partial(tree.DecisionTreeClassifier, random_state=1), "three", ("gaps", "iris")),
    _model(_T, partial(tree.DecisionTreeRegressor, random_state=1), "number", ("figures", "diabetes")),
    _model(
        _T,
        partial(tree.DecisionTreeRegressor, random_state=1),
        "many",
        ("linnerud",),
        name="DecisionTree, many targets",
    ),
    _model(_T, partial(tree.ExtraTreeClassifier, random_state=1), "two", ("figures",)),
    _model(_T, partial(ensemble.RandomForestClassifier, 40, random_state=1), "three", ("gaps", "digits")),
    _model(
        _T,
        partial(ensemble.RandomForestClassifier, 40, random_state=1),
        "two",
        ("matrix_gaps", "breast_cancer"),
        want="predict_proba",
    ),
    _model(_T, partial(ensemble.RandomForestRegressor, 30, random_state=1), "number", ("gaps", "diabetes")),
    _model(
        _T,
        partial(ensemble.RandomForestRegressor, 20, random_state=1),
        "many",
        ("matrix",),
        name="forest, many targets",
    ),
    _model(
        _T,
        partial(ensemble.ExtraTreesClassifier, 30, random_state=1),
        "three",
        ("figures", "wine"),
        want="predict_proba",
    ),
    _model(_T, partial(ensemble.ExtraTreesRegressor, 30, random_state=1), "number", ("figures",)),
    _model(
        _T,
        partial(ensemble.GradientBoostingClassifier, random_state=1),
        "three",
        ("figures", "iris"),
        want="predict_proba",
    ),
    _model(_T, partial(ensemble.GradientBoostingRegressor, random_state=1), "number", ("figures", "diabetes")),
    _model(
        _T,
        partial(ensemble.HistGradientBoostingClassifier, max_iter=50),
        "three",
        ("gaps", "wine"),
        want="predict_proba",
    ),
    _model(_T, partial(ensemble.HistGradientBoostingClassifier, max_iter=50), "two", ("matrix_gaps", "breast_cancer")),
    _model(_T, partial(ensemble.HistGradientBoostingRegressor, max_iter=50), "number", ("gaps", "diabetes")),
    _model(
        _T,
        partial(ensemble.HistGradientBoostingRegressor, max_iter=50, loss="poisson"),
        "two",
        ("gaps",),
        name="HistGradientBoostingRegressor, Poisson",
    ),
    _model(
        _T, partial(ensemble.AdaBoostClassifier, random_state=1), "three", ("figures", "iris"), want="predict_proba"
    ),
    _model(_T, partial(ensemble.AdaBoostRegressor, random_state=1), "number", ("diabetes",)),
    _model(_T, partial(ensemble.BaggingClassifier, random_state=1), "three", ("figures",), want="predict_proba"),
    _model(_T, partial(ensemble.BaggingRegressor, random_state=1), "number", ("gaps",)),
)

_O = "support vectors, networks, naive Bayes"

OTHERS = (
    _model(_O, _scaled(svm.SVC), "three", ("figures", "iris"), name="SVC rbf"),
    _model(_O, _scaled(partial(svm.SVC, kernel="poly")), "two", ("wine",), name="SVC poly"),
    _model(_O, _scaled(svm.NuSVC), "two", ("breast_cancer",), name="NuSVC"),
    _model(_O, _scaled(partial(svm.LinearSVC, random_state=1)), "three", ("wine",), name="LinearSVC"),
    _model(_O, _scaled(svm.SVR), "number", ("figures", "diabetes"), name="SVR"),
    _model(_O, _scaled(svm.LinearSVR), "number", ("diabetes",), name="LinearSVR"),
    _model(
        _O,
        _scaled(partial(MLPClassifier, hidden_layer_sizes=(20,), max_iter=150, random_state=1)),
        "three",
        ("figures", "digits"),
        want="predict_proba",
        name="MLPClassifier",
    ),
    _model(
        _O,
        _scaled(partial(MLPRegressor, hidden_layer_sizes=(15, 8), activation="tanh", max_iter=150, random_state=1)),
        "number",
        ("figures", "diabetes"),
        name="MLPRegressor",
    ),
    _model(_O, naive_bayes.GaussianNB, "three", ("figures", "iris"), want="predict_proba"),
    _model(_O, naive_bayes.MultinomialNB, "three", ("digits",), want="predict_proba"),
    _model(_O, naive_bayes.ComplementNB, "two", ("digits",)),
    _model(_O, naive_bayes.BernoulliNB, "three", ("figures", "wine"), want="predict_proba"),
)

_C = "calibrated, voting, stacking"


def _members() -> list[tuple[str, Any]]:
    return [
        ("logit", make_pipeline(StandardScaler(), _LM.LogisticRegression())),
        ("forest", ensemble.RandomForestClassifier(15, random_state=1)),
        ("bayes", naive_bayes.GaussianNB()),
    ]


def _regressors() -> list[tuple[str, Any]]:
    return [("ridge", _scaled(_LM.Ridge)()), ("forest", ensemble.RandomForestRegressor(15, random_state=1))]


COMMITTEES = (
    _model(
        _C,
        lambda: CalibratedClassifierCV(_scaled(svm.LinearSVC)(), cv=3),
        "two",
        ("figures", "breast_cancer"),
        want="predict_proba",
        name="CalibratedClassifierCV, sigmoid",
    ),
    _model(
        _C,
        lambda: CalibratedClassifierCV(ensemble.RandomForestClassifier(10, random_state=1), method="isotonic", cv=3),
        "three",
        ("figures", "wine"),
        want="predict_proba",
        name="CalibratedClassifierCV, isotonic",
    ),
    _model(
        _C,
        lambda: ensemble.VotingClassifier(_members(), voting="soft"),
        "three",
        ("figures", "iris"),
        want="predict_proba",
        name="VotingClassifier, soft",
    ),
    _model(
        _C, lambda: ensemble.VotingClassifier(_members()), "three", ("wine", "figures"), name="VotingClassifier, hard"
    ),
    _model(_C, lambda: ensemble.VotingRegressor(_regressors()), "number", ("diabetes",), name="VotingRegressor"),
    _model(
        _C,
        lambda: ensemble.StackingClassifier(_members(), cv=3),
        "three",
        ("figures", "wine"),
        want="predict_proba",
        name="StackingClassifier",
    ),
    _model(
        _C, lambda: ensemble.StackingRegressor(_regressors(), cv=3), "number", ("figures",), name="StackingRegressor"
    ),
    _model(
        _C,
        lambda: MultiOutputRegressor(ensemble.HistGradientBoostingRegressor(max_iter=20)),
        "many",
        ("matrix",),
        name="MultiOutputRegressor",
    ),
)

_G = "clusters, outliers, neighbours"

GROUPS = (
    _model(
        _G, _scaled(partial(cluster.KMeans, 5, n_init=2, random_state=1)), "none", ("figures", "iris"), name="KMeans"
    ),
    _model(
        _G,
        _scaled(partial(cluster.MiniBatchKMeans, 4, n_init=2, random_state=1)),
        "none",
        ("wine",),
        name="MiniBatchKMeans",
    ),
    _model(_G, _scaled(partial(cluster.BisectingKMeans, 4, random_state=1)), "none", ("wine",), name="BisectingKMeans"),
    _model(
        _G, partial(ensemble.IsolationForest, n_estimators=50, random_state=1), "none", ("figures", "breast_cancer")
    ),
    _model(_G, _scaled(svm.OneClassSVM), "none", ("wine",), name="OneClassSVM"),
    _model(_G, partial(EllipticEnvelope, random_state=1), "none", ("iris",)),
    _model(
        _G, _scaled(partial(neighbors.KNeighborsClassifier, 5), MinMaxScaler), "three", ("iris",), name="KNeighbors"
    ),
    _model(_G, _scaled(GaussianProcessRegressor), "number", ("diabetes",), name="GaussianProcessRegressor"),
    _model(_G, partial(mixture.GaussianMixture, 3, random_state=1), "none", ("iris",)),
)

ESTIMATORS = (*LINEAR, *TREES, *OTHERS, *COMMITTEES, *GROUPS)
