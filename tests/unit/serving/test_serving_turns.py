"""Which workers start now when many are wanted."""

from dataclasses import replace

from serving_cases import ORIGINAL, entity, key, spec

from pierhead.serving.domain.reconcile import ForgetWorker, StartWorker
from pierhead.serving.domain.turns import in_turn

START = StartWorker("e1", key(), entity(spec()), key(), ORIGINAL)
OTHER = replace(START, endpoint_id="e2")


def test_what_the_machine_can_take_starts_at_once() -> None:
    assert in_turn([START, ForgetWorker("w"), OTHER], 2) == [START, ForgetWorker("w"), OTHER]


def test_the_first_worker_of_each_endpoint_goes_before_the_second_of_anybody() -> None:
    assert in_turn([START, START, START, ForgetWorker("w"), OTHER], 3) == [START, START, ForgetWorker("w"), OTHER]


def test_nothing_but_starts_waits() -> None:
    assert in_turn([START, ForgetWorker("w"), OTHER], 0) == [ForgetWorker("w")]
