"""Eight kinds of models that stock converters get wrong without a word. Here each is right, or refused.

Rows are the training's own and thousands of others at and beside the bounds of the trees, in single and in double
precision.
"""

from typing import Any

import lightgbm
import numpy as np
import pandas
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from harness.tree_parity import assert_equal_answers, bounds_of, compiled, hard_rows, neighbours, tables, target, tensor
from pierhead.compile.domain.program import MISSING, UNKNOWN, Column, NotCompilable

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")

ROWS = 1500
NUMBERS = ["amount", "at", "customer", "score"]
WORDS = {"city": [f"Straße {number}" for number in range(30)], "plan": ["basic", "plus", "pro"]}


def orders(seed: int, rows: int = ROWS) -> pandas.DataFrame:
    """Money, epoch milliseconds, ids and a decimal, some missing; text, some of it unseen in the training."""
    rng = np.random.default_rng(seed)
    table = pandas.DataFrame(
        {
            "amount": np.round(rng.lognormal(4, 1.5, size=rows), 2),
            "at": rng.integers(1_600_000_000_000, 1_800_000_000_000, size=rows).astype(np.float64),
            "customer": rng.integers(100_000_000, 999_999_999, size=rows).astype(np.float64),
            "score": np.round(rng.normal(20, 8, size=rows), 1),
            "city": rng.choice([*WORDS["city"], "unseen"] if seed else WORDS["city"], size=rows),
            "plan": rng.choice(WORDS["plan"], size=rows),
        }
    )
    table.loc[rng.random(rows) < 0.1, "amount"] = np.nan
    return table


def bought(table: pandas.DataFrame) -> np.ndarray:
    rng = np.random.default_rng(9)
    place = table["city"].str.len() % 3 + (table["plan"] == "pro") * 2
    score = (
        np.log(table["amount"].fillna(50)) + place + (table["customer"] % 97) / 40 + (table["at"] % 86_400_000) / 5e7
    )
    return np.asarray(score + rng.normal(size=len(table)) * 0.3 > score.median()).astype(int)


COLUMNS = [Column(name, "double") for name in NUMBERS] + [Column(name, "string") for name in WORDS]


def pipeline(model: Any, *, scaled: bool, is_sparse: bool) -> Any:
    numbers = [SimpleImputer(strategy="median"), *([StandardScaler()] if scaled else [])]
    parts = [
        ("numbers", make_pipeline(*numbers), NUMBERS),
        ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=is_sparse), list(WORDS)),
    ]
    threshold = 1.0 if is_sparse else 0.0
    return make_pipeline(ColumnTransformer(parts, sparse_threshold=threshold), model)


def on_the_splits(fitted: Any, program: Any, table: pandas.DataFrame) -> pandas.DataFrame:
    """`table` with numbers for which the scaled value lies at a bound of a tree, and their neighbours."""
    chain = fitted[0].named_transformers_["numbers"]
    bounds = bounds_of(program)
    rng = np.random.default_rng(3)
    probed = []
    for place, name in enumerate(NUMBERS):
        values = neighbours(bounds.get(place, np.zeros(1)))
        if "standardscaler" in chain.named_steps:
            scaler = chain.named_steps["standardscaler"]
            values = values * scaler.scale_[place] + scaler.mean_[place]
        values = np.concatenate([neighbours(values), [np.nan, 2.0**24 + 1]])
        part = table.iloc[rng.integers(len(table), size=min(400, len(values)))].copy()
        part[name] = rng.permutation(values)[: len(part)]
        probed.append(part)
    return pandas.concat([table, *probed], ignore_index=True)


def encoded(table: pandas.DataFrame, columns: tuple[Column, ...]) -> np.ndarray:
    x = np.empty((len(table), len(columns)))
    for place, column in enumerate(columns):
        known = {word: float(code) for code, word in enumerate(column.vocabulary)}
        values = table[column.name]
        is_text = column.kind == "string"
        x[:, place] = [MISSING if v is None else known.get(v, UNKNOWN) for v in values] if is_text else values
    return x


def assert_pipeline_alike(model: Any, relative: float, *, scaled: bool = True, is_sparse: bool = False) -> None:
    train = orders(0)
    fitted = pipeline(model, scaled=scaled, is_sparse=is_sparse).fit(train, bought(train))
    assert bool(fitted[0].sparse_output_) == is_sparse
    program = compiled(fitted, COLUMNS, "predict_proba")
    table = on_the_splits(fitted, program.program, pandas.concat([train, orders(1)], ignore_index=True))
    x = encoded(table, program.program.columns)
    away = program.declined(x)
    assert not away.any()
    wanted = fitted.predict_proba(table)
    for answer in program.answers(x):
        np.testing.assert_allclose(answer, wanted, rtol=relative, atol=relative)
        assert np.array_equal(answer.argmax(axis=1), wanted.argmax(axis=1)) or tied(answer, wanted)


def tied(answer: np.ndarray, wanted: np.ndarray) -> bool:
    differing = answer.argmax(axis=1) != wanted.argmax(axis=1)
    return bool(np.all(np.abs(wanted[differing, 0] - 0.5) < 1e-12))


def test_1_categories_of_histogram_boosting() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 50, size=(ROWS, 2)).astype(np.float64)
    x = np.column_stack([tables(0, rows=ROWS)[:, :4], codes])
    y = (codes[:, 0] % 3 + codes[:, 1] % 2 + x[:, 0] > 1.5).astype(int)
    model = HistGradientBoostingClassifier(max_iter=40, categorical_features=[4, 5]).fit(x, y)
    program = compiled(model, tensor(6), "predict_proba")
    rows = hard_rows(program.program, x, most=3000)
    assert_equal_answers(program, model.predict_proba, rows, relative=1e-9)


def test_2_scaler_and_one_hot_before_a_forest() -> None:
    assert_pipeline_alike(RandomForestClassifier(30, random_state=0), 1e-9)


def test_3_scaler_and_one_hot_before_xgboost() -> None:
    assert_pipeline_alike(xgboost.XGBClassifier(n_estimators=60, random_state=0), 1e-6)


def test_4_lightgbm_on_big_numbers() -> None:
    x = tables(4, rows=ROWS)
    model = lightgbm.LGBMRegressor(n_estimators=60, verbose=-1).fit(x, target(x, 4))
    program = compiled(model, tensor(8))
    assert_equal_answers(program, model.predict, hard_rows(program.program, x, most=4000), relative=1e-9)


def test_5_histogram_boosting_on_big_numbers() -> None:
    x = tables(5, rows=ROWS, missing=0.05)
    model = HistGradientBoostingRegressor(max_iter=60).fit(x, target(x, 5))
    program = compiled(model, tensor(8))
    assert_equal_answers(program, model.predict, hard_rows(program.program, x, most=4000), relative=1e-9)


def test_6_imputer_and_scaler_before_histogram_boosting() -> None:
    assert_pipeline_alike(HistGradientBoostingClassifier(max_iter=60, random_state=0), 1e-9)


def test_7_sparse_one_hot_before_xgboost() -> None:
    assert_pipeline_alike(xgboost.XGBClassifier(n_estimators=60, random_state=0), 1e-6, scaled=False, is_sparse=True)
    assert_pipeline_alike(xgboost.XGBClassifier(n_estimators=60, random_state=0), 1e-6, scaled=True, is_sparse=True)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=0),
        GradientBoostingClassifier(n_estimators=20, random_state=0),
        lightgbm.LGBMClassifier(n_estimators=40, verbose=-1),
        lightgbm.LGBMClassifier(n_estimators=40, verbose=-1, zero_as_missing=True),
    ],
    ids=["forest", "boosting", "lightgbm", "lightgbm without zeros"],
)
def test_7_sparse_one_hot_before_other_trees(model: Any) -> None:
    assert_pipeline_alike(model, 1e-9, is_sparse=True)


def test_8_words_of_texts_are_refused() -> None:
    texts = ["can't stop", "naïve café", "a b c", "日本 語 tokens"] * 5
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [0, 1, 0, 1] * 5)
    with pytest.raises(NotCompilable):
        compiled(model, [Column("text", "string")])
