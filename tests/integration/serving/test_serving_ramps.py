"""Ramps on a real database: what services write, what the reconciler makes of it, and who wins if two want to."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from serving_rig import Rig, draft, spec
from sqlalchemy import text

from pierhead.kit.errors import Conflict, InvalidArgument, NotFound
from pierhead.serving.adapters.nudge_socket import NudgeSocket, knock
from pierhead.serving.domain.endpoints import DeploymentState, EntitySpec, Tag
from pierhead.serving.domain.ramps import Observer, Ramp
from pierhead.serving.domain.workers import WorkerPhase

RAMP = Ramp(2, 100, 0.0, "salt", "r1")
V1, V2 = spec("1", name="fraud"), spec("2", name="fraud")


def ask(rig: Rig, ramp: Ramp = RAMP, asked: EntitySpec | None = None) -> Rig:
    """Version 1 answers, version 2 is asked for with a ramp."""
    rig.create("fraud", spec(size="Large") if asked and asked.workload_size == "Large" else spec())
    rig.until_ready()
    with rig.endpoints() as endpoints:
        endpoints.update_config("fraud", draft(asked or spec("2")), creator="ada")
        endpoints.start_ramp("fraud", ramp)
    return rig


def ramped(rig: Rig, ramp: Ramp = RAMP, asked: EntitySpec | None = None) -> Rig:
    """As `ask`, and the candidate is there."""
    ask(rig, ramp, asked)
    rig.until(lambda: len(rig.route().entities) == 2 and all(entity.sockets for entity in rig.route().entities))
    return rig


def points(rig: Rig) -> int:
    ramp = rig.route().ramp
    assert ramp is not None
    return ramp.points


def workers_of(rig: Rig, entity: str) -> int:
    return next(len(each.sockets) for each in rig.route().entities if each.name == entity)


def test_a_ramp_holds_a_ready_config_back_and_is_in_the_snapshot(rig: Rig) -> None:
    ramped(rig)
    rig.tick(8)
    endpoint = rig.get()
    assert endpoint.pending is not None
    assert endpoint.pending.deployment("model-2").state is DeploymentState.READY
    assert endpoint.is_ready
    assert endpoint.ramp == RAMP
    assert points(rig) == 100
    assert "ramp: config version 2: model-2 starts with 1% of the traffic (rollout r1)" in rig.events()


def test_a_change_of_a_ramp_is_in_the_snapshot_after_the_next_tick(rig: Rig) -> None:
    ramped(rig)
    with rig.endpoints() as endpoints:
        endpoints.set_ramp("fraud", replace(RAMP, points=490, shadow_rate=0.5))
    rig.tick()
    ramp = rig.route().ramp
    assert ramp is not None
    assert (ramp.points, ramp.shadow_rate) == (490, 0.5)
    shadow = "0.5 of the others' requests copied to it"
    assert rig.events()[-1].endswith(f"goes on with 4.9% of the traffic, {shadow} (rollout r1)")


def test_a_finished_ramp_lets_the_config_go_live_and_is_gone_then(rig: Rig) -> None:
    ramped(rig)
    with rig.endpoints() as endpoints:
        endpoints.finish_ramp("fraud", rollout_id="r1")
        endpoints.finish_ramp("fraud", rollout_id="r1")
    rig.until_ready()
    assert rig.get().newest.is_active
    assert rig.get().ramp is None
    assert (rig.route().config_version, rig.route().ramp) == (2, None)
    kinds = [event.partition(":")[0] for event in rig.events()]
    assert kinds.count("ramp finished") == 1
    assert kinds.index("ramp finished") < kinds.index("update completed", kinds.index("ramp"))


def test_a_ramp_that_is_given_up_fails_its_config_for_that_reason_and_touches_nothing_else(rig: Rig) -> None:
    ramped(rig)
    live = rig.route().entities[0]
    with rig.endpoints() as endpoints:
        failed = endpoints.give_up_ramp("fraud", "its scores moved").failed
    assert failed is not None
    assert failed.failure == "its scores moved"
    assert failed.deployment("model-2").message == "its scores moved"
    rig.tick()
    assert rig.route().entities == [live]
    assert rig.route().ramp is None
    assert rig.events()[-1] == "given up: rollout r1 of config version 2 ended: its scores moved"
    rig.until(lambda: len(rig.ready_workers()) == 1)
    fact = "has no ramp: config version 2 is failed: its scores moved"
    with pytest.raises(Conflict, match=fact), rig.endpoints() as endpoints:
        endpoints.set_ramp("fraud", RAMP)
    rig.update("fraud", spec("3"))
    rig.until_ready()


def test_a_config_that_fails_during_its_ramp_takes_the_ramp_along(rig: Rig) -> None:
    ramped(rig, asked=spec("2"))
    (candidate,) = [Path(each).stem for each in rig.route().entities[1].sockets]
    rig.host.become(candidate, WorkerPhase.FAILED, "out of memory")
    rig.tick()
    assert rig.get().ramp is None
    assert rig.get().failed is not None
    assert points(rig) == 0
    rig.tick()
    assert rig.route().ramp is None
    assert "given up: rollout r1 of config version 2 ended: out of memory" in rig.events()
    assert rig.get().is_ready


def test_a_candidate_whose_worker_dies_once_gets_nothing_until_it_has_another(rig: Rig) -> None:
    ramped(rig)
    (candidate,) = [Path(each).stem for each in rig.route().entities[1].sockets]
    rig.host.is_quick = False
    rig.host.become(candidate, WorkerPhase.EXITED)
    rig.tick()
    assert points(rig) == 0
    assert rig.get().ramp == RAMP
    rig.host.is_quick = True
    rig.until(lambda: points(rig) == 100)


def test_a_config_whose_build_fails_takes_its_ramp_along(rig: Rig) -> None:
    rig.environments.failures["main.fraud.model-2"] = "no such package"
    ask(rig)
    rig.until_failed()
    assert rig.get().ramp is None
    rig.tick()
    assert rig.route().ramp is None


def test_the_same_name_on_both_sides_is_told_apart_by_the_config(rig: Rig) -> None:
    rig.create("fraud", V1)
    rig.until_ready()
    with rig.endpoints() as endpoints:
        endpoints.update_config("fraud", draft(V2), creator="ada")
        endpoints.start_ramp("fraud", RAMP)
    rig.until(lambda: rig.route().ramp is not None and points(rig) == 100)
    assert [entity.name for entity in rig.route().entities] == ["fraud", "fraud@2"]
    with rig.endpoints() as endpoints:
        endpoints.finish_ramp("fraud")
    rig.until_ready()
    (entity,) = rig.route().entities
    assert (entity.name, entity.model_version, entity.weight) == ("fraud", "2", 100)


def test_each_side_scales_by_its_own_calls_and_what_is_live_keeps_its_workers(rig: Rig) -> None:
    rig.create("fraud", spec("1", "Large", "fraud"))
    rig.until_ready()
    rig.calls(entity="fraud", at_a_time=20.0)
    rig.tick(4 * 15)
    assert workers_of(rig, "fraud") == 7
    with rig.endpoints() as endpoints:
        endpoints.update_config("fraud", draft(spec("2", "Large", "fraud")), creator="ada")
        endpoints.start_ramp("fraud", RAMP)
    rig.until(lambda: len(rig.route().entities) == 2 and points(rig) == 100)
    assert workers_of(rig, "fraud@2") == 4
    with rig.endpoints() as endpoints:
        endpoints.set_ramp("fraud", replace(RAMP, points=10_000))
    rig.calls(entity="fraud", at_a_time=0.0)
    rig.calls(entity="fraud@2", at_a_time=20.0)
    rig.tick(20, every_s=10.0)
    assert (workers_of(rig, "fraud"), workers_of(rig, "fraud@2")) == (7, 7)

    with rig.endpoints() as endpoints:
        endpoints.finish_ramp("fraud")
    rig.until_ready()
    rig.calls(entity="fraud@2", at_a_time=0.0)
    rig.calls(entity="fraud", at_a_time=20.0)
    rig.tick(20, every_s=2.0)
    assert workers_of(rig, "fraud") == 7
    assert not any(event.startswith("scaled down: fraud:") for event in rig.events())


def test_promoted_early_it_takes_over_with_as_many_workers_as_it_will_need(rig: Rig) -> None:
    rig.create("fraud", spec(size="Large"))
    rig.until_ready()
    rig.calls(at_a_time=20.0)
    rig.tick(4 * 15)
    with rig.endpoints() as endpoints:
        endpoints.update_config("fraud", draft(spec("2", "Large")), creator="ada")
        endpoints.start_ramp("fraud", RAMP)
    rig.until(lambda: len(rig.route().entities) == 2 and points(rig) == 100)
    assert workers_of(rig, "model-2") == 4
    with rig.endpoints() as endpoints:
        endpoints.finish_ramp("fraud")
    rig.until(lambda: rig.route().config_version == 2)
    assert workers_of(rig, "model-2") == 7


def test_what_sleeps_is_woken_by_a_ramp_and_does_not_fall_asleep_in_it(rig: Rig) -> None:
    rig.create("fraud", spec(to_zero=True))
    rig.until_ready()
    rig.calls()
    rig.tick(20, every_s=20.0)
    assert rig.ready_workers() == set()
    with rig.endpoints() as endpoints:
        endpoints.update_config("fraud", draft(spec("2", to_zero=True)), creator="ada")
        endpoints.start_ramp("fraud", RAMP)
    rig.until(lambda: len(rig.ready_workers()) == 2)
    rig.tick(20, every_s=20.0)
    assert (workers_of(rig, "model-1"), workers_of(rig, "model-2")) == (1, 1)
    assert "waking up: model-1: it stays warm during a rollout" in rig.events()


def test_a_new_controller_goes_on_with_the_ramp_and_its_workers(rig: Rig) -> None:
    ramped(rig)
    before = rig.routed_workers()
    rig.new_controller()
    rig.tick(12)
    assert rig.routed_workers() == before
    assert points(rig) == 100


def test_another_update_meanwhile_is_refused_by_the_name_of_the_rollout(rig: Rig) -> None:
    ask(rig)
    with pytest.raises(Conflict, match="by rollout r1, now with 1% of the traffic"):
        rig.update("fraud", spec("3"))
    with pytest.raises(Conflict, match="by rollout r1"), rig.endpoints() as endpoints:
        endpoints.start_ramp("fraud", replace(RAMP, rollout_id="r2"))


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"rollout_id": "r2"}, "is of rollout r1, not of r2"),
        ({"salt": "other"}, "keeps its salt"),
        ({"config_version": 3}, "is for config version 2"),
    ],
    ids=["rollout", "salt", "config"],
)
def test_a_ramp_belongs_to_one_rollout_with_one_salt(rig: Rig, change: dict[str, object], fact: str) -> None:
    ask(rig)
    with pytest.raises(Conflict, match=fact), rig.endpoints() as endpoints:
        endpoints.set_ramp("fraud", replace(RAMP, **change))


def test_what_cannot_be_ramped_up_is_refused(rig: Rig) -> None:
    rig.create()
    with pytest.raises(InvalidArgument, match="nothing is live"), rig.endpoints() as endpoints:
        endpoints.start_ramp("fraud", replace(RAMP, config_version=1))
    rig.until_ready()
    with pytest.raises(InvalidArgument, match="not being updated"), rig.endpoints() as endpoints:
        endpoints.start_ramp("fraud", RAMP)
    rig.update("fraud", spec("2"))
    with pytest.raises(Conflict, match="version 7 of endpoint 'fraud' is not pending"), rig.endpoints() as endpoints:
        endpoints.start_ramp("fraud", replace(RAMP, config_version=7))
    with pytest.raises(InvalidArgument, match="points must be from 0 to 10000"), rig.endpoints() as endpoints:
        endpoints.start_ramp("fraud", replace(RAMP, points=10_001))
    with pytest.raises(NotFound), rig.endpoints() as endpoints:
        endpoints.start_ramp("nobody", RAMP)


def test_of_two_who_change_a_ramp_at_once_one_after_the_other_is_heard(rig: Rig) -> None:
    ask(rig)
    start = Barrier(2)

    def promote() -> str:
        start.wait()
        with rig.endpoints() as endpoints:
            endpoints.set_ramp("fraud", replace(RAMP, points=1000))
            time.sleep(0.1)
            return "raised"

    def roll_back() -> str:
        start.wait()
        with rig.endpoints() as endpoints:
            endpoints.give_up_ramp("fraud", "too slow")
            time.sleep(0.1)
            return "given up"

    with ThreadPoolExecutor() as pool:
        raising, giving_up = pool.submit(promote), pool.submit(roll_back)
        assert giving_up.result(10) == "given up"
        error = raising.exception(10)
    assert error is None or isinstance(error, Conflict)
    endpoint = rig.get()
    assert endpoint.ramp is None
    assert endpoint.failed is not None
    assert endpoint.failed.failure == "too slow"


def test_an_activation_that_was_decided_before_a_roll_back_does_not_happen_after_it(rig: Rig) -> None:
    ramped(rig)
    with rig.endpoints() as endpoints:
        endpoints.finish_ramp("fraud")
    rig.until(lambda: rig.route().config_version == 2)

    def roll_back() -> None:
        rig.meanwhile = lambda: None
        with rig.endpoints() as endpoints:
            endpoints.give_up_ramp("fraud", "at the last moment")

    rig.meanwhile = roll_back
    rig.tick(3)
    assert rig.get().failed is not None
    assert rig.route().config_version == 1
    assert not any("version 2 is live" in event for event in rig.events())


def test_an_activation_that_was_decided_before_a_ramp_does_not_happen_in_it(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.update("fraud", spec("2"))
    rig.until(lambda: rig.route().config_version == 2)

    def begin() -> None:
        rig.meanwhile = lambda: None
        with rig.endpoints() as endpoints:
            endpoints.start_ramp("fraud", RAMP)

    rig.meanwhile = begin
    rig.tick(3)
    assert rig.get().ramp == RAMP
    assert (rig.route().config_version, points(rig)) == (1, 100)


def test_observers_are_in_the_snapshot_without_a_ramp_too(rig: Rig) -> None:
    endpoint = rig.create()
    rig.until_ready()
    with rig.endpoints() as endpoints:
        endpoints.observe(endpoint.id, "t2", 0.25)
        endpoints.observe(endpoint.id, "t1", 0.5)
        endpoints.observe(endpoint.id, "t1", 0.1)
    rig.tick()
    assert (rig.route().observed_by, rig.route().observe_rate) == (["t1", "t2"], 0.25)
    assert rig.get().observers == (Observer("t1", 0.1), Observer("t2", 0.25))
    with rig.endpoints() as endpoints:
        endpoints.stop_observing(endpoint.id, "t1")
        endpoints.stop_observing(endpoint.id, "t2")
        endpoints.stop_observing(endpoint.id, "t2")
        endpoints.stop_observing("gone", "t2")
    rig.tick()
    assert (rig.route().observed_by, rig.route().observe_rate) == ([], 1.0)
    with pytest.raises(NotFound), rig.endpoints() as endpoints:
        endpoints.observe("gone", "t1")
    with pytest.raises(InvalidArgument), rig.endpoints() as endpoints:
        endpoints.observe(endpoint.id, "t1", 1.5)


def test_an_endpoint_takes_its_ramp_and_its_observers_along(rig: Rig) -> None:
    ramped(rig)
    with rig.endpoints() as endpoints:
        endpoints.observe(endpoints.get("fraud").id, "r1")
        endpoints.delete("fraud")
    with rig.database.reading() as connection:
        for table in ("endpoint_ramps", "endpoint_observers"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    rig.tick()
    assert rig.snapshot.endpoints == {}


def test_the_unit_key_stays_while_somebody_compares_what_units_got(rig: Rig) -> None:
    ask(rig)
    with pytest.raises(Conflict, match=r"deals out its requests by pierhead\.unit_key"), rig.endpoints() as endpoints:
        endpoints.patch_tags("fraud", add=[Tag("pierhead.unit_key", "header:x-card")], delete=[])
    with rig.endpoints() as endpoints:
        endpoints.patch_tags("fraud", add=[Tag("pierhead.unit_key", "request")], delete=[])


def test_routes_keep_their_buckets_from_config_to_config(rig: Rig) -> None:
    rig.create("fraud", spec("1"), spec("2"), routes={"model-1": 90, "model-2": 10})
    rig.until_ready()
    rig.update("fraud", spec("1"), spec("2"), spec("3"), routes={"model-1": 70, "model-2": 10, "model-3": 20})
    rig.until_ready()
    assert {entity.name: entity.ranges for entity in rig.route().entities} == {
        "model-1": [(0, 7000)],
        "model-2": [(9000, 10_000)],
        "model-3": [(7000, 9000)],
    }


def test_configs_of_releases_that_knew_percent_only_are_read_one_range_after_the_other(rig: Rig) -> None:
    rig.create("fraud", spec("1"), spec("2"), routes={"model-1": 90, "model-2": 10})
    rig.until_ready()
    old = '[{"entity_name": "model-1", "weight": 60}, {"entity_name": "model-2", "weight": 40}]'
    with rig.database.transaction() as connection:
        connection.execute(text("UPDATE endpoint_configs SET routes = :routes"), {"routes": old})
    rig.tick(12)
    assert [(entity.weight, entity.ranges) for entity in rig.route().entities] == [
        (60, [(0, 6000)]),
        (40, [(6000, 10_000)]),
    ]


def test_whoever_changed_a_ramp_wakes_the_reconciler_from_any_thread(tmp_path: Path) -> None:
    path = tmp_path / "nudge.sock"
    knock(path)
    nudges = NudgeSocket(path)
    try:
        assert not nudges.wait(0)
        with ThreadPoolExecutor() as pool:
            pool.submit(knock, path).result(5)
        assert nudges.wait(5)
    finally:
        nudges.close()
    knock(path)
