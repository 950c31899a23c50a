"""What a model answered for each row, as columns: a prediction, and the probabilities of its classes.

A number, a text or a truth value is the prediction itself. A list of at least two numbers from 0 to 1 that add up to 1
are the probabilities of classes, and the place of the largest is the prediction. Of an object, `prediction` (or
`predicted_label`, `label`, `class`) is the prediction, and `prediction_proba` (or `probability`, `probabilities`,
`proba`, `scores`) are the probabilities; a single number there is the one of the positive class, kept as a list of one.
Of a list of one value, that value is the prediction. Anything else is kept as its JSON.
"""

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pierhead.monitoring.domain.signatures import Kind
from pierhead.monitoring.services.cells import column, kind_of

_PREDICTIONS = ("prediction", "predicted_label", "label", "class")
_PROBABILITIES = ("prediction_proba", "probability", "probabilities", "proba", "scores")

PROBA = pa.list_(pa.float64())


def prediction_columns(predictions: Sequence[Any]) -> tuple[Kind, pa.Array, pa.Array]:
    """Kind and values of the predictions, and their probabilities (`PROBA`, null where there are none)."""
    if not any(isinstance(prediction, list | dict) for prediction in predictions):
        values, probabilities = list(predictions), None
    else:
        pairs = [_split(prediction) for prediction in predictions]
        values, probabilities = [value for value, _ in pairs], [proba for _, proba in pairs]
    kind = kind_of(values)
    array, _ = column(kind, values)
    if probabilities is None:
        return kind, array, pa.nulls(len(values), PROBA)
    return kind, array, pa.array(probabilities, PROBA)


def _split(prediction: Any) -> tuple[Any, list[float] | None]:
    if isinstance(prediction, dict):
        value = _first(prediction, _PREDICTIONS)
        proba = _first(prediction, _PROBABILITIES)
        if value is None and proba is None:
            return _single(list(prediction.values())) if len(prediction) == 1 else prediction, None
        numbers = _numbers(proba if isinstance(proba, list) else [proba])
        return (value if value is not None else _likeliest(numbers)), numbers
    if isinstance(prediction, list):
        numbers = _numbers(prediction)
        if numbers is not None and _are_probabilities(numbers):
            return _likeliest(numbers), numbers
        return _single(prediction), None
    return prediction, None


def _single(values: list[Any]) -> Any:
    is_single = len(values) == 1 and not isinstance(values[0], list | dict)
    return values[0] if is_single else values


def _first(fields: dict[str, Any], names: Sequence[str]) -> Any:
    return next((fields[name] for name in names if name in fields), None)


def _numbers(values: list[Any]) -> list[float] | None:
    is_all = bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return [float(value) for value in values] if is_all else None


def _are_probabilities(numbers: list[float]) -> bool:
    is_distribution = len(numbers) > 1 and all(0 <= number <= 1 for number in numbers)
    return is_distribution and math.isclose(sum(numbers), 1.0, abs_tol=1e-3)


def _likeliest(numbers: list[float] | None) -> float | None:
    """
    >>> _likeliest([0.2, 0.7, 0.1]), _likeliest([0.9])
    (1.0, 1.0)
    """
    if not numbers:
        return None
    return float(numbers[0] >= 0.5) if len(numbers) == 1 else float(max(range(len(numbers)), key=numbers.__getitem__))
