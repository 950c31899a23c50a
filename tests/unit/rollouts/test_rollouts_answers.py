"""What of requests and answers two models are compared by."""

import pytest

from pierhead.rollouts.domain.observations import Ending, Route, ending_of, observe
from pierhead.rollouts.domain.scales import MOST_CATEGORIES, MOST_EDGES, scale_of
from pierhead.rollouts.domain.scores import MOST_CHARACTERS, MOST_ROWS, differ, distance, row_of, scores_of
from pierhead.rollouts.domain.slices import slices_of


@pytest.mark.parametrize(
    ("body", "scores"),
    [
        (b'{"predictions": [1, 2.5]}', [1.0, 2.5]),
        (b'{"predictions": [[0.9, 0.1]]}', [0.1]),
        (b'{"predictions": [[0.5, 0.25, 0.25]]}', [(0.5, 0.25, 0.25)]),
        (b'{"predictions": [[3.0, 4.0]]}', [(3.0, 4.0)]),
        (b'{"predictions": [[7]]}', [7.0]),
        (b'{"predictions": ["cat", true]}', ["cat", "true"]),
        (b'{"predictions": [{"label": "spam", "score": 0.75}]}', [0.75]),
        (b'{"predictions": [{"total": 4}]}', [4.0]),
        (b'{"predictions": [{"b": 1, "a": [2]}]}', ['{"a":[2],"b":1}']),
        (b'{"predictions": {"a": [1, 2]}}', [1.0, 2.0]),
        (b'{"predictions": [NaN, null]}', ["nan", "null"]),
        (b'{"predictions": ["\xc3\xa4"]}', ["ä"]),
        (b'{"predictions": []}', None),
        (b"not json", None),
        (b"", None),
        (None, None),
    ],
    ids=str,
)
def test_an_answer_gives_a_score_for_each_row(body: bytes | None, scores: list[object] | None) -> None:
    assert scores_of(body) == scores


def test_an_answer_of_any_size_gives_scores_of_bounded_size() -> None:
    many = b'{"predictions": [' + b",".join([b"1"] * 5000) + b"]}"
    long = b'{"predictions": ["' + b"x" * 5000 + b'"]}'
    wide = b'{"predictions": [[' + b",".join([b"2"] * 5000) + b"]]}"
    classes = b'{"predictions": [[' + b",".join([b"0"] * 99 + [b"1"]) + b"]]}"
    deep = b'{"predictions": ' + b"[" * 5000 + b"]" * 5000 + b"}"

    assert len(scores_of(many) or []) == MOST_ROWS
    assert len((scores_of(long) or [""])[0]) == MOST_CHARACTERS  # type: ignore[arg-type]
    assert len((scores_of(wide) or [()])[0]) == 64  # type: ignore[arg-type]
    assert scores_of(classes) == ["class 99"]
    assert scores_of(deep) is None
    assert scores_of(b'{"predictions": [' + b"9" * 400 + b"]}") != []
    assert scores_of(b'{"predictions": [[' + b"9" * 400 + b", 1, 2]]}") != []


def test_long_texts_with_one_beginning_are_different_answers() -> None:
    bodies = [b'{"predictions": ["' + b"x" * 500 + end + b'"]}' for end in (b"a", b"b")]

    assert scores_of(bodies[0]) != scores_of(bodies[1])


def test_probabilities_agree_when_they_decide_for_one_class() -> None:
    assert not differ((0.5, 0.3, 0.2), (0.9, 0.05, 0.05), 0.1)
    assert differ((0.5, 0.3, 0.2), (0.3, 0.5, 0.2), 0.1)


def test_numbers_agree_within_the_tolerance() -> None:
    assert not differ(1.0, 1.1, 0.11)
    assert differ(1.0, 1.2, 0.11)
    assert differ((5.0, 6.0), (5.0, 9.0), 1)


def test_answers_of_different_kinds_are_infinitely_far_apart() -> None:
    assert distance(1.0, "1.0") == float("inf")
    assert differ(1.0, "1.0", 100)
    assert differ("a", 1.0, 100)


def test_a_request_of_many_rows_always_speaks_by_the_same_one() -> None:
    rows = {row_of(f"request {number}", 7) for number in range(200)}

    assert rows == set(range(7))
    assert row_of("request 1", 7) == row_of("request 1", 7)


def test_slices_are_text_booleans_and_small_whole_numbers() -> None:
    body = (
        b'{"dataframe_split": {"columns": ["c", "x", "n", "id", "b", "t"], "data": [["DE", 1.5, 3, 123456, true, ""]]}}'
    )

    assert slices_of(body) == {"c": "DE", "n": "3", "b": "true"}


def test_slices_come_from_the_row_that_speaks_for_the_request() -> None:
    body = b'{"dataframe_records": [{"c": "DE"}, {"c": "FR"}]}'

    assert slices_of(body, row=1) == {"c": "FR"}
    assert slices_of(body, row=2) == {}


@pytest.mark.parametrize("body", [None, b"", b"[1", b'{"instances": [[1, "a"]]}', b"x" * 300_000])
def test_a_request_without_names_has_no_slices(body: bytes | None) -> None:
    assert slices_of(body) == {}


@pytest.mark.parametrize(
    ("status", "code", "ending"),
    [
        (200, None, Ending.ANSWERED),
        (400, None, Ending.CALLER_ERROR),
        (500, None, Ending.SERVER_ERROR),
        (503, None, Ending.SERVER_ERROR),
        (504, None, Ending.TIMEOUT),
        (503, "DEADLINE_EXCEEDED", Ending.TIMEOUT),
    ],
)
def test_a_call_ends_as_its_status_says(status: int, code: str | None, ending: Ending) -> None:
    assert ending_of(Route.CANDIDATE, status, code) is ending


def test_a_shadow_that_found_no_room_was_dropped() -> None:
    assert ending_of(Route.SHADOW, 429, None) is Ending.DROPPED
    assert ending_of(Route.PRIMARY, 429, None) is Ending.CALLER_ERROR


def test_a_shadow_is_observed_under_its_requests_id() -> None:
    seen = observe(
        request_id="s1",
        at_ms=5,
        route=Route.SHADOW,
        status=200,
        error_code=None,
        latency_ms=1.5,
        request=None,
        response=b'{"predictions": [2]}',
        bucket=7,
        unit="ff",
        shadow_of="r1",
    )

    assert (seen.request_id, seen.scores, seen.unit) == ("r1", (2.0,), 255)


def test_few_distinct_numbers_have_a_bin_each() -> None:
    scale = scale_of([0.0, 1.0, 1.0, 0.0], None, 1.0)

    assert [scale.bin_of(score) for score in (0.0, 1.0, 2.0, "text")] == [0, 1, 2, 3]
    assert scale.bins == 4


def test_many_numbers_are_split_into_bins_that_are_filled_alike() -> None:
    numbers = [float(number) for number in range(1000)]
    scale = scale_of(numbers, None, 999.0)
    counts = [0] * scale.bins
    for number in numbers:
        counts[scale.bin_of(number)] += 1

    assert len(scale.edges) == MOST_EDGES - 1
    assert counts[-1] == 0
    assert max(counts[:-1]) <= 25
    assert scale.tolerance == pytest.approx(99.9)


def test_categories_are_counted_by_name_and_the_rare_ones_together() -> None:
    scale = scale_of([f"c{number}" for number in range(100)] + ["often"] * 5, None, 0.0)

    assert scale.categories[0] == "often"
    assert scale.bin_of("never seen") == MOST_CATEGORIES
    assert scale.bins == MOST_CATEGORIES + 1


@pytest.mark.parametrize("scores", [[1.0, 2.0], ["a"] * 30, [float(number) for number in range(200)]], ids=len)
def test_a_slice_counts_in_eight_bins_at_most(scores: list[float | str]) -> None:
    scale = scale_of(scores, None, 1.0)

    assert {scale.coarse(place) for place in range(scale.bins)} <= set(range(8))
