"""scikit-learn's encoders answer the same when they are compiled, for categories of text and of numbers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from harness.frame_parity import assert_compiled, encoded, program_of
from harness.mixed_tables import ROWS, WORDS, amounts, hostile, levels, mixed, truths
from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.emit.evaluate import declined

# Strangers are what these tests are about.
pytestmark = pytest.mark.filterwarnings("ignore:Found unknown categories:UserWarning")

ONE_HOT: list[dict[str, Any]] = [
    {"handle_unknown": "ignore"},
    {"handle_unknown": "error"},
    {"handle_unknown": "ignore", "drop": "first"},
    {"handle_unknown": "error", "drop": "if_binary"},
    {"handle_unknown": "infrequent_if_exist", "min_frequency": 12},
    {"handle_unknown": "infrequent_if_exist", "max_categories": 4},
    {"handle_unknown": "infrequent_if_exist", "max_categories": 4, "drop": "first"},
    {"handle_unknown": "ignore", "max_categories": 4},
    {"handle_unknown": "warn", "max_categories": 3},
    {"handle_unknown": "ignore", "sparse_output": False, "dtype": np.float32},
]
ORDINAL: list[dict[str, Any]] = [
    {},
    {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    {"handle_unknown": "use_encoded_value", "unknown_value": np.nan},
    {"handle_unknown": "use_encoded_value", "unknown_value": -1, "max_categories": 4},
    {"handle_unknown": "use_encoded_value", "unknown_value": 99, "dtype": np.int64},
]


def numbers_of_few_kinds(gaps: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {
            "whole": rng.integers(0, 9, ROWS),
            "small": rng.integers(-3, 3, ROWS).astype("int32"),
            "truth": rng.random(ROWS) > 0.5,
            "half": rng.choice([0.5, 1.5, 2.5], ROWS),
        }
    )
    if gaps:
        table.loc[::5, "half"] = np.nan
    return table


def strangers(table: pd.DataFrame) -> pd.DataFrame:
    changed = table.copy()
    changed.loc[::9, "whole"] = 77
    changed.loc[::7, "half"] = 9.0
    changed.loc[::31, "half"] = np.inf
    return changed


@pytest.mark.parametrize("options", ONE_HOT, ids=repr)
def test_words_and_numbers_become_indicators(options: dict[str, Any]) -> None:
    words = mixed()[WORDS]
    assert_compiled(OneHotEncoder(**options).fit(words), hostile()[WORDS], "transform")
    for gaps in (False, True):
        table = numbers_of_few_kinds(gaps)
        assert_compiled(OneHotEncoder(**options).fit(table), strangers(table), "transform")


@pytest.mark.parametrize("options", ORDINAL, ids=repr)
def test_words_and_numbers_become_places(options: dict[str, Any]) -> None:
    words = mixed()[WORDS]
    assert_compiled(OrdinalEncoder(**options).fit(words), hostile()[WORDS], "transform")
    table = numbers_of_few_kinds()
    assert_compiled(OrdinalEncoder(**options).fit(table), strangers(table), "transform")


@pytest.mark.parametrize("value", [np.nan, -5.0])
def test_a_known_gap_has_the_place_that_was_asked_for(value: float) -> None:
    table = numbers_of_few_kinds(gaps=True)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=value)
    assert_compiled(encoder.fit(table), strangers(table), "transform")


@pytest.mark.parametrize("target", [amounts(), truths(), levels()], ids=["numbers", "two classes", "three classes"])
def test_categories_become_means_of_the_target(target: Any) -> None:
    assert_compiled(TargetEncoder().fit(mixed()[WORDS], target), hostile()[WORDS], "transform")
    table = numbers_of_few_kinds()
    assert_compiled(TargetEncoder().fit(table, target), strangers(table), "transform")
    names = ["s", "i", "t"]
    assert_compiled(TargetEncoder().fit(mixed()[names], target), hostile()[names], "transform")


def test_null_text_is_unknown_to_an_encoder_that_saw_none() -> None:
    rows = mixed()[WORDS].astype(object)
    rows.iloc[::5, 0] = None
    encoder = OneHotEncoder(handle_unknown="ignore").fit(mixed()[WORDS])
    assert assert_compiled(encoder, rows, "transform").declines is None


def test_null_text_that_is_a_category_is_left_to_the_original() -> None:
    table = mixed()[WORDS].astype(object)
    table.iloc[::6, 0] = np.nan
    program = assert_compiled(
        OneHotEncoder(handle_unknown="ignore").fit(table), table, "transform", answers_declined=True
    )
    assert declined(program, encoded(program, table)).sum() == ROWS // 6


def test_categories_of_text_for_a_column_of_numbers_are_refused() -> None:
    encoder = OneHotEncoder().fit(mixed()[["s"]])
    encoder.feature_names_in_ = np.array(["a"], dtype=object)
    with pytest.raises(NotCompilable, match="column of numbers"):
        program_of(encoder, mixed()[["a"]], "transform")


def test_one_column_may_have_several_encoders() -> None:
    steps = [("hot", OneHotEncoder(handle_unknown="ignore", max_categories=3), ["s", "t"])]
    steps += [("place", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["t", "s"])]
    steps += [("scaled", make_pipeline(OrdinalEncoder(), StandardScaler()), ["t"])]
    program = assert_compiled(ColumnTransformer(steps).fit(mixed()), hostile(), "transform")
    assert sorted(program.columns[-1].vocabulary) == sorted(f"k{place}" for place in range(30))
