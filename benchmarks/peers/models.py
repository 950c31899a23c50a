"""The two models of the data-plane benchmark. NumPy, pandas and scikit-learn only: every peer's environment runs this.

`fraud` is a pipeline with strings (20 numbers scaled, 10 categories encoded, logistic regression), `gbt` is 200 boosted
trees on 30 numbers. Both answer with probabilities.
"""

from typing import Any

import numpy as np
import pandas as pd

NAMES = ("fraud", "gbt")
_ROWS = 20_000
_CATEGORIES = ("alpha", "beta", "gamma", "delta", "épsilon", "zeta", "eta", "theta", "iota", "kappa")


def frame(name: str, rows: int = _ROWS, seed: int = 7) -> pd.DataFrame:
    """Rows to train on or to ask about."""
    random = np.random.default_rng(seed)
    numbers = {f"n{index}": random.normal(size=rows).round(4) for index in range(20 if name == "fraud" else 30)}
    if name == "gbt":
        return pd.DataFrame(numbers)
    words = {f"c{index}": random.choice(_CATEGORIES, size=rows).astype(object) for index in range(10)}
    return pd.DataFrame({**numbers, **words})


def train(name: str) -> Any:
    """The fitted model, the same everywhere."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    data = frame(name)
    signal = data["n0"] + data["n1"] * data["n2"] - 0.5 * data["n3"]
    if name == "fraud":
        signal = signal + (data["c0"] == "alpha") - (data["c1"] == "beta")
    labels = (signal + np.random.default_rng(8).normal(scale=0.5, size=len(data)) > 0).astype(int)
    if name == "gbt":
        return HistGradientBoostingClassifier(max_iter=200, random_state=0, early_stopping=False).fit(data, labels)
    numbers = [column for column in data if column.startswith("n")]
    words = [column for column in data if column.startswith("c")]
    encode = ColumnTransformer(
        [("numbers", StandardScaler(), numbers), ("words", OneHotEncoder(handle_unknown="ignore"), words)]
    )
    return Pipeline([("encode", encode), ("classify", LogisticRegression(max_iter=1000))]).fit(data, labels)


def asked(name: str, rows: int) -> pd.DataFrame:
    """The rows of a request; not among those that the model was trained on."""
    return frame(name, rows, seed=99)
