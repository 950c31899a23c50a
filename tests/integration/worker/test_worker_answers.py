"""A worker answers like MLflow, in every format and in every kind of failure."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker.running_worker import RunningWorker
from tests.integration.worker.worker_client import GatewayLink

from pierhead.kit import frames

COLUMNS = ["age", "income", "town"]
ROWS = [[20.0, 1.0, "Oslo"], [30.0, 2.5, "Bergen"], [40.0, 3.0, "Oslo"], [50.0, 4.0, "Bergen"]]
RECORDS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
BY_COLUMN = {name: [row[at] for row in ROWS] for at, name in enumerate(COLUMNS)}
CSV = "age,income,town\n" + "".join(f"{age},{income},{town}\n" for age, income, town in ROWS)


@pytest.fixture(scope="module", params=["cloudpickle", "skops"])
def people_model(request: pytest.FixtureRequest, models: Path) -> Iterator[tuple[GatewayLink, list[int]]]:
    expected = json.loads((models / "expected.json").read_text())[request.param]
    with RunningWorker(models / request.param) as worker:
        assert worker.until("ready")["message"] == ""
        with worker.link() as link:
            yield link, expected


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": COLUMNS, "data": ROWS}},
        {"dataframe_split": {"columns": COLUMNS, "data": ROWS, "index": [9, 8, 7, 6]}},
        {"dataframe_records": RECORDS},
        {"dataframe_records": [{**record, "more": 1} for record in RECORDS]},
        {"instances": RECORDS},
        {"inputs": BY_COLUMN},
        {"inputs": RECORDS},
        {"dataframe_records": RECORDS, "params": {"unknown": 1}},
        {"dataframe_records": RECORDS, "client_request_id": "mine"},
    ],
)
def test_every_json_format_is_answered_like_mlflow(people_model: tuple[GatewayLink, list[int]], body: Any) -> None:
    link, expected = people_model
    assert link.ask(body) == (200, {"predictions": expected})


def test_csv_and_parquet_are_answered_like_mlflow(people_model: tuple[GatewayLink, list[int]], models: Path) -> None:
    link, expected = people_model
    assert link.ask(CSV.encode(), "text/csv") == (200, {"predictions": expected})
    parquet = (models / "people.parquet").read_bytes()
    assert link.ask(parquet, "application/vnd.apache.parquet") == (200, {"predictions": expected})


def test_a_missing_content_type_means_json(people_model: tuple[GatewayLink, list[int]]) -> None:
    link, expected = people_model
    assert link.ask({"dataframe_records": RECORDS}, "") == (200, {"predictions": expected})
    assert link.ask({"dataframe_records": RECORDS}, "application/json; charset=utf-8")[0] == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code", "said"),
    [
        ({"dataframe_records": [{"age": 1.0, "town": "x"}]}, "", 400, "INVALID_PARAMETER_VALUE", "['income']"),
        ({"dataframe_split": {"columns": COLUMNS, "data": [["old", 1.0, "x"]]}}, "", 400, "BAD_REQUEST", "column age"),
        ({"dataframe_split": {"columns": COLUMNS, "data": [[1.0, 1.0]]}}, "", 400, "BAD_REQUEST", "3 columns passed"),
        ({"rows": []}, "", 400, "BAD_REQUEST", "exactly one of"),
        ({"inputs": BY_COLUMN, "instances": RECORDS}, "", 400, "BAD_REQUEST", "exactly one of"),
        ([1, 2], "", 400, "BAD_REQUEST", "Received a list"),
        (b"{not json", "", 400, "BAD_REQUEST", "valid JSON"),
        (b"", "", 400, "BAD_REQUEST", "valid JSON"),
        (b'{"x": "\xff"}', "", 400, "BAD_REQUEST", "byte 7 is not UTF-8"),
        (b"nothing", "application/vnd.apache.parquet", 400, "BAD_REQUEST", "Parquet"),
        ({}, "application/json; charset=latin-1", 415, "BAD_REQUEST", "UTF-8"),
        (b"<x/>", "application/xml", 415, "BAD_REQUEST", "application/xml"),
        ({"dataframe_records": []}, "", 400, "INVALID_PARAMETER_VALUE", "missing inputs"),
        (b'{"inputs": [[' + b"7" * 6000 + b"]]}", "", 400, "BAD_REQUEST", "more than 4,300 digits"),
    ],
)
def test_a_refusal_names_the_fault_and_keeps_the_data_to_itself(
    people_model: tuple[GatewayLink, list[int]], body: Any, content_type: str, status: int, code: str, said: str
) -> None:
    link, _ = people_model
    answered, error = link.ask(body, content_type)
    assert (answered, error["error_code"]) == (status, code)
    assert said in error["message"]
    assert set(error) == {"error_code", "message"}
    for noise in ("IMPORTANT", "Traceback", "Failed to predict data", "Failed to enforce schema of data"):
        assert noise not in error["message"]


def test_what_the_model_itself_cannot_take_is_the_callers_fault(people_model: tuple[GatewayLink, list[int]]) -> None:
    link, _ = people_model
    status, error = link.ask({"dataframe_records": [{"age": None, "income": 1.0, "town": "Oslo"}]})
    assert status == 400
    assert error["error_code"] == "BAD_REQUEST"
    assert error["message"].startswith("the model refused this input: ValueError: Input X contains NaN")


def test_trees_of_xgboost_are_answered_like_mlflow(models: Path) -> None:
    expected = json.loads((models / "expected.json").read_text())["xgboost"]
    with RunningWorker(models / "xgboost") as worker:
        worker.until("ready")
        with worker.link() as link:
            rows = [row[:2] for row in ROWS]
            assert link.ask({"dataframe_split": {"columns": COLUMNS[:2], "data": rows}}) == (
                200,
                {"predictions": expected},
            )


def test_params_reach_the_model(obedient: RunningWorker) -> None:
    with obedient.link() as link:
        assert link.ask({"inputs": ["hello"], "params": {"scale": 2.5}}) == (200, {"predictions": ["hello 2.5"]})
        assert link.ask({"inputs": ["hello"]}) == (200, {"predictions": ["hello 1.0"]})
        status, error = link.ask({"inputs": ["hello"], "params": {"scale": "big"}})
        assert status == 400
        assert "scale" in error["message"]


def test_nan_leaves_as_mlflow_writes_it(obedient: RunningWorker) -> None:
    with obedient.link() as link:
        link.send({"inputs": ["nan"]})
        assert link.answer().body == b'{"predictions": [NaN, 1.5]}'


@pytest.mark.parametrize(
    ("order", "status", "code", "message"),
    [
        ("raise:too big", 400, "BAD_REQUEST", "the model refused this input: ValueError: too big"),
        ("exit:3", 500, "INTERNAL_ERROR", "the model failed: the code called sys.exit(3)"),
        ("exhaust", 500, "INTERNAL_ERROR", "the model ran out of memory on this input"),
    ],
)
def test_a_worker_survives_what_its_model_raises(
    obedient: RunningWorker, order: str, status: int, code: str, message: str
) -> None:
    with obedient.link() as link:
        assert link.ask({"inputs": [order]}) == (status, {"error_code": code, "message": message})
        assert link.ask({"inputs": ["on"]})[0] == 200


def test_an_answer_tells_how_long_it_waited_and_how_long_it_took(obedient: RunningWorker) -> None:
    with obedient.link() as link:
        link.send({"inputs": ["sleep:0.3"]})
        link.send({"inputs": ["next"]})
        first, second = link.answer(), link.answer()
    assert first.id < second.id
    assert first.predict_us > 300_000
    assert second.queue_us > 250_000


def test_pings_are_answered_while_the_model_works(obedient: RunningWorker) -> None:
    with obedient.link() as link:
        link.send({"inputs": ["sleep:0.5"]})
        link.signal(frames.PING, 77)
        assert link.receive() == (frames.PONG, 77, b"")
        assert link.answer().status == 200


def test_several_gateways_are_served_at_once(obedient: RunningWorker) -> None:
    with obedient.link() as one, obedient.link() as other:
        one.send({"inputs": ["from one"]})
        other.send({"inputs": ["from the other"]})
        assert b"from the other" in other.answer().body
        assert b"from one" in one.answer().body


def test_a_cancelled_request_is_not_begun(obedient: RunningWorker) -> None:
    with obedient.link() as link:
        link.send({"inputs": ["sleep:0.3"]})
        dropped = link.send({"inputs": ["raise:must not happen"]})
        kept = link.send({"inputs": ["kept"]})
        link.signal(frames.CANCEL, dropped)
        link.answer()
        assert link.answer().id == kept


def test_a_caller_that_went_away_does_not_hold_up_the_next(obedient: RunningWorker) -> None:
    with obedient.link() as gone:
        gone.send({"inputs": ["sleep:0.3"]})
        for _ in range(50):
            gone.send({"inputs": ["sleep:0.3"]})
    with obedient.link() as link:
        assert link.ask({"inputs": ["next"]})[0] == 200


def test_a_request_past_its_time_out_is_not_begun(obedient: RunningWorker) -> None:
    with obedient.link() as link:
        link.send({"inputs": ["sleep:0.4"]})
        late = link.send({"inputs": ["late"]}, timeout_ms=100)
        link.answer()
        response = link.answer()
        assert (response.id, response.status) == (late, 504)
        assert json.loads(response.body)["error_code"] == "DEADLINE_EXCEEDED"


def test_big_bodies_travel_both_ways(obedient: RunningWorker) -> None:
    with obedient.link() as link:
        status, answer = link.ask({"inputs": ["x" * 4_000_000]})
        assert status == 200
        assert len(answer["predictions"][0]) > 4_000_000
