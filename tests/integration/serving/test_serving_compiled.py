"""Versions that run compiled, on a real database with workers that do as told."""

from dataclasses import replace
from pathlib import Path

from serving_rig import MODEL, Rig, spec

from pierhead.serving.domain.plans import PLAIN, Plan
from pierhead.serving.domain.workers import WorkerPhase

COMPILED = Plan("A", Path("/compiled/1"), batches=True, revision="r1")
REFUSED = Plan("C", None, batches=False, revision="r2", reason="the parity gate refused it: row 7 differs")
DIGEST = f"{MODEL}-1"


def compiled_rig(rig: Rig, *, to_zero: bool = False) -> Rig:
    rig.plans.plans[DIGEST] = COMPILED
    rig.create("fraud", spec(to_zero=to_zero))
    rig.until_ready()
    return rig


def artifacts(rig: Rig) -> list[Path | None]:
    return [started.artifact for started in rig.host.started]


def native_sockets(rig: Rig) -> list[str]:
    return rig.route().entities[0].native_sockets


def test_a_version_with_an_artifact_is_served_by_it_alone(rig: Rig) -> None:
    compiled_rig(rig)
    (entity,) = rig.route().entities
    assert artifacts(rig) == [COMPILED.artifact]
    assert (entity.is_compiled, entity.batches, entity.native_sockets) == (True, True, [])
    assert rig.routed_workers() == rig.ready_workers()
    assert rig.get().newest.deployment("model-1").message == "tier A"


def test_a_known_artifact_needs_no_environment_to_answer(rig: Rig) -> None:
    compiled_rig(rig)
    assert rig.environments.built == []


def test_what_is_not_known_is_compiled_first_and_then_served_by_its_artifact(rig: Rig) -> None:
    rig.plans.is_unknown_until_made = True
    compiled_rig(rig)
    assert rig.plans.made == [DIGEST]
    assert artifacts(rig) == [COMPILED.artifact]
    log = (rig.logs / "builds" / f"{rig.source()}.log").read_text()
    assert "looking for a plan" in log


def test_a_version_that_was_refused_runs_as_its_original_and_says_why(rig: Rig) -> None:
    rig.plans.plans[DIGEST] = REFUSED
    rig.create()
    rig.until_ready()
    assert artifacts(rig) == [None]
    assert rig.get().newest.deployment("model-1").message == f"tier C: {REFUSED.reason}"


def test_an_original_batches_only_where_its_plan_says_so(rig: Rig) -> None:
    rig.plans.plans[DIGEST] = replace(REFUSED, batches=True)
    rig.create()
    rig.until_ready()
    assert [started.batching for started in rig.host.started] == [True]
    assert rig.route().entities[0].batches


def test_the_original_comes_when_a_call_is_handed_back_and_goes_when_none_was_for_long(rig: Rig) -> None:
    compiled_rig(rig)
    rig.calls(native_waiting=1)
    rig.until(lambda: native_sockets(rig) != [])
    rig.calls()
    assert artifacts(rig) == [COMPILED.artifact, None]
    assert rig.route().entities[0].is_compiled

    rig.pass_time(290)
    assert native_sockets(rig) != []
    rig.pass_time(20)
    assert native_sockets(rig) == []
    rig.until(lambda: len(rig.host.workers) == 1)
    assert any("handed a call back" in event for event in rig.events())
    assert any("original let go" in event for event in rig.events())


def test_a_withdrawn_artifact_is_left_at_once_and_calls_are_held_for_the_original(rig: Rig) -> None:
    compiled_rig(rig)
    rig.host.is_quick = False
    (compiled,) = rig.ready_workers()
    rig.plans.plans[DIGEST] = REFUSED
    rig.tick()
    (entity,) = rig.route().entities
    assert (entity.is_compiled, entity.sockets) == (False, [])

    rig.until(lambda: len(rig.host.started) == 2)
    rig.host.become(rig.host.started[1].worker_id, WorkerPhase.READY)
    rig.tick()
    assert rig.routed_workers() == {rig.host.started[1].worker_id}
    rig.until(lambda: compiled in rig.host.drained)


def test_an_original_that_is_there_already_takes_over_from_a_withdrawn_artifact_in_the_same_tick(rig: Rig) -> None:
    compiled_rig(rig)
    rig.calls(native_waiting=1)
    rig.until(lambda: native_sockets(rig) != [])
    original = native_sockets(rig)
    rig.plans.plans[DIGEST] = replace(REFUSED, batches=True)
    rig.tick()
    (entity,) = rig.route().entities
    assert (entity.is_compiled, entity.sockets) == (False, original)


def test_an_artifact_that_comes_later_takes_over_without_a_moment_without_workers(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.plans.plans[DIGEST] = COMPILED
    for _ in range(30):
        rig.tick()
        assert rig.routed_workers()
        assert rig.routed_workers() <= rig.ready_workers()
    assert rig.route().entities[0].is_compiled
    rig.until(lambda: len(rig.host.workers) == 1)


def test_an_artifact_that_cannot_be_run_does_not_fail_the_endpoint(rig: Rig) -> None:
    rig.host.failing_model_versions[COMPILED.artifact.name if COMPILED.artifact else ""] = "model.onnx is damaged"
    rig.plans.plans[DIGEST] = COMPILED
    rig.create()
    rig.until_ready()
    assert artifacts(rig) == [COMPILED.artifact, None]
    assert not rig.route().entities[0].is_compiled
    assert "could not be run: model.onnx is damaged" in rig.get().newest.deployment("model-1").message
    assert any("worker died" in event and "damaged" in event for event in rig.events())


def test_another_artifact_of_the_version_replaces_the_first(rig: Rig) -> None:
    compiled_rig(rig)
    rig.plans.plans[DIGEST] = replace(COMPILED, artifact=Path("/compiled/2"), revision="r3")
    rig.until(lambda: len(rig.host.started) == 2)
    rig.until(lambda: rig.routed_workers() == {rig.host.started[1].worker_id})
    assert artifacts(rig) == [Path("/compiled/1"), Path("/compiled/2")]


def test_plans_that_cannot_be_read_for_a_while_change_nothing(rig: Rig) -> None:
    compiled_rig(rig)
    snapshot = rig.snapshot
    rig.tolerates_errors = True
    rig.plans.is_broken = True
    rig.tick(20)
    assert rig.snapshot == snapshot
    assert len(rig.errors) == 1


def test_a_new_controller_adopts_compiled_workers_and_their_originals(rig: Rig) -> None:
    compiled_rig(rig)
    rig.calls(native_waiting=1)
    rig.until(lambda: native_sockets(rig) != [])
    rig.calls()
    before, workers = rig.snapshot, rig.ready_workers()
    rig.new_controller()
    rig.tick(40)
    assert rig.snapshot == before
    assert rig.ready_workers() == workers


def test_an_update_to_a_compiled_version_never_leaves_a_route_without_workers(rig: Rig) -> None:
    rig.create()
    rig.until_ready()
    rig.plans.plans[f"{MODEL}-2"] = COMPILED
    rig.update("fraud", spec("2"))
    for _ in range(60):
        rig.tick()
        assert rig.routed_workers()
        assert rig.routed_workers() <= rig.ready_workers()
    assert rig.get().active == rig.get().newest
    assert rig.route().entities[0].is_compiled


def test_what_nobody_knows_anything_about_is_no_tier(rig: Rig) -> None:
    rig.plans.plans[DIGEST] = PLAIN
    rig.create()
    rig.until_ready()
    assert rig.get().newest.deployment("model-1").message == ""
