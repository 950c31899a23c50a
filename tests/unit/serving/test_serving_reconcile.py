from datetime import timedelta

import pytest
from serving_cases import BUILT, NOW, ORIGINAL, config, crash, endpoint, entity, key, seen, spec, worker

from pierhead.serving.domain.builds import BuildFailed, Building
from pierhead.serving.domain.endpoints import ConfigStatus, Endpoint
from pierhead.serving.domain.reconcile import (
    DRAIN_GRACE_S,
    Activate,
    DrainWorker,
    FailConfig,
    ForgetWorker,
    Observed,
    StartBuild,
    StartWorker,
    decide,
)
from pierhead.serving.domain.workers import WorkerPhase

PENDING, ACTIVE, FAILED = ConfigStatus.PENDING, ConfigStatus.ACTIVE, ConfigStatus.FAILED

first_deployment = endpoint(pending=config(1, PENDING))
live = endpoint(active=config(1, ACTIVE))
update_to_2 = endpoint(active=config(1, ACTIVE), pending=config(2, PENDING, spec("2")))
traffic_only = endpoint(active=config(1, ACTIVE), pending=config(2, PENDING))
update_failed = endpoint(active=config(1, ACTIVE), failed=config(2, FAILED, spec("2")))

STARTING, READY, DRAINING = WorkerPhase.STARTING, WorkerPhase.READY, WorkerPhase.DRAINING
build_1 = StartBuild("e1", key("1"), entity(spec("1")))
start_1 = StartWorker("e1", key("1"), entity(spec("1")), key("1"), ORIGINAL)
start_2 = StartWorker("e1", key("2"), entity(spec("2")), key("2"), ORIGINAL)


@pytest.mark.parametrize(
    ("case", "endpoints", "observed", "expected"),
    [
        ("a new endpoint is built first", [first_deployment], seen(builds={}), [build_1]),
        ("a build under way is waited for", [first_deployment], seen(builds={key(): Building()}), []),
        ("a built workload starts its workers", [first_deployment], seen(), [start_1]),
        ("a worker that loads is waited for", [first_deployment], seen(worker("w", STARTING)), []),
        ("gateways hear of a complete config before it is active", [first_deployment], seen(worker("w")), []),
        (
            "a complete config that gateways know becomes active",
            [first_deployment],
            seen(worker("w"), announced=1),
            [Activate("e1", 1)],
        ),
        ("a live endpoint is left alone", [live], seen(worker("w"), announced=1), []),
        ("a live endpoint needs no build while its workers live", [live], seen(worker("w"), builds={}), []),
        ("a dead worker is forgotten and replaced", [live], seen(worker("w", WorkerPhase.EXITED)), None),
        ("a lost worker is built for again after a restart", [live], seen(builds={}), [build_1]),
        ("a failed config asks for nothing", [update_failed], seen(worker("w")), []),
        ("traffic alone reuses the workers", [traffic_only], seen(worker("w"), announced=2), [Activate("e1", 2)]),
        ("an update starts the new beside the old", [update_to_2], seen(worker("w")), [start_2]),
        (
            "an update does not touch the old while gateways still follow it",
            [update_to_2],
            seen(worker("w"), worker("n", version="2"), routed_s_ago={"w": 0}),
            [],
        ),
        (
            "what nobody needs is drained when gateways have forgotten it",
            [live],
            seen(worker("w"), worker("o", version="2"), routed_s_ago={"w": 0, "o": 2}),
            [DrainWorker("o", DRAIN_GRACE_S)],
        ),
        (
            "what nobody needs is kept while gateways may know it",
            [live],
            seen(worker("w"), worker("o", version="2"), routed_s_ago={"w": 0, "o": 1.9}),
            [],
        ),
        ("a deleted endpoint drains", [], seen(worker("w"), routed_s_ago={"w": 3}), [DrainWorker("w", DRAIN_GRACE_S)]),
        ("a draining worker is not drained twice", [], seen(worker("w", DRAINING)), []),
        ("a draining worker does not count", [live], seen(worker("w", DRAINING)), [start_1]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_next_step(case: str, endpoints: list[Endpoint], observed: Observed, expected: list[object] | None) -> None:
    expected = [ForgetWorker("w"), start_1] if expected is None else expected
    assert decide(endpoints, observed, NOW) == expected


def test_every_replica_is_started_and_waited_for() -> None:
    large = endpoint(pending=config(1, PENDING, spec("1", "Large")))

    assert len(decide([large], seen(), NOW)) == 4
    three_of_four = [worker("a"), worker("b"), worker("c"), worker("d", STARTING)]
    assert decide([large], seen(*three_of_four, announced=1), NOW) == []


def test_a_smaller_size_keeps_the_workers_that_have_been_ready_longest() -> None:
    workers = [worker("young", started_s_ago=1), worker("old", started_s_ago=9), worker("loading", STARTING)]

    assert decide([live], seen(*workers), NOW) == [
        DrainWorker("young", DRAIN_GRACE_S),
        DrainWorker("loading", DRAIN_GRACE_S),
    ]


def test_a_worker_that_cannot_load_fails_a_pending_config_at_once_with_its_words() -> None:
    observed = seen(worker("w", WorkerPhase.FAILED), crashes=[crash("w", is_final=True)], builds={key("1"): BUILT})

    failure = FailConfig("e1", 1, "m-1", "w is out of memory")
    assert decide([first_deployment], observed, NOW) == [ForgetWorker("w"), failure]


def test_a_worker_that_dies_silently_is_tried_three_times() -> None:
    two = seen(crashes=[crash("a", s_ago=90), crash("b", s_ago=80)])
    three = seen(crashes=[crash("a", s_ago=90), crash("b", s_ago=80), crash("c")])

    assert decide([first_deployment], two, NOW) == [start_1]
    (failure,) = decide([first_deployment], three, NOW)
    assert isinstance(failure, FailConfig)
    assert failure.reason.startswith("its worker died 3 times")
    assert "c is out of memory" in failure.reason


def test_an_active_config_never_fails_however_often_its_workers_die() -> None:
    crashes = [crash(f"w{i}", s_ago=31 + i, is_final=True) for i in range(50)]

    assert decide([live], seen(crashes=crashes), NOW) == [start_1]


def test_workers_of_an_active_config_that_die_soon_are_restarted_with_a_growing_pause() -> None:
    once, often = [crash("a", s_ago=0.9)], [crash(f"w{i}", s_ago=7) for i in range(4)]

    assert decide([live], seen(crashes=once), NOW) == []
    assert decide([live], seen(crashes=[crash("a", s_ago=1)]), NOW) == [start_1]
    assert decide([live], seen(crashes=often), NOW) == []


def test_a_worker_that_lived_long_is_replaced_at_once() -> None:
    assert decide([live], seen(crashes=[crash("w", lived_s=600)]), NOW) == [start_1]


def test_a_worker_that_hangs_while_loading_is_stopped_without_grace_and_fails_the_pending_config() -> None:
    hanging = worker("w", STARTING, started_s_ago=400)
    observed = seen(hanging, crashes=[crash("w", is_final=True)])

    assert decide([first_deployment], observed, NOW) == [
        DrainWorker("w", 0.0),
        FailConfig("e1", 1, "m-1", "w is out of memory"),
    ]


def test_a_build_that_fails_fails_the_pending_config_with_its_reason() -> None:
    observed = seen(builds={key("1"): BuildFailed(NOW, "no such package: scikit-lern")})

    assert decide([first_deployment], observed, NOW) == [FailConfig("e1", 1, "m-1", "no such package: scikit-lern")]


def test_asking_again_after_a_failed_build_builds_again_at_once() -> None:
    again = endpoint(pending=config(2, PENDING, asked_at=NOW))
    observed = seen(builds={key("1"): BuildFailed(NOW - timedelta(seconds=5), "no such package")})

    assert decide([again], observed, NOW) == [build_1]


def test_a_failed_build_of_an_active_config_is_tried_again_after_a_while() -> None:
    just_now = seen(builds={key("1"): BuildFailed(NOW - timedelta(seconds=29), "no space left")})
    earlier = seen(builds={key("1"): BuildFailed(NOW - timedelta(seconds=30), "no space left")})

    assert decide([live], just_now, NOW) == []
    assert decide([live], earlier, NOW) == [build_1]


def test_crashes_from_before_an_update_was_asked_for_do_not_fail_it() -> None:
    again = endpoint(pending=config(2, PENDING, asked_at=NOW))

    assert decide([again], seen(crashes=[crash("w", s_ago=5, is_final=True)]), NOW) == [start_1]


def test_a_pending_config_that_fails_leaves_the_active_one_alone() -> None:
    crashes = [crash("n", version="2", is_final=True)]
    observed = seen(worker("w"), crashes=crashes, announced=1, routed_s_ago={"w": 0})

    assert decide([update_to_2], observed, NOW) == [FailConfig("e1", 2, "m-2", "n is out of memory")]


def test_an_active_config_whose_worker_died_is_repaired_while_an_update_is_pending() -> None:
    actions = decide([update_to_2], seen(worker("n", version="2"), announced=1), NOW)

    assert actions == [start_1]


def test_one_broken_endpoint_does_not_hold_back_another() -> None:
    broken = endpoint(pending=config(1, PENDING, spec("9"), endpoint_id="e2"))

    assert start_1 in decide([broken, first_deployment], seen(), NOW)
