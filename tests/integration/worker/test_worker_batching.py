"""Many requests in one prediction have the answers that MLflow's own function gives each of them alone."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.worker.running_worker import RunningWorker
from tests.property.compile.drawn_requests import ASKS_MLFLOW, bodies, tensors
from tests.property.compile.revealing_models import DOUBLES, NAMED, CalmScorer, same, save

from pierhead.compile.domain.artifact import ColumnSpec
from pierhead.kit import frames
from pierhead.worker.batching import Batcher, batcher_of

UNNAMED = [ColumnSpec(None, "double")] * 3
INTEGERS = [ColumnSpec(None, "long")] * 2


class Model:
    """A model asked alone and together with others."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.alone = CalmScorer(folder)
            batcher = batcher_of(self.alone.model)
        assert batcher is not None
        self._batcher: Batcher = batcher

    def together(self, sent: list[bytes]) -> list[bytes | None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers = self._batcher.answer([("application/json", body) for body in sent])
        return [None if answer is None else answer.body for answer in answers]


@pytest.fixture(scope="module")
def revealing(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Model]:
    folder = tmp_path_factory.mktemp("batching")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(folder / "named", NAMED, is_tensor=False)
        save(folder / "doubles", DOUBLES, is_tensor=False)
        save(folder / "float64", UNNAMED, is_tensor=True)
        save(folder / "int64", INTEGERS, is_tensor=True)
    models = {name: Model(folder / name) for name in ("named", "doubles", "float64", "int64")}
    return models.__getitem__


def assert_same_as_alone(model: Model, sent: list[bytes]) -> None:
    for body, together in zip(sent, model.together(sent), strict=True):
        if together is None:
            continue
        alone = model.alone.score("application/json", body)
        assert alone.status == 200, f"{body!r}: {alone.body!r}"
        assert same(json.loads(together), json.loads(alone.body)), f"{body!r}: {together!r} {alone.body!r}"


@ASKS_MLFLOW
@given(data=st.data(), which=st.sampled_from([("named", NAMED), ("doubles", DOUBLES)]))
def test_rows_by_column_name_are_answered_together_as_alone(
    revealing: Callable[[str], Model], data: st.DataObject, which: tuple[str, list[ColumnSpec]]
) -> None:
    name, columns = which
    sent = data.draw(st.lists(bodies(columns), min_size=1, max_size=4))
    assert_same_as_alone(revealing(name), [json.dumps(body).encode() for body in sent])


@ASKS_MLFLOW
@given(data=st.data(), which=st.sampled_from([("float64", UNNAMED), ("int64", INTEGERS)]))
def test_tensors_are_answered_together_as_alone(
    revealing: Callable[[str], Model], data: st.DataObject, which: tuple[str, list[ColumnSpec]]
) -> None:
    name, columns = which
    sent = data.draw(st.lists(tensors(columns), min_size=1, max_size=4))
    assert_same_as_alone(revealing(name), [json.dumps(body).encode() for body in sent])


PLAIN = [
    {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, None, "Oslo"], [0.5, 2, ""]]}},
    {"dataframe_split": {"columns": ["c", "x", "a", "b"], "data": [["Oslo", 0, 3, 4]], "index": [7]}},
    {"dataframe_records": [{"a": 1, "b": 2, "c": "Bergen", "d": []}], "client_request_id": "7"},
    {"instances": [{"b": 1, "a": 2, "c": "x"}]},
    {"inputs": [{"a": 1, "b": 2, "c": "x"}]},
    {"inputs": {"c": ["x", "y"], "a": [1, 2], "b": [3, 4]}, "usage_context": {"a": "b"}},
]


def test_plain_requests_of_every_format_share_a_prediction(revealing: Callable[[str], Model]) -> None:
    sent = [json.dumps(body).encode() for body in PLAIN]
    assert None not in revealing("doubles").together(sent)
    assert_same_as_alone(revealing("doubles"), sent)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"inputs": [], "instances": []}',
        b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, "x"]]}, "params": {}}',
        b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, null]]}}',
        b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[true, 2, "x"]]}}',
        b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [["1", 2, "x"]]}}',
        b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, "\\ud800"]]}}',
        b'{"dataframe_records": [{"a": 1, "b": 2}]}',
        b'{"instances": [{"a": 1, "b": 2, "c": "a\\u0000"}]}',
    ],
)
def test_what_is_not_plain_is_asked_alone_and_its_mates_together(
    revealing: Callable[[str], Model], body: bytes
) -> None:
    plain = json.dumps(PLAIN[0]).encode()
    first, odd, last = revealing("doubles").together([plain, body, plain])
    assert odd is None
    assert first == last != None  # noqa: E711 - both are answers


# --- a worker


def asked(town: str, age: float | None = 20.0) -> dict[str, Any]:
    return {"dataframe_split": {"columns": ["age", "income", "town"], "data": [[age, 1.0, town]]}}


def test_a_worker_answers_each_of_a_batch_the_refused_and_the_cancelled_too(models: Path) -> None:
    sent = [asked("Oslo" if number % 2 else "Bergen", 20.0 + number) for number in range(20)]
    with RunningWorker(models / "cloudpickle") as alone, RunningWorker(models / "cloudpickle", batching=True) as many:
        alone.until("ready")
        many.until("ready")
        with alone.link() as link:
            wanted = [link.ask(body) for body in sent]
        with many.link() as link, many.link() as other:
            ids = [link.send(body) for body in sent]
            refused = link.send(asked("Oslo", None))
            dropped = link.send(asked("Oslo"))
            link.signal(frames.CANCEL, dropped)
            elsewhere = other.send(sent[0])
            answers = {answer.id: answer for answer in (link.answer() for _ in range(len(ids) + 1))}
            found = other.answer()
    assert [(answers[number].status, json.loads(answers[number].body)) for number in ids] == wanted
    assert answers[refused].status == 400
    assert b"Input X contains NaN" in answers[refused].body
    assert (found.id, found.status, json.loads(found.body)) == (elsewhere, *wanted[0])


def test_a_caller_who_hangs_up_does_not_hold_back_the_batch(models: Path) -> None:
    with RunningWorker(models / "cloudpickle", batching=True) as worker:
        worker.until("ready")
        with worker.link() as link:
            with worker.link() as gone:
                for _ in range(30):
                    gone.send(asked("Oslo"))
                link.send(asked("Bergen"))
            assert link.answer().status == 200
