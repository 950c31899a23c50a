"""What becomes of a batch whose answers are not what they should be."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pierhead.worker.batching import Batcher
from pierhead.worker.plain_rows import RowReader


class Rows:
    """Plain rows of one column, as they are."""

    def __init__(self) -> None:
        self._reader = RowReader([("a", "long")])

    def read(self, body: bytes) -> Sequence[Any] | None:
        return self._reader.read(body)

    def together(self, requests: Sequence[Sequence[Any]]) -> Any:
        return [row[0] for rows in requests for row in rows]


def batcher(predict: Callable[[list[int]], Any]) -> Batcher:
    return Batcher(Rows(), predict, lambda predictions: predictions, json.JSONEncoder)


def asked(*values: int) -> tuple[str, bytes]:
    return "application/json", json.dumps({"inputs": {"a": values}}).encode()


def test_each_request_gets_its_own_rows_of_the_answer() -> None:
    answers = batcher(lambda rows: [row * 10 for row in rows]).answer([asked(1, 2), asked(3), asked(4, 5, 6)])
    assert [answer and answer.body for answer in answers] == [
        b'{"predictions": [10, 20]}',
        b'{"predictions": [30]}',
        b'{"predictions": [40, 50, 60]}',
    ]


@pytest.mark.parametrize("error", [ValueError, MemoryError, SystemExit])
def test_a_batch_that_fails_is_left_to_be_asked_one_by_one(error: type[BaseException]) -> None:
    def predict(rows: list[int]) -> list[int]:
        if 3 in rows:
            raise error
        return rows

    picky = batcher(predict)
    assert picky.answer([asked(1), asked(3)]) == [None, None]
    [answer] = picky.answer([asked(1)])
    assert answer is not None


def test_answers_that_cannot_be_cut_end_batching_for_good(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[list[int]] = []

    def predict(rows: list[int]) -> dict[str, int]:
        seen.append(rows)
        return {"sum": sum(rows)}

    summing = batcher(predict)
    assert summing.answer([asked(1), asked(2)]) == [None, None]
    assert summing.answer([asked(3)]) == [None]
    assert seen == [[1, 2]]
    assert "one by one from now on" in capsys.readouterr().err


def test_a_prediction_has_a_bounded_number_of_rows() -> None:
    sizes: list[int] = []

    def predict(rows: list[int]) -> list[int]:
        sizes.append(len(rows))
        return rows

    assert None not in batcher(predict).answer([asked(*range(500)) for _ in range(5)])
    assert sizes == [1000, 1000, 500]


def test_other_content_types_are_asked_alone() -> None:
    assert batcher(lambda rows: rows).answer([("text/csv", asked(1)[1])]) == [None]
