"""scikit-learn pipelines: imputers, scalers, encoders, selection and reduction before a model."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import preprocessing as pre
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    f_regression,
)
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.tree import DecisionTreeRegressor

from benchmarks.parity.recipes import Recipe, behind, fitted, numbers_of
from benchmarks.parity.tables import Table

_FAMILY = "scikit-learn pipelines"


def columns_by(numbers: Any, words: Any, rest: str = "passthrough") -> Callable[[Table], Any]:
    """A ColumnTransformer with one treatment for numbers and one for words."""
    return lambda table: ColumnTransformer(
        [("numbers", numbers, numbers_of(table)), ("words", words, list(table.words))], remainder=rest
    )


def filled_and_scaled() -> Any:
    return make_pipeline(SimpleImputer(strategy="median"), pre.StandardScaler())


def one_hot(**options: Any) -> pre.OneHotEncoder:
    return pre.OneHotEncoder(handle_unknown="ignore", **options)


def ordinal() -> pre.OrdinalEncoder:
    return pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def _each(step: Any) -> Callable[[Table], Any]:
    return lambda table: make_pipeline(SimpleImputer(), step) if table.nullable else step


def _line(name: str, step: Any, tables: tuple[str, ...] = ("gaps", "diabetes")) -> Recipe:
    """One step before a linear regression, so that every digit of it shows."""
    return Recipe(_FAMILY, f"{name}, Ridge", tables, behind(_each(step), Ridge, "number"))


_HOT = columns_by(filled_and_scaled(), one_hot())
_LOGIT = lambda: LogisticRegression(max_iter=300)  # noqa: E731 - read as a word below

PIPELINES = (
    Recipe(_FAMILY, "impute, scale, one-hot, LogisticRegression", ("ledger",), behind(_HOT, _LOGIT, "three")),
    Recipe(
        _FAMILY,
        "impute, scale, one-hot, LogisticRegression (proba)",
        ("ledger",),
        behind(_HOT, _LOGIT, "two"),
        want="predict_proba",
    ),
    Recipe(
        _FAMILY,
        "impute, scale, one-hot, HistGradientBoosting (proba)",
        ("ledger",),
        behind(
            columns_by(filled_and_scaled(), one_hot(sparse_output=False)),
            lambda: HistGradientBoostingClassifier(max_iter=40, random_state=1),
            "two",
        ),
        want="predict_proba",
    ),
    Recipe(
        _FAMILY,
        "ordinal encoder, random forest",
        ("ledger",),
        behind(
            columns_by(SimpleImputer(), ordinal()),
            lambda: RandomForestClassifier(30, max_depth=9, random_state=1),
            "three",
        ),
    ),
    Recipe(
        _FAMILY,
        "rare categories in one, drop first, LinearRegression",
        ("ledger",),
        behind(
            columns_by(SimpleImputer(), one_hot(min_frequency=40, drop="first"), "drop"), LinearRegression, "number"
        ),
    ),
    Recipe(
        _FAMILY,
        "target encoder, random forest",
        ("ledger",),
        behind(
            columns_by(SimpleImputer(), pre.TargetEncoder(random_state=1)),
            lambda: RandomForestRegressor(20, max_depth=8, random_state=1),
            "number",
        ),
    ),
    Recipe(
        _FAMILY,
        "most frequent word, one-hot with errors, LogisticRegression",
        ("ledger",),
        behind(
            columns_by(
                filled_and_scaled(), make_pipeline(SimpleImputer(strategy="most_frequent"), pre.OneHotEncoder())
            ),
            _LOGIT,
            "two",
        ),
    ),
    Recipe(
        _FAMILY,
        "columns by type, union of steps, Ridge",
        ("ledger",),
        fitted(
            lambda: make_pipeline(
                ColumnTransformer(
                    [
                        ("hot", one_hot(), make_column_selector(dtype_exclude=["number", "bool"])),
                        (
                            "numbers",
                            make_pipeline(
                                SimpleImputer(add_indicator=True),
                                FeatureUnion([("scaled", pre.StandardScaler()), ("ranked", pre.MinMaxScaler())]),
                            ),
                            make_column_selector(dtype_include="number"),
                        ),
                    ]
                ),
                Ridge(),
            ),
            "number",
        ),
    ),
    _line("MinMaxScaler clipping", pre.MinMaxScaler(clip=True)),
    _line("RobustScaler", pre.RobustScaler()),
    _line("MaxAbsScaler", pre.MaxAbsScaler(), ("gaps", "breast_cancer")),
    _line("PowerTransformer", pre.PowerTransformer(), ("gaps", "wine")),
    _line("QuantileTransformer", pre.QuantileTransformer(n_quantiles=50, random_state=1), ("gaps", "diabetes")),
    _line("KBinsDiscretizer", pre.KBinsDiscretizer(6, quantile_method="averaged_inverted_cdf"), ("gaps", "wine")),
    _line("PolynomialFeatures", make_pipeline(pre.StandardScaler(), pre.PolynomialFeatures(2)), ("gaps", "iris")),
    _line("SplineTransformer", pre.SplineTransformer(5), ("figures", "diabetes")),
    _line("Normalizer", pre.Normalizer(), ("figures", "wine")),
    _line("Binarizer", pre.Binarizer(threshold=50.0), ("figures", "wine")),
    _line("log1p", make_pipeline(pre.MinMaxScaler(clip=True), pre.FunctionTransformer(np.log1p)), ("wine",)),
    _line("PCA", make_pipeline(pre.StandardScaler(), PCA(3)), ("gaps", "digits")),
    _line("TruncatedSVD", TruncatedSVD(3, random_state=1), ("breast_cancer",)),
    _line("SelectKBest", SelectKBest(f_regression, k=2), ("gaps", "breast_cancer")),
    _line("SelectPercentile", SelectPercentile(f_regression, percentile=40), ("diabetes",)),
    _line("VarianceThreshold", VarianceThreshold(0.1), ("gaps", "digits")),
    _line("RFE", RFE(DecisionTreeRegressor(max_depth=4, random_state=1), n_features_to_select=3), ("gaps", "diabetes")),
    _line("SelectFromModel", SelectFromModel(RandomForestRegressor(5, random_state=1)), ("gaps",)),
    _line("KNNImputer", KNNImputer(), ("gaps",)),
    Recipe(
        _FAMILY,
        "values and missing indicator, decision tree",
        ("gaps",),
        fitted(
            lambda: make_pipeline(
                FeatureUnion(
                    [("filled", SimpleImputer(strategy="constant", fill_value=-1)), ("gone", MissingIndicator())]
                ),
                DecisionTreeRegressor(max_depth=8, random_state=1),
            ),
            "number",
        ),
    ),
    Recipe(
        _FAMILY,
        "target scaled, Ridge",
        ("figures", "diabetes"),
        fitted(lambda: TransformedTargetRegressor(Ridge(), transformer=pre.StandardScaler()), "number"),
    ),
)
