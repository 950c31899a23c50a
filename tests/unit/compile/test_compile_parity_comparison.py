import json
import math

import pytest

from pierhead.compile.domain.certificate import Verdict
from pierhead.compile.parity.cases import Case
from pierhead.compile.parity.comparison import (
    Comparison,
    Given,
    Pair,
    compare,
    differences,
    is_label_tie,
    verdict_of,
)
from pierhead.compile.parity.worst import shown, worst_of


def answer(*rows: object) -> Given:
    return Given(200, json.dumps({"predictions": list(rows)}).encode())


REFUSAL = Given(400, b'{"error_code": "BAD_REQUEST", "message": "no"}')
DECLINED = Given(0, b"a null among strings", declined=True)


def compared(original: Given, compiled: Given, *more: Pair) -> Comparison:
    return compare([Pair(Case("random", b'{"inputs": [[1], [2]]}', 2), original, compiled), *more])


def judged(original: Given, compiled: Given, *more: Pair) -> Verdict:
    found = compared(original, compiled, *more)
    return verdict_of(differences(found.rows, found.cases))


@pytest.mark.parametrize(
    ("original", "compiled", "verdict"),
    [
        (answer(1.0, 2.0), answer(1.0, 2.0), Verdict.EXACT),
        (answer(1.0), answer(1.0 + 5e-10), Verdict.EXACT),
        (answer(1.0), answer(1.0 + 5e-6), Verdict.EQUIVALENT),
        (answer(1.0), answer(1.0 + 5e-5), Verdict.REFUSED),
        (answer(float("nan")), answer(float("nan")), Verdict.EXACT),
        (answer(float("nan")), answer(0.5), Verdict.REFUSED),
        (answer(float("nan")), answer(None), Verdict.REFUSED),
        (answer(float("inf")), answer(float("-inf")), Verdict.REFUSED),
        (answer(1), answer(1.0), Verdict.REFUSED),
        (answer("cat"), answer("cat"), Verdict.EXACT),
        (answer("cat"), answer("dog"), Verdict.REFUSED),
        (answer(True), answer(1), Verdict.REFUSED),
        (answer([1.0, 2.0]), answer([1.0]), Verdict.REFUSED),
        (answer(1.0, 2.0), answer(1.0), Verdict.REFUSED),
        (answer({"a": 1.0, "b": 2.0}), answer({"b": 2.0, "a": 1.0}), Verdict.REFUSED),
        (answer(1e308), answer(-1e308), Verdict.REFUSED),
    ],
    ids=lambda value: value.value if isinstance(value, Verdict) else value.text.replace(" ", ""),
)
def test_two_answers_are_judged_by_their_largest_difference(original, compiled, verdict):
    assert judged(original, compiled) is verdict


def test_near_its_zero_an_output_is_judged_by_its_usual_size():
    usual = Pair(Case("random", b"", 3), answer(400.0, -380.0, 410.0), answer(400.0, -380.0, 410.0))
    assert judged(answer(1e-13), answer(3e-13)) is Verdict.REFUSED
    assert judged(answer(1e-13), answer(3e-13), usual) is Verdict.EXACT


@pytest.mark.parametrize(
    ("original", "compiled", "verdict"),
    [
        ([0.9999, 0.0001], [0.99989995, 0.00010005], Verdict.EQUIVALENT),
        ([0.9999, 0.0001], [0.9998, 0.0002], Verdict.REFUSED),
        ([0.6, 0.3, 0.1], [0.6, 0.3, 0.1000005], Verdict.EQUIVALENT),
        ([1 - 2.0**-24, 2.0**-24], [1.0, 0.0], Verdict.EQUIVALENT),
        # No shares: their sum is not 1, or one of them is negative.
        ([0.9999, 0.0002], [0.9999, 0.00020005], Verdict.REFUSED),
        ([-0.5, 1.5, 0.0001], [-0.5, 1.5, 0.00010005], Verdict.REFUSED),
        (0.0001, 0.00010005, Verdict.REFUSED),
    ],
    ids=["small-share", "too-far", "three", "single-precision", "no-whole", "negative", "alone"],
)
def test_shares_of_a_whole_are_judged_by_the_largest(original, compiled, verdict):
    assert judged(answer(original), answer(compiled)) is verdict


def test_scores_of_any_size_may_tie():
    assert compared(answer([5e9, 5e9 + 1]), answer([5e9 + 1, 5e9])).rows[0].tie
    assert not compared(answer([5.0, 5.00001]), answer([5.00001, 5.0])).rows[0].tie


def test_a_highest_score_that_changes_is_a_flip_however_small_the_difference():
    found = compared(answer([0.5000001, 0.4999999]), answer([0.4999999, 0.5000001]))
    assert differences(found.rows, 1).flips == 1
    assert judged(answer([0.5000001, 0.4999999]), answer([0.4999999, 0.5000001])) is Verdict.REFUSED


def test_equal_highest_scores_are_a_tie():
    found = compared(answer([0.5, 0.5]), answer([0.49999999999, 0.50000000001]))
    result = differences(found.rows, 1)
    assert (result.flips, result.ties, result.mismatches) == (0, 1, 0)


def test_another_label_is_a_tie_only_if_the_originals_scores_say_so():
    assert is_label_tie({"labels": ["a", "b"], "scores": [0.5, 0.5]}, ("a", "b"))
    assert not is_label_tie({"labels": ["a", "b"], "scores": [0.5, 0.499999]}, ("a", "b"))
    assert not is_label_tie({"labels": ["a"], "scores": [0.5]}, ("a", "b"))
    assert not is_label_tie({}, ("a", "b"))
    # In Python True equals 1, as labels they are two.
    assert not is_label_tie({"labels": [True, False], "scores": [0.0, 0.0]}, (1, 0))


def test_labels_that_are_written_as_floats_flip():
    found = compared(answer(0.0), answer(1.0))
    assert found.rows[0].flip
    assert found.rows[0].labels == (0.0, 1.0)


def test_an_answer_where_the_original_refuses_is_wrong_and_shown():
    found = compared(REFUSAL, answer(1.0, 2.0))
    result = differences(found.rows, found.cases)
    assert verdict_of(result) is Verdict.REFUSED
    worst = worst_of(found.rows)
    assert worst is not None
    assert "BAD_REQUEST" in shown(worst).original


def test_a_refusal_where_the_original_answers_is_wrong():
    assert judged(answer(1.0), REFUSAL) is Verdict.REFUSED


def test_declining_is_never_wrong_and_is_counted():
    found = compared(answer(1.0, 2.0), DECLINED)
    assert found.rows == []
    assert found.declined == {"random": 2}
    assert found.reasons == {"a null among strings": 1}
    both = compared(REFUSAL, DECLINED)
    assert (both.rows, both.refused) == ([], 1)


def test_the_worst_row_is_shown_alone_with_both_answers():
    found = compared(answer(1.0, 2.0), answer(1.0, 3.0))
    worst = worst_of(found.rows)
    assert worst is not None
    row = shown(worst)
    assert (row.kind, row.request, row.original, row.compiled) == ("random", '{"inputs": [[2]]}', "2.0", "3.0")


def test_an_ordinary_wrong_row_is_shown_rather_than_an_odd_one():
    odd = Pair(Case("special", b"", 1), answer(1.0), answer(9.0))
    found = compared(answer(1.0), answer(1.1), odd)
    worst = worst_of(found.rows)
    assert worst is not None
    assert worst.pair.case.kind == "random"


def test_statistics_count_rows_and_requests():
    rows = [1.0] * 99 + [2.0]
    found = compared(answer(*[1.0] * 100), answer(*rows))
    result = differences(found.rows, found.cases)
    assert (result.rows, result.cases, result.mismatches) == (100, 1, 1)
    assert result.worst == 0.5
    assert math.isclose(result.p99, 0.5)
