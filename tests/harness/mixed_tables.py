"""Seeded tables of numbers, whole numbers, truths and words, with gaps and strangers in them."""

import numpy as np
import pandas as pd

ROWS = 240
NUMBERS = ["a", "b", "c", "d"]
WORDS = ["s", "t"]


def numbers(seed: int = 0) -> pd.DataFrame:
    """Columns of very different scale and place."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(ROWS, 4)) * [1, 10, 1e4, 0.1] + [0, 5, 1e6, 0], columns=NUMBERS)


def mixed(seed: int = 0) -> pd.DataFrame:
    """`numbers` with `f` float32, `i` whole, `o` true or false, `s` of three words and `t` of thirty."""
    rng = np.random.default_rng(seed + 1)
    return numbers(seed).assign(
        f=rng.normal(size=ROWS).astype("float32"),
        i=rng.integers(0, 9, ROWS),
        o=rng.random(ROWS) > 0.5,
        s=rng.choice(["red", "green", "blü"], ROWS),
        t=rng.choice([f"k{place}" for place in range(30)], ROWS),
    )


def gappy(seed: int = 0) -> pd.DataFrame:
    """`mixed` with NaN in `a`, `c` and `f`."""
    rng = np.random.default_rng(seed + 2)
    table = mixed(seed)
    for name in ("a", "c", "f"):
        table.loc[rng.random(ROWS) < 0.15, name] = np.nan
    return table


def hostile(seed: int = 0) -> pd.DataFrame:
    """`gappy` with infinities in `a` and words in `s` that no training saw."""
    table = gappy(seed)
    table.loc[::11, "a"] = np.inf
    table.loc[::7, "s"] = "unseen"
    return table


def amounts(seed: int = 0) -> pd.Series:
    """A target that is a number."""
    table = numbers(seed)
    return 3 * table.a + table.b + np.random.default_rng(seed + 3).normal(size=ROWS)


def truths(seed: int = 0) -> pd.Series:
    return amounts(seed) > 5


def levels(seed: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    """A target of three words."""
    return np.array(["low", "mid", "high"])[np.digitize(amounts(seed), [0.0, 10.0])]
