"""Larger models on real and made-up data, hundreds of thousands of rows: no wrong answer at all."""

from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray
from sklearn import datasets, ensemble

from harness.tree_parity import assert_equal_answers, classes, compiled, hard_rows, tables, target, tensor

catboost = pytest.importorskip("catboost", reason="catboost is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning"),
]

Data = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
QUIET: dict[str, Any] = {"verbose": 0, "allow_writing_files": False, "iterations": 30, "thread_count": 1}


def made_up(missing: float) -> Data:
    x = tables(21, rows=3000, missing=missing)
    return x, target(x, 21), classes(x, 21, 3)


def real(load: Callable[..., Any]) -> Data:
    x, y = load(return_X_y=True)
    ranks = np.digitize(y, np.quantile(y, [0.3, 0.7])) if len(np.unique(y)) > 10 else y
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), ranks.astype(np.int64)


DATA: dict[str, Callable[[], Data]] = {
    "made up": lambda: made_up(0.0),
    "made up with gaps": lambda: made_up(0.08),
    "diabetes": lambda: real(datasets.load_diabetes),
    "breast cancer": lambda: real(datasets.load_breast_cancer),
    "digits": lambda: real(datasets.load_digits),
    "wine": lambda: real(datasets.load_wine),
}

MODELS: dict[str, tuple[Callable[[], Any], float]] = {
    "forest": (lambda: ensemble.RandomForestClassifier(20, random_state=0), 1e-9),
    "extra trees": (lambda: ensemble.ExtraTreesRegressor(15, random_state=0), 1e-9),
    "histogram classes": (lambda: ensemble.HistGradientBoostingClassifier(max_iter=12, random_state=0), 1e-9),
    "histogram": (lambda: ensemble.HistGradientBoostingRegressor(max_iter=30, random_state=0), 1e-9),
    "xgboost classes": (lambda: xgboost.XGBClassifier(n_estimators=20, n_jobs=1), 1e-5),
    "xgboost": (lambda: xgboost.XGBRegressor(n_estimators=30, n_jobs=1), 1e-5),
    "lightgbm classes": (lambda: lightgbm.LGBMClassifier(n_estimators=20, verbose=-1, n_jobs=1), 1e-9),
    "lightgbm": (lambda: lightgbm.LGBMRegressor(n_estimators=30, verbose=-1, n_jobs=1), 1e-9),
    "catboost classes": (lambda: catboost.CatBoostClassifier(**QUIET), 1e-9),
    "catboost": (lambda: catboost.CatBoostRegressor(**QUIET), 1e-9),
    "isolation forest": (lambda: ensemble.IsolationForest(n_estimators=30, random_state=0), 1e-9),
}


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("name", MODELS)
def test_no_wrong_answer(name: str, kind: str) -> None:
    make, relative = MODELS[name]
    x, numbers, ranks = DATA[kind]()
    model = make()
    if name == "isolation forest":
        model.fit(np.nan_to_num(x))
        want = "score_samples"
    else:
        model.fit(x, numbers if hasattr(model, "predict") and not hasattr(model, "predict_proba") else ranks)
        want = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    program = compiled(model, tensor(x.shape[1]), want)
    rows = hard_rows(program.program, x, most=4000)
    scale = float(np.std(numbers)) if want == "predict" else 1.0
    assert_equal_answers(program, getattr(model, want), rows, relative=relative, scale=scale)
