"""What a network puts out as answers in MLflow's shape, `{"predictions": [...]}`, number by number the same values."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from pierhead.compile.domain.artifact import AnswerSpec

Outputs = Mapping[str, NDArray[Any]]

_HEAD = b'{"predictions": ['
_TAIL = b"]}"


class Encoder(Protocol):
    def bodies(self, outputs: Outputs, counts: Sequence[int]) -> list[bytes]:
        """Bodies of answers of `counts` rows each. Raises ValueError where the outputs cannot be told in their type."""


def encoder_of(answers: Sequence[AnswerSpec], *, by_output: bool = False) -> Encoder:
    """Raises ValueError if MLflow has no such shape."""
    if by_output:
        return OutputsEncoder(answers)
    if len(answers) == 1 and not answers[0].names:
        return ArrayEncoder(answers[0])
    if all(answer.names for answer in answers):
        return RecordEncoder(answers)
    raise ValueError("several answers need names for all their columns")


class ArrayEncoder:
    """A row of an array: a value or a list of values."""

    def __init__(self, answer: AnswerSpec) -> None:
        self._output = answer.output
        self._read = _reader(answer)
        self._is_scalar = answer.shape == "scalar"
        self._words = [orjson.dumps(label) for label in answer.labels] if answer.dtype == "label" else None

    def bodies(self, outputs: Outputs, counts: Sequence[int]) -> list[bytes]:
        values = self._read(outputs[self._output])
        if values.dtype.kind == "O":
            return _bodies_in_full(values.tolist(), counts)
        if self._words is not None:
            return _bodies_of_rows(self._label_rows(values, self._words), counts)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            return _bodies_in_full(values.tolist(), counts)
        if len(counts) == len(values):
            return self._bodies_of_single_rows(values)
        ends = list(accumulate(counts))
        return [
            b'{"predictions": ' + orjson.dumps(values[end - count : end], option=orjson.OPT_SERIALIZE_NUMPY) + b"}"
            for end, count in zip(ends, counts, strict=True)
        ]

    def _bodies_of_single_rows(self, values: NDArray[Any]) -> list[bytes]:
        """One list for all and cut: numbers hold no comma and no bracket."""
        text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
        if self._is_scalar:
            return [b"".join((_HEAD, row, _TAIL)) for row in text[1:-1].split(b",")]
        return [b"".join((_HEAD, b"[", row, b"]", _TAIL)) for row in text[2:-2].split(b"],[")]

    def _label_rows(self, values: NDArray[Any], words: list[bytes]) -> list[bytes]:
        if self._is_scalar:
            return [words[at] for at in values.tolist()]
        return [b"[" + b",".join([words[at] for at in row]) + b"]" for row in values.tolist()]


class RecordEncoder:
    """A row of a DataFrame: an object by column name."""

    def __init__(self, answers: Sequence[AnswerSpec]) -> None:
        self._parts = [(answer, _reader(answer)) for answer in answers]
        self._names = [name for answer in answers for name in answer.names]

    def bodies(self, outputs: Outputs, counts: Sequence[int]) -> list[bytes]:
        columns: list[Sequence[Any]] = []
        for answer, read in self._parts:
            values = read(outputs[answer.output])
            matrix = values.reshape(len(values), -1)
            if matrix.shape[1] != len(answer.names):
                raise ValueError(f"{answer.output} has {matrix.shape[1]} columns, not {len(answer.names)}")
            listed = matrix.T.tolist()
            if answer.dtype == "label" and values.dtype.kind != "O":
                listed = [[answer.labels[at] for at in column] for column in listed]
            columns += listed
        records = [dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True)]
        return _bodies_in_full(records, counts)


class OutputsEncoder:
    """An object with the array of each output, a row of it for each row."""

    def __init__(self, answers: Sequence[AnswerSpec]) -> None:
        self._parts = [(answer.output, _reader(answer)) for answer in answers]

    def bodies(self, outputs: Outputs, counts: Sequence[int]) -> list[bytes]:
        listed = {name: read(outputs[name]).tolist() for name, read in self._parts}
        ends = accumulate(counts)
        # By the standard library, which writes NaN and infinities as MLflow does.
        return [
            json.dumps({"predictions": {name: rows[end - count : end] for name, rows in listed.items()}}).encode()
            for end, count in zip(ends, counts, strict=True)
        ]


def _reader(answer: AnswerSpec) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """From an output to rows in the answer's own type; indices where it is of labels."""
    is_scalar = answer.shape == "scalar"
    labels = len(answer.labels)

    def read(output: NDArray[Any]) -> NDArray[Any]:
        values = np.asarray(output)
        values = values.reshape(-1) if is_scalar else values.reshape(len(values), -1)
        if answer.dtype in ("float64", "float32"):
            # JSON has one kind of number: the value of a float32 is written as that of the double that equals it.
            return np.ascontiguousarray(values, dtype=np.float64)
        if answer.dtype == "bool":
            return values.astype(np.bool_)
        if values.dtype.kind == "O":
            # Labels that are strings in the network itself.
            return values
        whole = _whole(values)
        if answer.dtype == "label" and len(whole) and not (whole.min() >= 0 and whole.max() < labels):
            raise ValueError(f"{answer.output} points beyond the {labels} labels")
        return whole

    return read


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("a whole number is missing or infinite")
    return np.ascontiguousarray(values, dtype=np.int64)


def _bodies_of_rows(rows: list[bytes], counts: Sequence[int]) -> list[bytes]:
    if len(counts) == len(rows):
        return [b"".join((_HEAD, row, _TAIL)) for row in rows]
    ends = accumulate(counts)
    return [
        b"".join((_HEAD, b",".join(rows[end - count : end]), _TAIL)) for end, count in zip(ends, counts, strict=True)
    ]


def _bodies_in_full(rows: list[Any], counts: Sequence[int]) -> list[bytes]:
    """By the standard library, which writes NaN and infinities as MLflow does."""
    ends = accumulate(counts)
    return [
        json.dumps({"predictions": rows[end - count : end]}).encode() for end, count in zip(ends, counts, strict=True)
    ]
