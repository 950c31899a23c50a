"""What a program means: evaluated with NumPy, slowly and plainly. The reference for every emitter."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import Matrix, Program
from pierhead.compile.emit.ops import meaning_of


def evaluate(program: Program, x: Matrix) -> Matrix:
    """The answer's value `[rows, width]` for the input `x` `[rows, columns]`. Raises NotCompilable."""
    return evaluate_all(program, x)[program.answer.value]


def declined(program: Program, x: Matrix) -> NDArray[np.bool_]:
    """Which rows `[rows]` have no answer here and must be put to the original."""
    if program.declines is None:
        return np.zeros(len(x), dtype=np.bool_)
    return np.asarray(evaluate_all(program, x)[program.declines][:, 0] != 0)


def evaluate_all(program: Program, x: Matrix) -> dict[str, Matrix]:
    """Every value of the program by its name."""
    values: dict[str, NDArray[Any]] = {**program.constants, "x": np.asarray(x, dtype=np.float64)}
    # Missing values, overflows and logarithms of 0 go their IEEE way, as they do in the network.
    with np.errstate(all="ignore"):
        for node in program.nodes:
            values[node.output] = meaning_of(node.op)(node, values)
    return {name: value for name, value in values.items() if name not in program.constants}
