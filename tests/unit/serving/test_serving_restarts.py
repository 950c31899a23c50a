from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from serving_cases import NOW, crash, worker

from pierhead.serving.domain.restarts import Crash, next_start, remember
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
