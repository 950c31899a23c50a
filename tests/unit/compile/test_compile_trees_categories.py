"""Categories of scikit-learn's histogram boosting: text, numbers, missing and unseen ones."""

from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from harness.tree_parity import compiled
from pierhead.compile.domain.program import MISSING, UNKNOWN, Column

rng = np.random.default_rng(4)
ROWS = 600
CITIES = [f"city {number}" for number in range(40)]


def people(rows: int = ROWS) -> pandas.DataFrame:
    """A text column among the numbers, so that the order of columns differs from that of the trees."""
    return pandas.DataFrame(
        {
            "age": rng.normal(40, 10, size=rows).round(1),
            "city": rng.choice([*CITIES, None], size=rows),
            "income": rng.lognormal(8, 1, size=rows).round(2),
            "size": rng.choice(["S", "M", "L"], size=rows),
        }
    )


def fitted(make: Any, table: pandas.DataFrame) -> Any:
    codes = table["city"].map({city: place % 7 for place, city in enumerate(CITIES)}).fillna(9).to_numpy(float)
    score = codes + (table["size"] == "M") * 3 + table["age"] / 20 + rng.normal(size=len(table)) * 0.1
    y = score if make is HistGradientBoostingRegressor else np.digitize(score, np.quantile(score, [0.4, 0.7]))
    model = make(max_iter=30, categorical_features=["city", "size"], min_samples_leaf=3, random_state=0)
    return model.fit(table, y)


def encoded(table: pandas.DataFrame, columns: tuple[Column, ...]) -> np.ndarray:
    x = np.empty((len(table), len(columns)))
    for place, column in enumerate(columns):
        if column.kind == "string":
            known = {word: float(code) for code, word in enumerate(column.vocabulary)}
            x[:, place] = [
                MISSING if word is None or word != word else known.get(word, UNKNOWN) for word in table[column.name]
            ]
        else:
            x[:, place] = table[column.name]
    return x


@pytest.mark.parametrize("make", [HistGradientBoostingRegressor, HistGradientBoostingClassifier])
def test_text_categories_with_missing_and_unseen_ones(make: Any) -> None:
    model = fitted(make, people())
    columns = [Column("age", "double"), Column("city", "string"), Column("income", "double"), Column("size", "string")]
    want = "predict" if make is HistGradientBoostingRegressor else "predict_proba"
    program = compiled(model, columns, want)
    table = people(2000)
    table.loc[::7, "city"] = "nowhere"
    table.loc[::11, "size"] = "XXL"
    table.loc[::13, "income"] = np.nan

    wanted = getattr(model, want)(table).reshape(len(table), -1)
    for answer in program.answers(encoded(table, program.program.columns)):
        np.testing.assert_allclose(answer, wanted, rtol=1e-9, atol=1e-12)


def test_numbers_as_categories() -> None:
    x = np.column_stack(
        [rng.normal(size=ROWS), rng.integers(0, 60, size=ROWS), rng.choice([1.5, 2.5, np.nan], size=ROWS)]
    )
    model = HistGradientBoostingRegressor(max_iter=20, categorical_features=[1, 2], min_samples_leaf=2)
    model.fit(x, x[:, 0] + (x[:, 1] % 5) + np.nan_to_num(x[:, 2]))
    program = compiled(model, [Column(None, "double")] * 3)
    probes = np.column_stack(
        [rng.normal(size=300), rng.integers(-3, 70, size=300), rng.choice([1.5, 2.5, 2.0, np.nan], 300)]
    )

    for answer in program.answers(probes):
        np.testing.assert_allclose(answer[:, 0], model.predict(probes), rtol=1e-9)
