import json
import random

from pierhead.compile.domain.program import Column
from pierhead.compile.parity.cases import Layout, parse
from pierhead.compile.parity.comparison import Given
from pierhead.compile.parity.independence import batches, dependence, single_bodies

LAYOUT = Layout((Column("x", "double"),))
ROWS = [(float(number),) for number in range(20)]
BODIES = single_bodies(LAYOUT, ROWS)


def answer(values: list[float]) -> Given:
    return Given(200, json.dumps({"predictions": values}).encode())


def asked(model, later=None, rows=ROWS, ordinary=range(20)) -> str:
    """`model` and `later` are functions of all values in a request."""
    companies = batches(LAYOUT, rows, list(ordinary), random.Random(0))

    def score(body: bytes, function) -> Given:
        values = [row[0] for row in parse(LAYOUT, body) or ()]
        found = function(values)
        return found if isinstance(found, Given) else answer(found)

    bodies = single_bodies(LAYOUT, rows)
    alone = [score(body, model) for body in bodies]
    again = [(at, score(bodies[at], later or model)) for at in range(4)]
    return dependence(bodies, alone, again, [(batch, score(batch.body, model)) for batch in companies])


def test_rows_that_are_answered_for_themselves_are_independent():
    assert asked(lambda values: [value * 2 for value in values]) == ""


def test_a_row_measured_by_its_company_is_found():
    reason = asked(lambda values: [value - sum(values) / len(values) for value in values])
    assert "in a batch of 20 differ" in reason


def test_a_row_measured_by_its_neighbour_alone_is_found():
    def rises(values: list[float]) -> list[float]:
        return [value + (before < value) for value, before in zip(values, [99.0, *values[:-1]], strict=True)]

    reason = asked(rises)
    assert "in a batch of" in reason


def test_an_answer_that_changes_with_time_is_found():
    reason = asked(lambda values: values, later=lambda values: [value + 1 for value in values])
    assert "differently when it was asked again" in reason


def test_an_answer_for_the_whole_batch_is_found():
    assert asked(lambda values: [sum(values)]) == "the answer to 20 rows has 1"
    assert asked(lambda _: [1.0, 2.0]) == "the answer to one row is not one row"


def test_companies_are_full_however_few_the_rows_are():
    sizes = [len(batch.members) for batch in batches(LAYOUT, ROWS, range(20), random.Random(0))]
    assert sizes == [20, 64, 10, 10]


def test_rows_that_are_refused_together_are_found():
    refusal = Given(400, b"{}")
    assert "are refused together" in asked(lambda values: values if len(values) == 1 else refusal)


def test_odd_company_may_be_refused_and_is_parted_again():
    refusal = Given(400, b"{}")
    assert asked(lambda values: values if len(values) == 1 or max(values) < 15 else refusal, ordinary=range(15)) == ""


def test_too_few_answers_tell_nothing():
    reason = asked(lambda _: Given(400, b"no"))
    assert reason.startswith("could not be told: only 0 of 20 rows")
