from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from serving_cases import NOW, crash, worker

from pierhead.serving.domain.restarts import Crash, next_start, reason_to_give_up, remember, start_trouble
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase


def learn(
    *workers: WorkerObservation, known: Sequence[Crash] = (), told: Collection[str] = (), at: datetime = NOW
) -> tuple[Crash, ...]:
    return remember(known, workers, told_to_stop=told, now=at, startup_timeout_s=60)


def test_a_dead_worker_counts_once() -> None:
    dead = worker("w", WorkerPhase.EXITED, started_s_ago=5, message="signal 9")
    once = learn(dead)

    assert once == (Crash("w", dead.workload, NOW, 5, "signal 9", False),)
    assert learn(dead, known=once, at=NOW + timedelta(seconds=1)) == once


def test_a_worker_that_was_told_to_stop_did_not_crash() -> None:
    assert learn(worker("w", WorkerPhase.EXITED), told={"w"}) == ()


def test_a_worker_that_said_why_will_fail_again() -> None:
    (found,) = learn(worker("w", WorkerPhase.FAILED, message="no module named 'lightgbm'"))
    assert found.is_final
    assert found.message == "no module named 'lightgbm'"


def test_a_worker_that_loads_for_too_long_counts_as_dead() -> None:
    assert learn(worker("w", WorkerPhase.STARTING, started_s_ago=60)) == ()
    (found,) = learn(worker("w", WorkerPhase.STARTING, started_s_ago=61))
    assert found.is_final
    assert "60 s" in found.message


def test_living_workers_are_no_crashes() -> None:
    assert (
        learn(worker("a"), worker("b", WorkerPhase.DRAINING), worker("c", WorkerPhase.STARTING, started_s_ago=1)) == ()
    )


def test_old_crashes_are_forgotten_when_their_worker_is_gone() -> None:
    old = crash("w", s_ago=601)
    assert learn(known=[old]) == ()
    assert learn(worker("w", WorkerPhase.FAILED), known=[old]) == (old,)


def test_replicas_that_die_together_count_once() -> None:
    four = [crash(f"w{i}") for i in range(4)]
    assert next_start(four, replicas=4) == NOW + timedelta(seconds=1)
    assert next_start(four, replicas=1) == NOW + timedelta(seconds=8)


def test_a_long_life_clears_the_way() -> None:
    assert next_start([crash("w", lived_s=60)], replicas=1) is None
    assert next_start([], replicas=1) is None


def served(count: int, *, every_s: float = 5.0) -> list[Crash]:
    """Deaths of workers that had been ready, the last of them now."""
    return [replace(crash(f"w{i}", s_ago=i * every_s), had_served=True, is_passing=True) for i in range(count)]


def test_a_worker_that_was_ready_is_replaced_at_once_however_short_its_life() -> None:
    assert next_start(served(5), replicas=1) is None
    learned = learn(replace(worker("w", WorkerPhase.EXITED, started_s_ago=3), was_ready=True))
    assert next_start(learned, replicas=1) is None


def test_workers_that_are_killed_again_and_again_are_replaced_once_a_second() -> None:
    assert next_start(served(6), replicas=1) == NOW + timedelta(seconds=1)
    assert next_start(served(40, every_s=1), replicas=1) == NOW + timedelta(seconds=1)
    assert next_start(served(6), replicas=2) is None
    assert next_start(served(6, every_s=30), replicas=1) is None


def test_an_artifact_that_others_killed_is_tried_again_after_a_pause_that_grows() -> None:
    killed = [replace(crash(f"w{i}", s_ago=2 - i), is_passing=True) for i in range(3)]
    assert reason_to_give_up(killed[:2], NOW) is None
    assert reason_to_give_up(killed, NOW) == "w2 is out of memory; it is tried again in a while"
    assert reason_to_give_up(killed, NOW + timedelta(seconds=31)) is None
    again = [*killed, replace(crash("w3", s_ago=-31), is_passing=True)]
    assert reason_to_give_up(again, NOW + timedelta(seconds=80)) is not None
    assert reason_to_give_up(again, NOW + timedelta(seconds=92)) is None


def test_an_artifact_that_crashes_by_its_own_fault_is_not_tried_again() -> None:
    own = [crash(f"w{i}") for i in range(3)]
    assert reason_to_give_up(own, NOW + timedelta(minutes=9)) == "w2 is out of memory"
    assert reason_to_give_up([crash("w", is_final=True)], NOW + timedelta(minutes=9)) is not None


def test_kills_of_workers_that_had_served_say_nothing_about_the_artifact() -> None:
    assert reason_to_give_up(served(20), NOW) is None


def test_a_full_disk_is_no_fault_of_the_model() -> None:
    (found,) = learn(worker("w", WorkerPhase.FAILED, message="OSError: [Errno 28] No space left on device"))
    assert (found.is_final, found.is_passing) == (False, True)
    (killed,) = learn(replace(worker("w", WorkerPhase.EXITED, message="killed"), is_from_outside=True))
    assert killed.is_passing


def test_workers_that_cannot_be_started_again_and_again_are_trouble() -> None:
    full = replace(crash("w1", s_ago=3), is_passing=True, message="no space left on device")
    assert start_trouble([full]) == ""
    assert start_trouble([full, replace(full, worker_id="w2")]) == "no space left on device"


def test_kills_and_what_was_before_a_worker_served_are_no_trouble() -> None:
    killed = [replace(crash(f"k{i}"), is_passing=True) for i in range(4)]
    assert start_trouble(killed) == ""
    failed = [crash("w1", s_ago=30), crash("w2", s_ago=20)]
    assert start_trouble([*failed, replace(crash("w3", s_ago=10), had_served=True)]) == ""


def test_a_full_disk_is_looked_at_again_within_seconds_and_demotes_no_artifact() -> None:
    full = [replace(crash(f"w{i}"), is_passing=True, message="no space left on device") for i in range(9)]
    assert reason_to_give_up(full, NOW) is None
    assert next_start(full, replicas=1) == NOW + timedelta(seconds=4)
