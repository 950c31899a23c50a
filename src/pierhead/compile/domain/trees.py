"""The constants of a `trees` node: all trees of an ensemble as flat arrays.

Standard library and NumPy only, like `compile.domain.program`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEQ, LT, MEMBER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class TreeArrays:
    """Inner nodes are numbered over all trees; children and roots are inner nodes, or leaf `k` as `-1 - k`.

    A row goes left where its feature is `<= threshold` (LEQ), `< threshold` (LT), or in the set number `threshold`
    (MEMBER); NaN goes left where `nan_left`. A feature that is asked for membership holds whole numbers or NaN.

    Every tree adds its leaf to the node's value `[rows, targets]`: the number `leaf_value[leaf]` to the column
    `leaf_target[leaf]`, or the whole row `leaf_value[leaf, :]` where `leaf_value` is a matrix (`leaf_target` is empty).
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    mode: NDArray[np.uint8]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    nan_left: NDArray[np.bool_]
    roots: NDArray[np.int64]
    leaf_target: NDArray[np.int64]
    leaf_value: NDArray[np.float64]
    set_values: NDArray[np.int64]
    """Members of all sets behind each other, ascending within a set; non-negative."""
    set_starts: NDArray[np.int64]
    """Where each set starts, and the end."""

    @property
    def adds_rows(self) -> bool:
        return self.leaf_value.ndim == 2

    def members(self, number: int) -> NDArray[np.int64]:
        return self.set_values[self.set_starts[number] : self.set_starts[number + 1]]

    def named(self, output: str) -> dict[str, NDArray[Any]]:
        """As the constants of the node with this output: `<output>.feature` and so on."""
        return {f"{output}.{item.name}": getattr(self, item.name) for item in fields(self)}


def trees_of(output: str, constants: Mapping[str, NDArray[Any]]) -> TreeArrays:
    """The arrays of the `trees` node with this output. Raises KeyError."""
    return TreeArrays(**{item.name: constants[f"{output}.{item.name}"] for item in fields(TreeArrays)})
