"""A platform that is hurt while it serves compiled and opaque models: every answer is checked, none may be missing."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from benchmarks.faults import scenarios
from benchmarks.faults.__main__ import SLEEPS_AFTER_S, hurt_platform, suffer
from benchmarks.faults.scenarios import Scenario
from benchmarks.faults.sleeping import sleep_and_wake
from benchmarks.faults.traffic import WRONG
from benchmarks.faults.withdrawing import answer_wrongly, start_damaged
from benchmarks.faults.world import MODELS, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_CONNECTIONS = 8
_WAKES_WITHIN_S = {"price": 3.0, "plain": 60.0}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[World]:
    """A compiled endpoint, one whose requests share batches, and one whose answers betray any company."""
    with hurt_platform(tmp_path_factory.mktemp("plane"), environments) as found:
        yield found


@pytest.mark.parametrize(
    "fault",
    # Once each: the benchmark repeats them.
    [
        scenarios.update_configs,
        partial(scenarios.kill_workers, times=1),
        scenarios.kill_children,
        partial(scenarios.hand_over, times=1),
    ],
    ids=["config-updates", "killed-workers", "killed-children", "hand-over"],
)
def test_every_request_has_its_right_answer_during(world: World, fault: scenarios.Fault) -> None:
    lines = suffer(world, Scenario("fault", fault), _CONNECTIONS)
    assert {line.model: (line.counts.bad, line.counts.details) for line in lines} == {
        model: (0, []) for model in MODELS
    }
    assert all(line.counts.sent > _CONNECTIONS and not line.failure for line in lines)


def test_hung_workers_are_replaced_and_nobody_waits_for_them_in_vain(world: World) -> None:
    lines = suffer(world, Scenario("fault", scenarios.hang_workers), _CONNECTIONS)
    for line in lines:
        assert (line.failure, line.counts.bad, line.counts.details) == ("", 0, []), line.model


def test_sleeping_endpoints_cost_no_process_and_wake_for_their_first_callers(world: World) -> None:
    for model, woken in sleep_and_wake(world, list(_WAKES_WITHIN_S), SLEEPS_AFTER_S).items():
        print(f"{model}: first answer after {woken.wake_s:.2f} s")
        assert woken.processes_asleep == 0, model
        assert (woken.counts.bad, woken.counts.details) == (0, []), model
        assert woken.wake_s < _WAKES_WITHIN_S[model], model


def test_a_full_disk_of_the_spool_costs_records_and_no_answers(world: World) -> None:
    if not world.home.spool.is_mount():
        pytest.skip("this system does not let us mount a small disk")
    lines = suffer(world, Scenario("full", scenarios.fill_disk), _CONNECTIONS)
    assert {line.model: (line.counts.bad, line.counts.details) for line in lines} == {
        model: (0, []) for model in MODELS
    }


def test_damaged_files_are_never_answered_with(world: World) -> None:
    withdrawn = start_damaged(world)
    assert (withdrawn.before.bad, withdrawn.before.details) == (0, [])
    assert (withdrawn.after.bad, withdrawn.after.details) == (0, [])


def test_an_endpoint_whose_compiled_answers_are_wrong_goes_over_to_the_original_by_itself(world: World) -> None:
    withdrawn = answer_wrongly(world)
    certificate = world.certificate("price", "2")
    print(f"noticed after {withdrawn.noticed_s:.1f} s and {withdrawn.before.fates[WRONG]} wrong answers")
    assert withdrawn.before.fates[WRONG] > 0
    assert (withdrawn.after.bad, withdrawn.after.details) == (0, [])
    assert certificate["withdrawal"] is not None
    assert certificate["tier"] == "C"
