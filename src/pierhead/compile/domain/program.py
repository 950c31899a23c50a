"""A model as a program: a straight line of array operations in double precision.

It is what extraction makes of a native model and what every emitter starts from. Standard library and NumPy only:
extraction runs in the model's own environment.

All values are float64 matrices `[rows, width]`; truth is 1.0 and 0.0. The one input is `x`: a row of it has one number
for every column of the signature, in the signature's order:

- a number as it came (`float` columns rounded to float32 first), NaN where it is missing;
- a boolean as 1.0 or 0.0;
- a string as its place in the column's vocabulary, `UNKNOWN` if it is not in there, `MISSING` if it is null.

Only `double` and `float` columns and strings may be missing; a null whole number or boolean, and a row that lacks a
column, are never put to a program.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1.0
MISSING = -2.0

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """One input: `kind` is MLflow's type (`double`, `float`, `long`, `integer`, `boolean`, `string`).

    `name` is None where the signature has none (tensors). Strings have a vocabulary, possibly empty.
    """

    name: str | None
    kind: str
    required: bool = True
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """`output = op(inputs; attributes)`. An input is `x`, an earlier output, or the name of a constant array.

    What each op does is said where it is evaluated: `compile/emit/evaluate.py`.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What of the program's values goes back to the caller, as MLflow writes it under `predictions`.

    `value` is the name of a program value. `shape` says how a row looks: `scalar` (width 1) or `vector`.
    `dtype` is that of the original's array: `float64`, `float32`, `int64`, `bool`, or `label`: then the value is an
    index into `labels`, which are of JSON types (strings, whole numbers, booleans, floats).
    """

    value: str
    shape: str
    dtype: str
    labels: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """`is_tensor`: callers send rows of numbers without names (`inputs`/`instances`), all columns are unnamed.

    `declines` names a value `[rows, 1]`: a row in which it is not 0 (NaN is not 0) has no answer here and must be put
    to the original, e.g. because that one raises. None: every row has an answer.
    """

    columns: tuple[Column, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    answer: Answer
    is_tensor: bool = False
    declines: str | None = None

    def save(self, folder: Path) -> None:
        """Write `program.json` and `constants.npz`."""
        folder.mkdir(parents=True, exist_ok=True)
        fields = {
            "columns": [asdict(column) for column in self.columns],
            "nodes": [asdict(node) for node in self.nodes],
            "answer": asdict(self.answer),
            "is_tensor": self.is_tensor,
            "declines": self.declines,
        }
        (folder / "program.json").write_text(json.dumps(fields))
        arrays: dict[str, Any] = {f"c_{name}": array for name, array in self.constants.items()}
        np.savez(folder / "constants.npz", **arrays)


def load_program(folder: Path) -> Program:
    """Read what `Program.save` wrote. Raises OSError, ValueError or KeyError."""
    fields = json.loads((folder / "program.json").read_text())
    with np.load(folder / "constants.npz", allow_pickle=False) as stored:
        constants = {name.removeprefix("c_"): stored[name] for name in stored.files}
    answer = fields["answer"]
    return Program(
        columns=tuple(Column(**{**column, "vocabulary": tuple(column["vocabulary"])}) for column in fields["columns"]),
        nodes=tuple(
            Node(node["op"], tuple(node["inputs"]), node["output"], node["attributes"]) for node in fields["nodes"]
        ),
        constants=constants,
        answer=Answer(**{**answer, "labels": tuple(answer["labels"])}),
        is_tensor=fields["is_tensor"],
        declines=fields["declines"],
    )


class NotCompilable(Exception):
    """Extraction or an emitter cannot express this model; the message says which part and why, for people."""
