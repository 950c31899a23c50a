"""Many requests in one run: each gets its own answer, and those that only the original can answer are declined."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tests.unit.compile.small_networks import COLUMNS, TOWNS, spec_of, summing, telling, write

from pierhead.compile.domain.artifact import AnswerSpec, Feed
from pierhead.compile.runtime.artifact import Artifact
from pierhead.compile.runtime.decoding import Decoder
from pierhead.compile.runtime.scoring import MOST_ROWS, CompiledScorer, Declined
from pierhead.compile.runtime.tables import Table
from pierhead.worker.scoring import Answer


def split(*rows: list[Any], names: tuple[str, ...] = ("a", "town")) -> tuple[str, bytes]:
    return "application/json", json.dumps({"dataframe_split": {"columns": names, "data": rows}}).encode()


def records(*rows: dict[str, Any]) -> tuple[str, bytes]:
    return "", json.dumps({"dataframe_records": rows}).encode()


def predictions(outcome: Answer | Declined) -> Any:
    assert isinstance(outcome, Answer)
    assert outcome.status == 200
    return json.loads(outcome.body)["predictions"]


@pytest.fixture
def scorer(tmp_path: Path) -> CompiledScorer:
    return CompiledScorer(Artifact.load(telling(tmp_path)))


def test_requests_of_every_form_share_a_run_and_keep_their_own_rows(scorer: CompiledScorer) -> None:
    outcomes = scorer.score_many(
        [
            split([1, "Oslo"]),
            split(["Bergen", 2.5], ["nowhere", 3], names=("town", "a")),
            records({"more": 1, "a": 4, "town": "Oslo"}),
            split([5, "Bergen"]),
            ("", b'{"inputs": {"a": [6, 7], "town": ["", "Oslo"]}}'),
            ("", b"{"),
            split([8, "Oslo"]),
        ]
    )
    assert [predictions(outcome) for outcome in outcomes[:5]] == [
        [[1, 0]],
        [[2.5, 1], [3, -1]],
        [[4, 0]],
        [[5, 1]],
        [[6, -1], [7, 0]],
    ]
    refused = outcomes[5]
    assert isinstance(refused, Answer)
    assert refused.status == 400
    assert predictions(outcomes[6]) == [[8, 0]]


def test_a_row_that_only_the_original_answers_declines_its_request_and_no_other(scorer: CompiledScorer) -> None:
    outcomes = scorer.score_many(
        [split([1, "Oslo"]), split([2, "Oslo"], [-1, "Oslo"]), split([None, "Oslo"]), split([3, "Oslo"])]
    )
    assert [isinstance(outcome, Declined) for outcome in outcomes] == [False, True, True, False]
    assert predictions(outcomes[3]) == [[3, 0]]


def test_a_request_of_many_rows_is_answered_whole(scorer: CompiledScorer) -> None:
    rows = [[number, TOWNS[number % 2]] for number in range(2 * MOST_ROWS + 7)]
    first, second = scorer.score_many([split(*rows), split([9, "Oslo"])])
    assert predictions(first) == [[number, number % 2] for number in range(len(rows))]
    assert predictions(second) == [[9, 0]]


def test_rows_that_depend_on_each_other_share_no_run(tmp_path: Path) -> None:
    artifact = Artifact.load(summing(tmp_path))
    sent = [split([1, "Oslo"]), split([2, "Oslo"], [3, "Oslo"])]
    apart = CompiledScorer(artifact, shares_runs=False).score_many(sent)
    assert [predictions(outcome)[0][0] for outcome in apart] == [1, 5]
    together = CompiledScorer(artifact).score_many(sent)
    assert [predictions(outcome)[0][0] for outcome in together] == [6, 6]


class Fragile(Artifact):
    """Fails on every run with a number above 100."""

    def run(self, table: Table) -> dict[str, Any]:
        if (table.matrix[:, 0] > 100).any():
            raise RuntimeError("no")
        return dict(super().run(table))


def test_a_run_that_fails_is_repeated_one_by_one(tmp_path: Path) -> None:
    whole = Artifact.load(telling(tmp_path))
    outcomes = CompiledScorer(Fragile(whole.spec, whole._session)).score_many(
        [split([1, "Oslo"]), split([101, "Oslo"]), split([2, "Oslo"])]
    )
    assert predictions(outcomes[0]) == [[1, 0]]
    assert outcomes[1] == Declined("the network failed: RuntimeError")
    assert predictions(outcomes[2]) == [[2, 0]]


def test_networks_with_several_typed_inputs_are_fed_each(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Equal", ["towns", "towns"], ["same"]),
        helper.make_node("Cast", ["same"], ["one"], to=11),
        helper.make_node("Cast", ["whole"], ["number"], to=11),
        helper.make_node("Add", ["one", "number"], ["y"]),
    ]
    feeds = [Feed("towns", "string", [1]), Feed("whole", "int64", [0])]
    spec = spec_of([AnswerSpec("y", "scalar", "float64")], feeds=feeds)
    raw = type(spec)(**{**{name: getattr(spec, name) for name in spec.__struct_fields__}, "columns": [
        type(COLUMNS[0])("a", "long"), type(COLUMNS[0])("town", "string")]})  # fmt: skip
    scorer = CompiledScorer(Artifact.load(write(tmp_path, nodes, {"y": 1}, raw)))
    outcomes = scorer.score_many([split([1, "Oslo"]), split([2, "Bergen"], [3, "x"]), split([1.0, "Oslo"])])
    assert [predictions(outcome) for outcome in outcomes[:2]] == [[2], [3, 4]]
    assert isinstance(outcomes[2], Declined)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"dataframe_split": {"columns": ["a", "town"], "data": [[1, "x"]]}, "params": {"k": 1}}', "params"),
        (b'{"messages": []}', "a request to a language model"),
        (b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep nesting"),
        (b'{"dataframe_split": {"columns": ["a", "town"], "data": [[1, null]]}}', "values that are not plain"),
        (b'{"x": "' + b"x" * 300_000 + b'"}', "a large body that is not plain"),
        (b'{"x": ' + b"9" * 5000 + b"}", "a number of thousands of digits"),
    ],
    ids=["params", "chat", "nested", "null", "large", "digits"],
)
def test_what_is_declined_says_why_in_a_few_words(scorer: CompiledScorer, body: bytes, reason: str) -> None:
    assert scorer.score("application/json", body) == Declined(reason)


def test_columns_in_ever_new_orders_do_not_fill_the_memory(scorer: CompiledScorer) -> None:
    for number in range(200):
        body = {"dataframe_split": {"columns": [f"extra {number}", "town", "a"], "data": [[0, "Oslo", number]]}}
        assert predictions(scorer.score("", json.dumps(body).encode())) == [[number, 0]]
    assert len(scorer._decoder._forms) <= 64


@pytest.mark.parametrize("count", [1, 3, 64])
def test_answers_belong_to_their_requests_in_any_mixture(scorer: CompiledScorer, count: int) -> None:
    draws = np.random.default_rng(count)
    for _ in range(30):
        numbers = [int(draws.integers(1, 10**6)) for _ in range(count)]
        sent = [
            split(*[[number, "Oslo"]] * int(draws.integers(1, 4))) if number % 3 else ("", b"broken")
            for number in numbers
        ]
        for number, outcome in zip(numbers, scorer.score_many(sent), strict=True):
            if number % 3:
                assert {row[0] for row in predictions(outcome)} == {number}
            else:
                assert isinstance(outcome, Answer)
                assert outcome.status == 400


def test_columns_in_ever_new_orders_keep_no_body_in_memory(tmp_path: Path) -> None:
    decoder = Decoder(Artifact.load(telling(tmp_path)).spec)
    rows = [["Oslo", 1]] * 100_000
    bodies = [split(*rows, names=names)[1] for names in (("town", "a"), ("a", "town"))]
    tracemalloc.start()
    for body in bodies:
        decoder.decode("", memoryview(body).tobytes())
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < len(bodies[0]) / 2


@pytest.mark.parametrize("extras", [[f"x{i}" for i in range(201)], ["x" * 20_000]])
def test_among_too_many_columns_that_the_model_does_not_know_only_the_original_looks_for_its_own(
    scorer: CompiledScorer, extras: list[str]
) -> None:
    row = [1, "Oslo", *[0] * len(extras)]
    outcome = scorer.score(*split(row, names=("a", "town", *extras)))
    assert isinstance(outcome, Declined)
