"""What of an answer belongs to which row."""

from typing import Any


def rows_of(predictions: Any) -> list[Any] | None:
    """The rows of what stands under `predictions`; None if it does not consist of rows.

    >>> rows_of([1, 2]), rows_of({"y": [[1], [2]], "label": [0, 1]}), rows_of(3)
    ([1, 2], [{'y': [1], 'label': 0}, {'y': [2], 'label': 1}], None)
    """
    if isinstance(predictions, list):
        return list(predictions)
    if not isinstance(predictions, dict) or not predictions:
        return None
    columns = list(predictions.values())
    if not all(isinstance(column, list) for column in columns) or len({len(column) for column in columns}) != 1:
        return None
    return [dict(zip(predictions, row, strict=True)) for row in zip(*columns, strict=True)]
