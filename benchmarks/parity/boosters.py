"""XGBoost, LightGBM and CatBoost, logged with their own flavors and as a last step of a pipeline."""

from collections.abc import Callable
from functools import partial
from typing import Any

import lightgbm
import xgboost
from catboost import CatBoostClassifier, CatBoostRegressor

from benchmarks.parity.pipelines import columns_by, ordinal
from benchmarks.parity.recipes import Recipe, behind, fitted
from benchmarks.parity.tables import Sample, Table

_XGB: dict[str, Any] = {"n_estimators": 40, "max_depth": 5, "random_state": 1, "n_jobs": 1}
_LGB: dict[str, Any] = {"n_estimators": 40, "random_state": 1, "verbose": -1, "n_jobs": 1}
_CAT: dict[str, Any] = {"iterations": 40, "random_seed": 1, "verbose": False, "allow_writing_files": False}


def _boosted(
    flavor: str, make: Callable[[], Any], target: str, tables: tuple[str, ...], *, name: str = "", want: str = "predict"
) -> Recipe:
    label = name or getattr(make, "func", make).__name__
    return Recipe("XGBoost, LightGBM, CatBoost", label, tables, fitted(make, target), want, flavor)


def _words_as_numbers(three: Any) -> Any:
    return (three == "mid") * 1 + (three == "überhoch") * 2


def _numbered(make: Callable[[], Any]) -> Callable[[Sample, Table], Any]:
    """XGBoost wants classes from 0."""

    def fit(sample: Sample, table: Table) -> Any:
        x = sample.x.to_numpy() if table.is_tensor else sample.x
        return make().fit(x, _words_as_numbers(sample.three))

    return fit


def _categorical(make: Callable[[list[str]], Any], target: str) -> Callable[[Sample, Table], Any]:
    def fit(sample: Sample, table: Table) -> Any:
        return make(list(table.words)).fit(sample.x, getattr(sample, target))

    return fit


def _raw_booster(sample: Sample, table: Table) -> Any:
    x = sample.x.to_numpy() if table.is_tensor else sample.x
    matrix = xgboost.DMatrix(x, sample.two)
    return xgboost.train({"objective": "binary:logistic", "max_depth": 4, "seed": 1, "nthread": 1}, matrix, 30)


def _raw_lightgbm(sample: Sample, table: Table) -> Any:
    x = sample.x.to_numpy() if table.is_tensor else sample.x
    rows = lightgbm.Dataset(x, sample.two)
    return lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 1}, rows, 30)


_ENCODED = columns_by("passthrough", ordinal())
_FAMILY = "XGBoost, LightGBM, CatBoost"

BOOSTERS = (
    _boosted("xgboost", partial(xgboost.XGBRegressor, **_XGB), "number", ("gaps", "diabetes")),
    _boosted("xgboost", partial(xgboost.XGBClassifier, **_XGB), "two", ("gaps", "breast_cancer")),
    Recipe(
        _FAMILY,
        "XGBClassifier, three classes",
        ("figures", "wine"),
        _numbered(partial(xgboost.XGBClassifier, **_XGB)),
        flavor="xgboost",
    ),
    Recipe(_FAMILY, "XGBoost Booster, logistic", ("gaps", "matrix"), _raw_booster, flavor="xgboost"),
    _boosted(
        "xgboost",
        partial(xgboost.XGBRegressor, **{**_XGB, "booster": "dart", "rate_drop": 0.1}),
        "number",
        ("gaps",),
        name="XGBRegressor, dart",
    ),
    _boosted("xgboost", partial(xgboost.XGBRFRegressor, **_XGB), "number", ("figures",)),
    _boosted(
        "sklearn",
        partial(xgboost.XGBClassifier, **_XGB),
        "two",
        ("gaps",),
        name="XGBClassifier (proba)",
        want="predict_proba",
    ),
    Recipe(
        _FAMILY,
        "pipeline, ordinal encoder, XGBRegressor",
        ("ledger",),
        behind(_ENCODED, partial(xgboost.XGBRegressor, **_XGB), "number"),
    ),
    _boosted("lightgbm", partial(lightgbm.LGBMRegressor, **_LGB), "number", ("gaps", "diabetes")),
    _boosted("lightgbm", partial(lightgbm.LGBMClassifier, **_LGB), "three", ("gaps", "wine")),
    _boosted(
        "sklearn",
        partial(lightgbm.LGBMClassifier, **_LGB),
        "two",
        ("gaps", "breast_cancer"),
        name="LGBMClassifier (proba)",
        want="predict_proba",
    ),
    Recipe(_FAMILY, "LightGBM Booster, binary", ("gaps", "matrix"), _raw_lightgbm, flavor="lightgbm"),
    _boosted(
        "lightgbm",
        partial(lightgbm.LGBMRegressor, **{**_LGB, "linear_tree": True}),
        "number",
        ("diabetes",),
        name="LGBMRegressor, linear leaves",
    ),
    Recipe(
        _FAMILY,
        "pipeline, ordinal encoder, LGBMClassifier",
        ("ledger",),
        behind(_ENCODED, partial(lightgbm.LGBMClassifier, **_LGB), "three"),
    ),
    _boosted("catboost", partial(CatBoostRegressor, **_CAT), "number", ("gaps", "diabetes")),
    _boosted("catboost", partial(CatBoostClassifier, **_CAT), "two", ("gaps", "breast_cancer")),
    _boosted(
        "catboost", partial(CatBoostClassifier, **_CAT), "three", ("figures", "wine"), name="CatBoostClassifier, words"
    ),
    Recipe(
        _FAMILY,
        "CatBoostClassifier with categories",
        ("ledger",),
        _categorical(lambda words: CatBoostClassifier(**_CAT, cat_features=words), "two"),
        flavor="catboost",
    ),
)
