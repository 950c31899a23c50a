"""Data to train on and fresh rows to ask about: real sets that ship with scikit-learn, and seeded ledgers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets

Frame = pd.DataFrame
Array = NDArray[Any]

_FIRST_DAY_MS, _LAST_DAY_MS = 1_600_000_000_000, 1_800_000_000_000
_REGIONS = ("north", "south", "Østfold", "上海", "são paulo", "d'or", "")
_PLANS = ("basic", "gold", "gold+", "trial")
_TRAINED_ROWS = 700


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model is fitted on: `number`, `two` (0 and 1), `three` (words) and `many` (targets) by row of `x`."""

    x: Frame
    number: Array
    two: Array
    three: Array
    many: Array


@dataclass(frozen=True, slots=True)
class Table:
    """`is_tensor`: callers send rows of numbers without names. `words` are the columns of text.

    `nullable` are columns in which values are missing; `fresh` draws rows of the same kind that nobody was trained on.
    """

    name: str
    is_real: bool
    is_tensor: bool
    sample: Callable[[], Sample]
    fresh: Callable[[np.random.Generator, int], Frame]
    words: Sequence[str] = ()
    nullable: Sequence[str] = ()


def _real(name: str, load: Callable[..., Any], *, is_tensor: bool) -> Table:
    def sample() -> Sample:
        loaded = load(as_frame=True)
        x = loaded.data.astype(float)
        target = np.asarray(loaded.target, dtype=float)
        if target.ndim == 2:
            return _sample(x, target[:, 0], target)
        return _sample(x, target, np.column_stack([target, x.to_numpy()[:, 0]]))

    def fresh(draw: np.random.Generator, rows: int) -> Frame:
        """Children of two real rows: some columns of the one, some of the other, some in between or beside."""
        values = sample().x.to_numpy()
        one, other = (values[draw.integers(len(values), size=rows)] for _ in range(2))
        chance = draw.random((rows, values.shape[1]))
        between = one + draw.random(one.shape) * (other - one)
        noise = one + draw.normal(size=one.shape) * values.std(axis=0)
        mixed = np.select([chance < 0.5, chance < 0.75, chance < 0.9], [one, other, between], noise)
        return pd.DataFrame(mixed, columns=sample().x.columns)

    return Table(name, True, is_tensor, sample, fresh)


def _ledger(draw: np.random.Generator, rows: int, missing: float) -> Frame:
    """Accounts: dates as epoch milliseconds, nine-digit ids, money, one decimal, counts, a flag, words."""
    frame = pd.DataFrame(
        {
            "customer": draw.integers(100_000_000, 999_999_999, rows),
            "opened_ms": draw.integers(_FIRST_DAY_MS, _LAST_DAY_MS, rows),
            "amount": np.round(draw.lognormal(4, 1.5, rows), 2),
            "rate": np.round(draw.normal(20, 8, rows), 1),
            "seen_ms": draw.integers(_FIRST_DAY_MS, _LAST_DAY_MS, rows).astype(float),
            "visits": draw.poisson(3, rows),
            "income": np.round(draw.lognormal(10, 1, rows), 2),
            "score": draw.normal(0, 1e-3, rows),
            "active": draw.random(rows) < 0.7,
            "region": draw.choice(_REGIONS, rows, p=(0.4, 0.25, 0.1, 0.1, 0.08, 0.05, 0.02)),
            "plan": draw.choice(_PLANS, rows),
        }
    )
    for name in ("rate", "income"):
        frame.loc[draw.random(rows) < missing, name] = np.nan
    return frame


def _target(frame: Frame) -> Array:
    """Depends on every column, in steps and smoothly."""
    filled = frame.fillna(frame.median(numeric_only=True))
    numbers = filled.select_dtypes(["number", "bool"]).astype(float)
    ranks = numbers.rank(pct=True).to_numpy()
    weights = np.cos(np.arange(ranks.shape[1]) + 1.0)
    value = ranks @ weights + np.sin(6 * ranks[:, 0] * ranks[:, 1]) + (ranks[:, 2] > 0.5) * ranks[:, 3]
    for place, name in enumerate(filled.select_dtypes(exclude=["number", "bool"])):
        value = value + filled[name].map({word: at % 3 for at, word in enumerate((*_REGIONS, *_PLANS))}) * (0.3 + place)
    return np.asarray(value, dtype=float)


def _synthetic(name: str, keep: Sequence[str], missing: float = 0.0, *, is_tensor: bool = False) -> Table:
    columns = list(keep)

    def cut(ledger: Frame) -> Frame:
        return ledger[columns].astype(float) if is_tensor else ledger[columns]

    def fresh(draw: np.random.Generator, rows: int) -> Frame:
        return cut(_ledger(draw, rows, missing))

    def sample() -> Sample:
        ledger = _ledger(np.random.default_rng(11), _TRAINED_ROWS, missing)
        x, value = cut(ledger), _target(ledger)
        return _sample(x, value, np.column_stack([value, value**2 - 1, x.index.to_numpy() % 5.0]))

    words = [column for column in columns if column in ("region", "plan")]
    nullable = [column for column in columns if column in ("rate", "income") and missing]
    return Table(name, False, is_tensor, sample, fresh, words, nullable)


def _sample(x: Frame, number: Array, many: Array) -> Sample:
    two = (number > (np.median(number) if number.max() > np.median(number) else number.min())).astype(np.int64)
    kinds = np.unique(number)
    third = (
        np.searchsorted(kinds, number) if len(kinds) <= 3 else np.digitize(number, np.quantile(number, [1 / 3, 2 / 3]))
    )
    return Sample(x, number, two, np.array(["lo", "mid", "überhoch"])[third], many)


_NUMBERS = ("customer", "opened_ms", "amount", "rate", "seen_ms", "visits", "income", "score")

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _real("iris", datasets.load_iris, is_tensor=True),
        _real("wine", datasets.load_wine, is_tensor=False),
        _real("breast_cancer", datasets.load_breast_cancer, is_tensor=False),
        _real("diabetes", datasets.load_diabetes, is_tensor=False),
        _real("digits", datasets.load_digits, is_tensor=True),
        _real("linnerud", datasets.load_linnerud, is_tensor=False),
        _synthetic("ledger", (*_NUMBERS, "active", "region", "plan"), 0.1),
        _synthetic("figures", _NUMBERS),
        _synthetic("gaps", _NUMBERS, 0.1),
        _synthetic("matrix", _NUMBERS, is_tensor=True),
        _synthetic("matrix_gaps", _NUMBERS, 0.1, is_tensor=True),
        _synthetic("notes", ("amount", "region", "plan")),
    )
}


def unusual(table: Table, draw: np.random.Generator, rows: int) -> Frame:
    """Fresh rows with one strange value each: an unknown word, an edge of floats, a missing one."""
    frame = table.fresh(draw, rows).astype(object)
    strange = (0.0, -0.0, 2.0**24 + 1, 1e-300, -1e30, 3.4e38, 1e300)
    for at in range(rows):
        place = int(draw.integers(frame.shape[1]))
        name = frame.columns[place]
        if name in table.words:
            frame.iat[at, place] = str(draw.choice(["?", "Gold", "north ", "\u00e9", "e\u0301", "nan"]))
        elif name in table.nullable and at % 2:
            frame.iat[at, place] = None
        elif isinstance(frame.iat[at, place], bool):
            frame.iat[at, place] = not frame.iat[at, place]
        elif isinstance(frame.iat[at, place], int):
            frame.iat[at, place] = int(draw.choice([0, -1, 2**24 + 1, 2**31 - 1, -(2**53)]))
        else:
            frame.iat[at, place] = float(draw.choice(strange))
    return frame
