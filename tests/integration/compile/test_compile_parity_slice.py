"""A slice of the parity suite: models as users log them, compiled by the real job, beside their originals."""

from pathlib import Path

import pytest
from benchmarks.parity.proving import Workplace
from benchmarks.parity.running import run
from benchmarks.parity.subjects import Subject, subjects

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

_ROWS = 400
_COMPILED = (
    "impute,_scale,_one-hot,_LogisticRegression_(proba)_on_ledger",
    "HistGradientBoosting_with_categorical_splits_on_ledger",
    "scaler_and_one-hot_before_a_random_forest_on_ledger",
    "LightGBM_on_ids_and_dates_on_figures",
    "two_layers_in_single_precision_on_diabetes",
)
_REFUSED_OR_RIGHT = (
    "scaler_and_one-hot_before_XGBoost_on_ledger",
    "sparse_one-hot_before_XGBoost_on_ledger",
    "words_of_texts_by_Tfidf_on_notes",
)


def subject(name: str) -> Subject:
    [found] = [one for one in subjects() if one.name == name]
    return found


@pytest.mark.parametrize("name", _COMPILED)
def test_a_compiled_model_answers_fresh_rows_as_its_original(name: str, tmp_path: Path) -> None:
    result = run(subject(name), Workplace(tmp_path, None, seed=5), _ROWS)
    assert (result.error, result.tier) == ("", "A"), (result.reason, result.error)
    assert (result.wrong, result.examples) == (0, [])
    assert result.right + result.ties > 0.9 * _ROWS
    assert result.declined < 0.05 * _ROWS


@pytest.mark.parametrize("name", _REFUSED_OR_RIGHT)
def test_what_stock_converters_get_wrong_is_refused_or_right(name: str, tmp_path: Path) -> None:
    result = run(subject(name), Workplace(tmp_path, None, seed=5), _ROWS)
    assert (result.error, result.wrong, result.examples) == ("", 0, [])
    assert result.tier == "A" or result.reason
    assert result.right + result.ties > 0.9 * _ROWS
