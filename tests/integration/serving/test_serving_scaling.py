"""Workers come and go with the calls, on a real database with workers that do as told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from serving_rig import MODEL, Rig, spec
from sqlalchemy import Engine, event

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.capacity import Machine
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import DeploymentState, EntitySpec, Tag
from pierhead.serving.domain.plans import Plan
from pierhead.serving.domain.workers import WorkerPhase
from pierhead.serving.services.endpoints import Endpoints

GIB = 1024**3


def asleep(rig: Rig) -> Rig:
    rig.create("fraud", spec(to_zero=True))
    rig.until_ready()
    rig.calls()
    rig.pass_time(310)
    return rig


def test_nobody_calls_and_the_endpoint_falls_asleep_and_stays_ready(rig: Rig) -> None:
    asleep(rig)
    (entity,) = rig.route().entities
    assert entity.sockets == []
    assert rig.host.workers == {}
    assert rig.get().is_ready
    deployment = rig.get().newest.deployment("model-1")
    assert (deployment.state, deployment.message) == (DeploymentState.READY, "scaled to zero")
    assert rig.events()[-1].startswith("scaled to zero: model-1")


def test_a_call_wakes_it_and_it_is_ready_all_the_time(rig: Rig) -> None:
    asleep(rig)
    started = len(rig.host.started)
    rig.calls(at_a_time=1.0, waiting=1)
    for _ in range(4):
        rig.tick()
        assert rig.get().is_ready
    assert len(rig.host.started) == started + 1
    assert rig.routed_workers() == rig.ready_workers()
    assert any(event.startswith("waking up: model-1") for event in rig.events())


def test_a_worker_that_cannot_come_back_is_no_mere_waking_up(rig: Rig) -> None:
    asleep(rig)
    rig.host.failing_model_versions[f"{MODEL}-1"] = "out of memory"
    rig.calls(at_a_time=1.0, waiting=1)
    rig.tick(8)
    deployment = rig.get().newest.deployment("model-1")
    assert deployment.state is DeploymentState.RECOVERING
    assert any(event.startswith("worker died") and "out of memory" in event for event in rig.events())


def test_a_sleeping_endpoint_takes_updates_and_sleeps_on(rig: Rig) -> None:
    asleep(rig)
    rig.update("fraud", spec("2", to_zero=True))
    rig.until_ready()
    assert rig.route().config_version == 2
    rig.calls(entity="model-2")
    rig.pass_time(310)
    assert rig.host.workers == {}
    assert rig.get().is_ready


def test_a_sleeping_endpoint_hears_of_rights_tags_and_deletion(rig: Rig) -> None:
    asleep(rig)
    rig.queryable = replace(rig.queryable, principal_ids=frozenset({"u9"}))
    rig.tick()
    assert rig.route().query_users == frozenset({"u9"})
    with rig.endpoints() as endpoints:
        endpoints.patch_tags("fraud", add=[Tag("pierhead.timeout_s", "7.5")], delete=[])
    rig.tick()
    assert rig.route().timeout_s == 7.5
    with rig.endpoints() as endpoints:
        endpoints.delete("fraud")
    rig.tick()
    assert rig.snapshot.endpoints == {}


def test_an_endpoint_that_may_not_sleep_keeps_its_worker(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.calls()
    rig.pass_time(400)
    assert len(rig.routed_workers()) == 1


def test_a_prewarmed_endpoint_keeps_its_first_worker(rig: Rig) -> None:
    with rig.endpoints() as endpoints:
        endpoints.create(
            "fraud", ConfigDraft((spec(to_zero=True),)), creator="ada", tags=[Tag("pierhead.prewarm", "true")]
        )
    rig.until_ready()
    rig.calls()
    rig.pass_time(400)
    assert len(rig.routed_workers()) == 1


def test_workers_follow_the_calls_up_and_down(rig: Rig) -> None:
    rig.create("fraud", spec(size="Large"))
    rig.until_ready()
    rig.calls(at_a_time=30.0)
    rig.tick(4 * 15)
    assert len(rig.routed_workers()) == 10
    rig.calls(at_a_time=1.0)
    rig.pass_time(240)
    assert len(rig.routed_workers()) == 4
    assert any("scaled up" in event and "calls at a time" in event for event in rig.events())
    assert any("scaled down" in event for event in rig.events())


def test_scaling_ends_where_the_machine_does_and_says_so_once(rig: Rig) -> None:
    rig.create("fraud", spec(size="Large"))
    rig.until_ready()
    rig.machine = Machine(5 * GIB, 4)
    rig.new_controller()
    rig.host.memory_bytes = GIB // 2
    rig.calls(at_a_time=60.0)
    rig.tick(4 * 30)
    assert len(rig.routed_workers()) == 8
    (capped,) = [event for event in rig.events() if event.startswith("scaling capped")]
    assert "8 workers of about 512 MiB: 4.0 GiB of memory" in capped


def test_a_controller_that_starts_anew_keeps_the_workers_that_calls_had_brought(rig: Rig) -> None:
    rig.create("fraud", spec(size="Large"))
    rig.until_ready()
    rig.calls(at_a_time=30.0)
    rig.tick(4 * 15)
    workers = rig.ready_workers()
    rig.new_controller()
    rig.tick(4 * 30)
    assert rig.ready_workers() == workers


def test_a_restart_of_everything_wakes_nobody_who_slept(rig: Rig) -> None:
    asleep(rig)
    started = len(rig.host.started)
    rig.new_controller()
    rig.tick(20)
    assert len(rig.host.started) == started
    assert rig.get().is_ready


def test_an_update_under_load_begins_with_the_workers_that_its_calls_need(rig: Rig) -> None:
    rig.create("fraud", spec(size="Large"))
    rig.until_ready()
    rig.calls(at_a_time=30.0)
    rig.pass_time(70)
    rig.host.is_quick = False
    rig.update("fraud", spec("2", size="Large"))
    rig.until(lambda: len([each for each in rig.host.started if each.model.name == f"{MODEL}-2"]) == 10)
    for started in rig.host.started:
        if started.model.name == f"{MODEL}-2":
            assert rig.route().config_version == 1
            rig.host.become(started.worker_id, WorkerPhase.READY)
            rig.tick()
    rig.until_ready()
    assert len(rig.routed_workers()) == 10


def test_a_config_whose_least_workers_do_not_fit_is_refused_with_the_numbers(rig: Rig) -> None:
    small = Machine(3 * GIB, 2)
    rig.versions.files_bytes = 200 * 1024**2
    large = ConfigDraft((EntitySpec(MODEL, "1", workload_size="Large"),))
    medium = ConfigDraft((EntitySpec(MODEL, "1", workload_size="Medium"),))
    fact = r"needs at least 4 workers, and this machine takes 2 workers of about 950 MiB: 2.2 GiB of memory and 2 cores"
    with rig.database.transaction() as connection:
        endpoints = Endpoints(connection, rig.clock, rig.versions, small)
        with pytest.raises(InvalidArgument, match=fact):
            endpoints.create("fraud", large, creator="ada")
        endpoints.create("fraud", medium, creator="ada")


def test_gateways_that_say_nothing_are_no_reason_to_sleep(rig: Rig) -> None:
    rig.create("fraud", spec(to_zero=True))
    rig.until_ready()
    rig.clock.advance(timedelta(hours=1).total_seconds())
    rig.tick(8)
    assert len(rig.routed_workers()) == 1


def test_a_thousand_sleepers_are_not_looked_at(rig: Rig) -> None:
    asleep(rig)
    rig.tick(2)
    route = rig.route()
    rig.tick(4)
    assert rig.route() is route


def test_the_books_are_read_with_as_many_queries_for_many_endpoints_as_for_few(rig: Rig) -> None:
    def queries() -> int:
        rig.tick(2)
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            rig.tick(20)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(seen)

    asleep(rig)
    few = queries()
    for i in range(8):
        rig.create(f"endpoint-{i}", spec(to_zero=True))
    rig.until(lambda: all(rig.get(f"endpoint-{i}").is_ready for i in range(8)))
    rig.pass_time(320)
    assert rig.host.workers == {}
    assert queries() == few


def test_who_sleeps_makes_room_sooner_when_memory_is_short(rig: Rig) -> None:
    rig.create("fraud", spec(to_zero=True))
    rig.until_ready()
    rig.calls()
    rig.machine = Machine(4 * GIB, 4)
    rig.host.memory_bytes = 3 * GIB
    rig.new_controller()
    rig.pass_time(16)
    assert len(rig.routed_workers()) == 1
    rig.pass_time(10)
    assert rig.routed_workers() == set()


def test_when_the_states_of_very_many_change_at_once_gateways_do_not_wait_for_the_books(rig: Rig) -> None:
    for i in range(60):
        rig.create(f"endpoint-{i}")
    rig.until(lambda: all(rig.get(f"endpoint-{i}").is_ready for i in range(60)))
    rig.plans.plans[f"{MODEL}-1"] = Plan("B", None, batches=False, revision="", reason="not compiled yet")

    def noted() -> int:
        with rig.database.reading() as connection:
            found = Endpoints(connection, rig.clock, rig.versions).list_all()
        return sum(each.newest.deployment("model-1").message == "tier B: not compiled yet" for each in found)

    rig.tick()
    assert noted() == 50
    rig.tick()
    assert noted() == 60


def sleepers(rig: Rig, count: int, machine: Machine) -> list[str]:
    """So many endpoints that sleep, on a machine whose workers take half a GiB each."""
    names = [f"endpoint-{i}" for i in range(count)]
    for name in names:
        rig.create(name, spec(to_zero=True))
    rig.until(lambda: all(rig.get(name).is_ready for name in names))
    for name in names:
        rig.calls(name)
    rig.pass_time(310)
    assert rig.host.workers == {}
    rig.machine, rig.host.memory_bytes = machine, GIB // 2
    rig.new_controller()
    rig.tick(4)
    return names


def test_many_that_wake_up_at_once_do_not_exceed_the_machine_and_say_that_they_wait(rig: Rig) -> None:
    names = sleepers(rig, 6, Machine(2 * GIB, 4))
    for name in names:
        rig.calls(name, at_a_time=1.0, waiting=1)
    for _ in range(20):
        rig.tick()
        assert len(rig.host.workers) <= 3
    assert len(rig.host.workers) in (2, 3)
    waiting = [name for name in names if any(event.startswith("waiting for room") for event in rig.events(name))]
    assert len(waiting) == 6 - len(rig.host.workers)
    told = [event for event in rig.events(waiting[0]) if event.startswith("waiting for room")]
    assert len(told) == 1
    assert "there is a call, and no room for a worker of about" in told[0]


def test_who_has_rested_longest_goes_to_sleep_for_those_who_are_called(rig: Rig) -> None:
    names = sleepers(rig, 6, Machine(2 * GIB, 4))
    for name in names:
        rig.calls(name, at_a_time=1.0, waiting=1)
    rig.tick(8)
    awake = [name for name in names if rig.route(name).entities[0].sockets]
    rig.calls(awake[0], at_a_time=1.0)
    for name in awake[1:]:
        rig.calls(name)
    rig.pass_time(30)
    now_awake = [name for name in names if rig.route(name).entities[0].sockets]
    assert awake[0] in now_awake
    assert not set(awake[1:]) & set(now_awake)
    assert 2 <= len(now_awake) <= len(awake)
    assert any(event.startswith("making room: model-1") for event in rig.events(awake[1]))


def test_many_that_are_created_at_once_start_no_more_workers_at_a_time_than_the_cores_can_take(rig: Rig) -> None:
    rig.host.is_quick = False
    names = [f"endpoint-{i}" for i in range(40)]
    for name in names:
        rig.create(name, spec(to_zero=True))
    rig.until(lambda: len(rig.host.started) == 16)
    rig.tick(8)
    assert len(rig.host.started) == 16
    waiting = [rig.get(name).newest.deployment("model-1").message for name in names]
    assert sum("as many workers are starting already" in message for message in waiting) == 24
    rig.host.is_quick = True
    rig.until(lambda: all(rig.get(name).is_ready for name in names))
    assert len(rig.host.started) == 40


def test_many_that_are_created_never_exceed_the_machine_and_all_become_ready_in_turn(rig: Rig) -> None:
    rig.machine, rig.host.memory_bytes = Machine(3 * GIB, 4), GIB // 2
    rig.new_controller()
    names = [f"endpoint-{i}" for i in range(12)]
    for name in names:
        rig.create(name, spec(to_zero=True))
        rig.calls(name)
    most = 0

    def all_ready() -> bool:
        nonlocal most
        most = max(most, len(rig.host.workers))
        return all(rig.get(name).is_ready for name in names)

    rig.until(all_ready)
    # By the estimate of 350 MiB each, before anybody has measured one.
    assert most <= 6
    told = [[event for event in rig.events(name) if event.startswith("waiting for room")] for name in names]
    assert sum(map(bool, told)) >= 6
    assert "the first worker of a new config waits: no room for a worker of about" in max(told)[0]


def test_new_configs_that_wait_for_room_do_not_keep_those_waiting_who_are_called(rig: Rig) -> None:
    names = sleepers(rig, 2, Machine(3 * GIB // 2, 4))
    rig.calls(names[0], at_a_time=1.0, waiting=1)
    rig.tick(4)
    for i in range(6):
        rig.create(f"new-{i}", spec(size="Large"))
    waits = "waits: no room"
    rig.until(lambda: all(waits in rig.get(f"new-{i}").newest.deployment("model-1").message for i in range(6)))
    rig.calls(names[0])
    rig.calls(names[1], at_a_time=1.0, waiting=1)
    rig.pass_time(30)
    assert rig.route(names[1]).entities[0].sockets


def test_a_machine_whose_memory_others_use_starts_no_worker_into_the_rest(rig: Rig) -> None:
    rig.available = 2 * GIB
    rig.new_controller()
    rig.create("fraud", spec(to_zero=True))
    rig.tick(8)
    assert rig.host.started == []
    rig.available = 8 * GIB
    rig.until_ready()
