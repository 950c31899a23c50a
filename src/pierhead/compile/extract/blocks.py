"""What flows between the steps of a model while it is extracted: a block of columns, and what a predictor answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the program: a float64 matrix `[rows, width]`."""

    name: str
    width: int


class Vocabulary:
    """The strings of one column of the signature that make a difference to the model, in order of their codes.

    It grows while extraction meets strings: `code_of` never fails.
    """

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code_of(self, word: str) -> int:
        return self._codes.setdefault(str(word), len(self._codes))

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self._codes)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a block.

    `dtype` is what the library would see: `float64`, `float32`, `int64`, `int32`, `bool` or `string`. A float32 column
    holds numbers that are rounded to float32 already. `name` is None in arrays.
    """

    dtype: str
    name: str | None = None
    vocabulary: Vocabulary | None = None
    """Set exactly where `dtype` is `string`: the value is a code, see `compile.domain.program`."""

    @property
    def is_string(self) -> bool:
        return self.vocabulary is not None


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of `value`, one feature each.

    `is_frame`: the library would see a DataFrame (its columns are named); `is_sparse`: a sparse matrix, in which a zero
    is not stored. Otherwise it is an array.
    """

    value: Value
    features: tuple[Feature, ...]
    is_frame: bool = False
    is_sparse: bool = False

    @property
    def width(self) -> int:
        return len(self.features)

    @property
    def dtype(self) -> str:
        """The dtype of this block as one numeric array: `float64`, `float32`, `int64`, `int32` or `bool`.

        Raises NotCompilable if there are strings among the columns.
        """
        words = [feature.name or f"number {place}" for place, feature in enumerate(self.features) if feature.is_string]
        if words:
            raise NotCompilable(f"text column {words[0]!r} goes into a step that needs numbers")
        if not self.features:
            return "float64"
        return str(np.result_type(*(np.dtype(feature.dtype) for feature in self.features)))

    @property
    def float_dtype(self) -> str:
        """`float32` if the library computes with this block in single precision, else `float64`."""
        return "float32" if self.dtype == "float32" else "float64"

    @property
    def names(self) -> tuple[str | None, ...]:
        return tuple(feature.name for feature in self.features)

    def renamed(self, names: Sequence[str]) -> "Block":
        """The same columns as a DataFrame with these names."""
        features = tuple(replace(feature, name=str(name)) for feature, name in zip(self.features, names, strict=True))
        return replace(self, features=features, is_frame=True, is_sparse=False)

    def unnamed(self) -> "Block":
        """The same columns as an array."""
        return replace(self, features=tuple(replace(feature, name=None) for feature in self.features), is_frame=False)


def numbers(value: Value, dtype: str = "float64", is_sparse: bool = False) -> Block:
    """A block of numeric columns that is an array (or a sparse matrix)."""
    return Block(value, (Feature(dtype),) * value.width, is_sparse=is_sparse)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a predictor answers: see `compile.domain.program.Answer` for `shape`, `dtype` and `labels`.

    For `predict` of a classifier `dtype` is `label` and `value` is the index of the label `[rows, 1]`.
    """

    value: Value
    shape: str
    dtype: str = "float64"
    labels: tuple[object, ...] = field(default=())


def scalar(value: Value, dtype: str = "float64") -> Outcome:
    return Outcome(value, "scalar", dtype)


def vector(value: Value, dtype: str = "float64") -> Outcome:
    return Outcome(value, "vector", dtype)


def labelled(index: Value, classes: "NDArray[np.generic] | Sequence[object]") -> Outcome:
    """The answer is `classes[index]`. Raises NotCompilable if a class is no string, number or boolean."""
    labels = tuple(item.item() if isinstance(item, np.generic) else item for item in classes)
    odd = [label for label in labels if not isinstance(label, str | int | float | bool)]
    if odd:
        raise NotCompilable(f"its classes are of type {type(odd[0]).__name__}")
    return Outcome(index, "scalar", "label", labels)
