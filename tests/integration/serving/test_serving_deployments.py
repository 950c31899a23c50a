import pytest
from serving_rig import MODEL, Rig, draft, spec
from sqlalchemy.exc import DBAPIError

from pierhead.identity.domain.querying import Queryable
from pierhead.kit.errors import AlreadyExists, Conflict, NotFound
from pierhead.serving.domain.endpoints import ConfigStatus, DeploymentState
from pierhead.serving.domain.reconcile import DRAIN_GRACE_S
from pierhead.serving.domain.snapshot import EMPTY, EndpointRoute, EntityRoute, Snapshot
from pierhead.serving.domain.workers import WorkerPhase


def test_a_new_endpoint_becomes_ready_after_a_worker_answered(rig: Rig) -> None:
    created = rig.create()
    assert not created.is_ready
    assert created.pending is not None

    rig.until_ready()

    live = rig.get()
    assert live.active is not None
    assert live.active.version == 1
    assert live.newest.status is ConfigStatus.ACTIVE
    (entity,) = rig.route().entities
    assert (entity.name, entity.model_version, entity.weight) == ("model-1", "1", 100)
    assert rig.routed_workers() == rig.ready_workers()


def test_nobody_is_told_ready_before_the_gateways_know_the_way(rig: Rig) -> None:
    rig.create()
    for _ in range(40):
        rig.tick()
        if rig.get().is_ready:
            break
        known_before = rig.snapshot.endpoints["fraud"].entities
    assert rig.get().is_ready
    assert known_before
    assert known_before[0].sockets


def test_gateways_are_told_why_nothing_is_live_yet(rig: Rig) -> None:
    rig.host.is_quick = False
    rig.create()
    rig.tick()

    assert rig.route().entities == []
    assert "is being deployed" in rig.route().reason


def test_the_worker_gets_the_version_the_environment_and_the_variables(rig: Rig) -> None:
    rig.create("fraud", spec())
    rig.until_ready()

    (started,) = rig.host.started
    assert started.model.name == "main.fraud.model-1"
    assert started.python.name == "python"
    assert started.log == rig.logs / "workers" / f"{started.workload}.log"


def test_a_large_endpoint_waits_for_all_of_its_workers(rig: Rig) -> None:
    rig.host.is_quick = False
    rig.create("fraud", spec(size="Large"))
    rig.until(lambda: len(rig.host.started) == 4)
    for started in rig.host.started[:3]:
        rig.host.become(started.worker_id, WorkerPhase.READY)
    rig.tick(20)
    assert rig.get().pending is not None
    assert "3 of 4" in rig.get().newest.deployment("model-1").message

    rig.host.become(rig.host.started[3].worker_id, WorkerPhase.READY)
    rig.until_ready()
    assert len(rig.routed_workers()) == 4


def test_an_environment_that_cannot_be_built_fails_the_endpoint_with_the_real_reason(rig: Rig) -> None:
    rig.environments.failures["main.fraud.model-1"] = "no version of scikit-lern==1.5 exists"
    rig.create()
    rig.until_failed()

    failed = rig.get()
    assert not failed.is_ready
    deployment = failed.newest.deployment("model-1")
    assert deployment.state is DeploymentState.FAILED
    assert "no version of scikit-lern==1.5 exists" in deployment.message
    assert any("scikit-lern" in event for event in rig.events())
    rig.tick()
    assert "scikit-lern" in rig.route().reason


def test_a_model_that_cannot_load_fails_the_endpoint_with_its_words(rig: Rig) -> None:
    rig.host.failing_model_versions["main.fraud.model-1"] = "ValueError: the pickle is from another Python"
    rig.create()
    rig.until_failed()

    assert "another Python" in rig.get().newest.deployment("model-1").message
    rig.tick(2)
    assert rig.host.workers == {}


def test_one_bad_entity_fails_the_config_and_lets_the_others_go(rig: Rig) -> None:
    rig.host.failing_model_versions["main.fraud.model-2"] = "out of memory"
    rig.create("fraud", spec("1"), spec("2"), routes={"model-1": 50, "model-2": 50})
    rig.until_failed()

    assert rig.get().newest.deployment("model-2").state is DeploymentState.FAILED
    assert rig.get().newest.deployment("model-1").state is DeploymentState.ABORTED
    rig.tick(20)
    assert rig.host.workers == {}


def test_a_model_that_never_gets_ready_fails_when_its_time_is_over(rig: Rig) -> None:
    rig.host.is_quick = False
    rig.create()
    rig.until(lambda: bool(rig.host.started))
    rig.clock.advance(61)
    rig.tick()

    assert rig.get().failed is not None
    assert "not ready 60 s after" in rig.get().newest.failure
    assert list(rig.host.drained.values()) == [0.0]


def test_after_a_failed_first_deployment_the_next_update_repairs_the_endpoint(rig: Rig) -> None:
    rig.environments.failures["main.fraud.model-1"] = "no such package"
    rig.create()
    rig.until_failed()

    rig.update("fraud", spec("2"))
    rig.until_ready()
    assert rig.get().newest.version == 2
    assert rig.get().newest.status is ConfigStatus.ACTIVE


def test_the_same_config_can_be_tried_again_after_its_cause_is_mended(rig: Rig) -> None:
    rig.environments.failures["main.fraud.model-1"] = "the network is down"
    rig.create()
    rig.until_failed()

    rig.environments.failures.clear()
    rig.update("fraud", spec("1"))
    rig.until_ready()


def test_a_failed_update_leaves_the_old_config_serving(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    before = rig.routed_workers()
    rig.host.failing_model_versions["main.fraud.model-2"] = "out of memory"
    rig.update("fraud", spec("2"))
    rig.until_failed()
    rig.tick(20)

    endpoint = rig.get()
    assert endpoint.is_ready
    assert endpoint.active is not None
    assert endpoint.active.version == 1
    assert rig.routed_workers() == before == rig.ready_workers()


def test_an_update_keeps_the_old_workers_until_gateways_have_left_them(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    (old,) = rig.ready_workers()
    rig.update("fraud", spec("2"))
    rig.until(lambda: old not in rig.routed_workers())
    left_at = rig.clock.now()
    rig.until(lambda: old in rig.host.drained)

    assert (rig.clock.now() - left_at).total_seconds() >= 2
    assert rig.host.drained[old] == DRAIN_GRACE_S
    assert rig.get().is_ready
    assert old not in rig.routed_workers()


def test_there_is_a_ready_worker_for_the_route_at_every_moment_of_an_update(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.update("fraud", spec("2", size="Medium"))
    for _ in range(60):
        rig.tick()
        assert rig.routed_workers()
        assert rig.routed_workers() <= rig.ready_workers()
    assert rig.get().active == rig.get().newest


def test_an_update_of_traffic_alone_goes_on_with_the_running_workers(rig: Rig) -> None:
    rig.create("fraud", spec("1"), spec("2"), routes={"model-1": 90, "model-2": 10})
    rig.until_ready()
    started = len(rig.host.started)
    rig.update("fraud", routes={"model-1": 50, "model-2": 50})
    rig.until_ready()
    rig.tick(20)

    assert len(rig.host.started) == started
    assert rig.host.drained == {}
    assert [entity.weight for entity in rig.route().entities] == [50, 50]
    assert rig.route().config_version == 2


def test_an_entity_that_an_update_does_not_touch_keeps_its_id(rig: Rig) -> None:
    first = rig.create("fraud", spec("1"), spec("2"), routes={"model-1": 90, "model-2": 10})
    rig.until_ready()
    second = rig.update("fraud", spec("1"), spec("3"), routes={"model-1": 90, "model-3": 10})

    assert second.newest.entities[0].id == first.newest.entities[0].id
    assert second.newest.entities[1].id != first.newest.entities[1].id


def test_a_second_update_is_refused_while_one_is_pending(rig: Rig) -> None:
    rig.create()
    with pytest.raises(Conflict, match="currently being updated to config version 1"):
        rig.update("fraud", spec("2"))


def test_a_name_is_taken_only_once(rig: Rig) -> None:
    rig.create()
    with pytest.raises(AlreadyExists, match="'fraud' exists already"):
        rig.create()


def test_a_version_that_does_not_exist_is_refused_at_once(rig: Rig) -> None:
    with pytest.raises(NotFound, match="version 9"):
        rig.create("fraud", spec("9"))
    with pytest.raises(NotFound, match="'fraud' does not exist"):
        rig.get()


def test_a_deleted_endpoint_is_forgotten_by_gateways_and_then_drains(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    (worker,) = rig.ready_workers()
    with rig.endpoints() as endpoints:
        endpoints.delete("fraud")
    rig.tick()
    assert rig.snapshot.endpoints == {}
    assert rig.host.drained == {}

    rig.until(lambda: worker in rig.host.drained)
    rig.tick(4)
    assert rig.host.workers == {}


def test_an_endpoint_can_be_made_again_under_the_name_of_a_deleted_one(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    with rig.endpoints() as endpoints:
        endpoints.delete("fraud")
    rig.create()
    rig.until_ready()
    assert len(rig.routed_workers()) == 1


def test_a_crashed_worker_of_a_live_endpoint_is_replaced(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    (old,) = rig.ready_workers()
    rig.clock.advance(100)
    rig.host.become(old, WorkerPhase.EXITED, "killed by signal 9")
    rig.tick()
    assert rig.routed_workers() == set()
    assert not rig.get().is_ready
    assert rig.get().newest.deployment("model-1").state is DeploymentState.RECOVERING

    rig.until_ready()
    assert old not in rig.host.workers
    assert any("killed by signal 9" in event for event in rig.events())


def test_a_worker_that_keeps_dying_is_restarted_ever_more_slowly_and_never_given_up(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.host.failing_model_versions["main.fraud.model-1"] = "out of memory"
    (worker,) = rig.ready_workers()
    rig.host.become(worker, WorkerPhase.EXITED)
    starts = len(rig.host.started)
    rig.tick(4 * 120)

    assert 4 <= len(rig.host.started) - starts <= 10
    endpoint = rig.get()
    assert endpoint.newest.status is ConfigStatus.ACTIVE
    assert "out of memory" in endpoint.newest.deployment("model-1").message


def test_a_new_controller_adopts_what_runs_and_starts_nothing(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    before, snapshot, events = rig.ready_workers(), rig.snapshot, rig.events()
    rig.new_controller()
    rig.tick(40)

    assert rig.ready_workers() == before
    assert rig.snapshot == snapshot
    assert len(rig.host.started) == 1
    assert rig.environments.built == ["main.fraud.model-1"]
    assert rig.events() == events


def test_a_new_controller_finishes_the_update_that_its_predecessor_began(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.update("fraud", spec("2"))
    rig.tick(2)
    rig.new_controller()
    rig.until_ready()

    assert rig.route().config_version == 2
    rig.until(lambda: len(rig.host.workers) == 1)


def test_after_a_restart_of_everything_the_endpoint_comes_back_under_new_sockets(rig: Rig) -> None:
    rig.create("fraud", spec(size="Large"))
    rig.until_ready()
    old = rig.routed_workers()
    for worker_id in list(rig.host.workers):
        rig.host.become(worker_id, WorkerPhase.EXITED)
    rig.new_controller()
    rig.tick()
    assert rig.routed_workers() == set()

    rig.until_ready()
    assert len(rig.routed_workers()) == 4
    assert rig.routed_workers().isdisjoint(old)


def restart_everything(rig: Rig) -> None:
    for worker_id in list(rig.host.workers):
        rig.host.become(worker_id, WorkerPhase.EXITED)
    rig.new_controller()


def test_an_endpoint_comes_back_after_its_version_was_deleted(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.versions.known.clear()
    restart_everything(rig)
    rig.until_ready()
    assert len(rig.routed_workers()) == 1


def test_an_endpoint_never_serves_other_files_that_were_registered_under_the_same_version(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.versions.known[MODEL, "1"] = "other-files"
    restart_everything(rig)
    rig.until_ready()
    assert {worker.model.name for worker in rig.host.started} == {f"{MODEL}-1"}


def test_asking_for_a_version_that_was_registered_anew_serves_its_new_files(rig: Rig) -> None:
    before = rig.create()
    rig.until_ready()
    old = rig.routed_workers()
    rig.versions.known[MODEL, "1"] = "other-files"

    updated = rig.update("fraud", spec("1"))
    rig.until_ready()

    assert rig.host.started[-1].model.name == "other-files"
    assert rig.routed_workers().isdisjoint(old)
    assert updated.newest.entities[0].id != before.newest.entities[0].id


def test_the_rest_of_a_config_can_change_after_its_version_was_deleted(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    workers = rig.routed_workers()
    rig.versions.known.clear()

    rig.update("fraud", routes={"model-1": 100})
    rig.until_ready()

    assert rig.get().newest.version == 2
    assert rig.routed_workers() == workers


def test_a_restart_of_everything_does_not_fail_a_pending_config(rig: Rig) -> None:
    rig.host.is_quick = False
    rig.create("fraud", spec(size="Large"))
    rig.until(lambda: len(rig.host.started) == 4)
    for worker_id in list(rig.host.workers):
        rig.host.become(worker_id, WorkerPhase.EXITED)
    rig.host.is_quick = True
    rig.new_controller()
    rig.until_ready()


def test_a_snapshot_of_an_earlier_life_is_replaced_under_a_higher_number(rig: Rig) -> None:
    dead = EntityRoute("model-1", "id", "main.fraud.model", "1", 100, ["/run/dead.sock"])
    rig.place.snapshot = Snapshot(41, {}, {"gone": EndpointRoute("gone", "e0", 1, [dead])})
    rig.new_controller()
    rig.tick()

    assert rig.snapshot.number == 42
    assert rig.snapshot.endpoints == {}


def test_the_snapshot_is_written_only_when_something_changed(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    writes = rig.place.writes
    rig.tick(20)
    assert rig.place.writes == writes

    rig.tokens["1" * 64] = rig.tokens["0" * 64]
    rig.tick(2)
    assert rig.place.writes == writes + 1


def test_an_unreachable_database_leaves_the_snapshot_and_the_workers_alone(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    snapshot, workers = rig.snapshot, rig.ready_workers()
    with rig.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE endpoints RENAME TO endpoints_away")
    for _ in range(40):
        with pytest.raises(DBAPIError):
            rig.tick()
        rig.clock.advance(0.25)
    assert rig.snapshot == snapshot

    with rig.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE endpoints_away RENAME TO endpoints")
    rig.tick(4)
    assert rig.snapshot == snapshot
    assert rig.ready_workers() == workers


def test_workers_stay_while_a_snapshot_without_them_cannot_be_written(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.tolerates_errors = True
    rig.place.is_broken = True
    with rig.endpoints() as endpoints:
        endpoints.delete("fraud")
    rig.tick(40)
    assert rig.host.drained == {}

    rig.place.is_broken = False
    rig.until(lambda: bool(rig.host.drained))
    assert rig.snapshot.endpoints == {}


def test_a_host_that_cannot_start_one_worker_fails_that_config_after_three_tries(rig: Rig) -> None:
    rig.tolerates_errors = True
    rig.host.cannot_start = "no such file: /env/bin/python"
    rig.create()
    rig.until_failed()

    assert "no such file: /env/bin/python" in rig.get().newest.failure


def test_the_first_snapshot_is_written_even_if_there_is_nothing_to_say(rig: Rig) -> None:
    rig.tick()
    assert rig.snapshot.number == EMPTY.number + 1


def test_the_events_tell_the_story_in_order(rig: Rig) -> None:
    rig.create()
    rig.until_ready()

    kinds = [event.partition(":")[0] for event in rig.events()]
    assert kinds == ["created", "building", "worker starting", "worker ready", "update completed"]


def test_an_update_that_names_no_entities_keeps_them(rig: Rig) -> None:
    rig.create("fraud", spec("1"), spec("2"), routes={"model-1": 90, "model-2": 10})
    rig.until_ready()
    with rig.endpoints() as endpoints:
        updated = endpoints.update_config("fraud", draft(routes={"model-2": 100}), creator="bob")

    assert [entity.name for entity in updated.newest.entities] == ["model-1", "model-2"]
    assert updated.newest.points("model-1") == 0
    assert updated.newest.creator == "bob"


def test_a_worker_that_gateways_follow_is_not_drained_right_after_a_long_outage(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.clock.advance(600)
    with rig.endpoints() as endpoints:
        endpoints.delete("fraud")
    rig.tick(8)
    assert rig.host.drained == {}

    rig.tick(2)
    assert len(rig.host.drained) == 1


def test_a_new_right_to_query_reaches_gateways_with_the_next_tick(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    before = rig.snapshot
    assert before.endpoints["fraud"].query_groups == frozenset({"admins"})
    rig.tick()
    assert rig.snapshot.number == before.number

    rig.queryable = Queryable(everybody=False, principal_ids=frozenset({"u7"}), groups=frozenset({"admins"}))
    rig.tick()
    assert rig.snapshot.number == before.number + 1
    assert rig.snapshot.endpoints["fraud"].query_users == frozenset({"u7"})
