"""Tree models as MLflow logs them: loaded by MLflow, extracted, and answering what MLflow's own wrapper answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import mlflow
import numpy as np
import pandas
import pytest
import xgboost
from mlflow.models import infer_signature
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.tree_parity import Compiled, classes, hard_rows, tables, target
from pierhead.compile.extract.model import extract

catboost = pytest.importorskip("catboost", reason="catboost is not installed")

# MLflow and the libraries warn about formats and hints; huge probes overflow in scalers and casts.
pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning",
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore:overflow encountered:RuntimeWarning",
)

NAMES = list("abcdefgh")
TABLE = pandas.DataFrame(tables(11, rows=400), columns=NAMES)
Y = target(TABLE.to_numpy(), 11)
TWO = classes(TABLE.to_numpy(), 11, 2)
THREE = np.array(["low", "middle", "high"])[classes(TABLE.to_numpy(), 11, 3)]
QUIET: dict[str, Any] = {"verbose": 0, "allow_writing_files": False, "iterations": 10}

MODELS: dict[str, tuple[Any, Callable[[], Any], float]] = {
    "forest": (mlflow.sklearn, lambda: RandomForestClassifier(10, random_state=0).fit(TABLE, THREE), 1e-9),
    "scaler and boosting": (
        mlflow.sklearn,
        lambda: make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=10)).fit(TABLE, THREE),
        1e-9,
    ),
    "histogram boosting": (mlflow.sklearn, lambda: HistGradientBoostingRegressor(max_iter=10).fit(TABLE, Y), 1e-9),
    "scaler and xgboost": (
        mlflow.sklearn,
        lambda: make_pipeline(StandardScaler(), xgboost.XGBRegressor(n_estimators=10)).fit(TABLE, Y),
        1e-5,
    ),
    "xgboost classifier": (mlflow.xgboost, lambda: xgboost.XGBClassifier(n_estimators=8).fit(TABLE, TWO), 1e-5),
    "xgboost booster": (
        mlflow.xgboost,
        lambda: xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(TABLE, TWO), 8),
        1e-5,
    ),
    "lightgbm classifier": (
        mlflow.lightgbm,
        lambda: lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(TABLE, THREE),
        1e-9,
    ),
    "lightgbm booster": (
        mlflow.lightgbm,
        lambda: lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(TABLE, TWO), 8),
        1e-9,
    ),
    "catboost regressor": (mlflow.catboost, lambda: catboost.CatBoostRegressor(**QUIET).fit(TABLE, Y), 1e-9),
    "catboost counts": (
        mlflow.catboost,
        lambda: catboost.CatBoostRegressor(**QUIET, loss_function="Poisson").fit(TABLE, Y - Y.min() + 1),
        1e-9,
    ),
    "catboost classifier": (mlflow.catboost, lambda: catboost.CatBoostClassifier(**QUIET).fit(TABLE, THREE), 1e-9),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_logged_model_answers_what_mlflow_answers(name: str, tmp_path: Path) -> None:
    flavor, make, relative = MODELS[name]
    model = make()
    folder = tmp_path / "model"
    options = {"serialization_format": "cloudpickle"} if flavor.__name__ == "mlflow.sklearn" else {}
    flavor.save_model(model, str(folder), signature=infer_signature(TABLE, Y), pip_requirements=["mlflow"], **options)
    loaded = mlflow.pyfunc.load_model(str(folder))

    compiled = Compiled(extract(folder, loaded))

    rows = hard_rows(compiled.program, TABLE.to_numpy()[:150], most=500)
    rows = rows[~compiled.declined(rows)]
    wanted = np.asarray(loaded.predict(pandas.DataFrame(rows, columns=NAMES))).reshape(len(rows), -1)
    if compiled.program.answer.dtype == "label":
        for labels in compiled.labels(rows):
            assert labels == wanted[:, 0].tolist()
    else:
        for answer in compiled.answers(rows):
            np.testing.assert_allclose(answer, wanted, rtol=relative, atol=relative)
