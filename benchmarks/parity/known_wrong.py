"""Models that the stock converters turn into wrong answers without an error. Here each must be refused or right."""

from functools import partial
from typing import Any

import xgboost
from lightgbm import LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from benchmarks.parity.pipelines import columns_by, filled_and_scaled, one_hot, ordinal
from benchmarks.parity.recipes import Recipe, behind, fitted
from benchmarks.parity.tables import Table

_FAMILY = "known to be converted wrongly"
_XGB: dict[str, Any] = {"n_estimators": 60, "max_depth": 5, "random_state": 1, "n_jobs": 1}


def _coded_words(table: Table) -> Any:
    words = ColumnTransformer([("words", ordinal(), list(table.words))], remainder="passthrough")
    return words.set_output(transform="pandas")


def _scaled_xgboost() -> Any:
    return make_pipeline(filled_and_scaled(), xgboost.XGBClassifier(**_XGB))


def _sparse(table: Table) -> Any:
    """Sparse for the encoder, so that XGBoost takes zeros for missing values."""
    return ColumnTransformer([("words", one_hot(), list(table.words))], remainder="drop")


def _texts(table: Table) -> Any:
    return ColumnTransformer([(name, TfidfVectorizer(), name) for name in table.words], remainder="drop")


def _trap(name: str, table: str, fit: Any, trap: str, want: str = "predict", flavor: str = "sklearn") -> Recipe:
    return Recipe(_FAMILY, name, (table,), fit, want, flavor, trap)


KNOWN_WRONG = (
    _trap(
        "HistGradientBoosting with categorical splits",
        "ledger",
        behind(
            _coded_words,
            lambda: HistGradientBoostingClassifier(max_iter=60, categorical_features=[0, 1], random_state=1),
            "two",
        ),
        "categorical splits are lost: 1613 of 4000 labels",
        "predict_proba",
    ),
    _trap(
        "scaler and one-hot before a random forest",
        "ledger",
        behind(columns_by(filled_and_scaled(), one_hot()), lambda: RandomForestClassifier(50, random_state=1), "two"),
        "scaled values move over thresholds in single precision: 385 of 10000 rows",
        "predict_proba",
    ),
    _trap(
        "scaler and one-hot before XGBoost",
        "ledger",
        behind(
            columns_by(filled_and_scaled(), one_hot(sparse_output=False)),
            partial(xgboost.XGBClassifier, **_XGB),
            "two",
        ),
        "the same, and XGBoost splits at values of the data: 6084 of 10000 rows",
        "predict_proba",
    ),
    _trap(
        "imputer and scaler before XGBoost",
        "gaps",
        fitted(_scaled_xgboost, "two"),
        "the same without words: 5639 of 10000 rows",
        "predict_proba",
    ),
    _trap(
        "imputer and scaler before HistGradientBoosting",
        "gaps",
        fitted(
            lambda: make_pipeline(filled_and_scaled(), HistGradientBoostingClassifier(max_iter=60, random_state=1)),
            "two",
        ),
        "the same: 1853 of 10000 rows",
    ),
    _trap(
        "sparse one-hot before XGBoost",
        "ledger",
        behind(_sparse, partial(xgboost.XGBClassifier, **_XGB), "two"),
        "absent zeros are missing values to XGBoost: every probability, 5688 of 10000 labels",
        "predict_proba",
    ),
    _trap(
        "LightGBM on ids and dates",
        "figures",
        fitted(partial(LGBMRegressor, n_estimators=80, random_state=1, verbose=-1, n_jobs=1), "number"),
        "thresholds in single precision: 228 of 4000 rows",
        flavor="lightgbm",
    ),
    _trap(
        "HistGradientBoosting on ids and dates",
        "figures",
        fitted(partial(HistGradientBoostingRegressor, max_iter=80, random_state=1), "number"),
        "thresholds in single precision: 197 of 4000 rows",
    ),
    _trap(
        "words of texts by Tfidf",
        "notes",
        behind(_texts, LogisticRegression, "two"),
        "words are cut otherwise: 1378 of 2000 rows",
        "predict_proba",
    ),
    _trap(
        "GaussianMixture",
        "figures",
        behind(lambda table: filled_and_scaled(), lambda: GaussianMixture(3, random_state=1), "none"),  # noqa: ARG005
        "35 of 14000 labels",
    ),
)
