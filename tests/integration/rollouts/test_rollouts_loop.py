"""The loop from observations to a decision and its effects, each exactly once."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from rollouts_rig import SHORT, Behaviour, DyingDatabase, InSmallBites, Interrupted, Killed, RolloutRig

from pierhead.identity.services.audit import recording
from pierhead.identity.store.audit import AuditStore
from pierhead.kit.db import Database
from pierhead.kit.errors import Conflict, InvalidState
from pierhead.kit.spool import SpoolWriter, streams
from pierhead.rollouts.domain.proofs import FULL_WORTH
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.states import Status
from pierhead.rollouts.services.arriving import Arrivals
from pierhead.rollouts.services.leftovers import Leftovers
from pierhead.rollouts.services.rollouts import steer
from pierhead.rollouts.store.guard import CanariedStore
from pierhead.rollouts.store.rollouts import ReadingStore, RolloutStore
from pierhead.serving.domain.deployments import deployments_after
from pierhead.serving.domain.reconcile import FailConfig
from pierhead.serving.store.endpoints import EndpointStore

QUICK = SHORT.replace(b"least_requests: 40", b"least_requests: 20")


def test_a_good_candidate_goes_all_the_way(rig: RolloutRig) -> None:
    started = rig.start()
    rollout = rig.until_over()
    assert rollout.state.status is Status.PROMOTED, rollout.state.reason
    rig.serving.until_ready()
    endpoint = rig.serving.get()
    assert endpoint.active is not None
    assert endpoint.active.version == rollout.config_version
    assert endpoint.observers == ()
    outcomes = [look.outcome for look in rig.looks()]
    assert [each for each in outcomes if each != "wait"] == [
        "start",
        "begin",
        "advance",
        "advance",
        "promote",
        "promoted",
    ]
    assert {check: passed for check, (passed, _) in rig.evidence.told.items()} == {"shadow": True, "canary": True}
    with rig.database.reading() as connection:
        digest = started.candidate.digest
        assert CanariedStore(connection).digests_of(endpoint.id, [digest]) == {digest}
    assert rig.nudges >= 3


def test_a_candidate_that_answers_otherwise_is_rolled_back_in_its_shadow(rig: RolloutRig) -> None:
    rig.candidate = Behaviour(score=lambda i: 1 - (i * 37 % 100) / 100)
    rig.start()
    rollout = rig.until_over()
    assert rollout.state.status is Status.ROLLED_BACK
    assert rollout.state.step == 0
    endpoint = rig.serving.get()
    assert endpoint.ramp is None
    assert endpoint.failed is not None
    assert endpoint.failed.failure == rollout.state.reason
    passed, message = rig.evidence.told["shadow"]
    assert not passed
    assert rollout.id in message


def test_what_several_gateways_wrote_is_counted_once_each_and_dead_streams_go(rig: RolloutRig) -> None:
    rig.start(QUICK)
    rig.until(lambda rollout: rollout.ready_at is not None)
    observer = rig.get().observer_id
    rig.clock.advance(3)
    for name in ("g2", "g3"):
        rig.writer.close()
        rig.writer = SpoolWriter(rig.root, name)
        rig.serve(30)
    table = f"pierhead.observations.{observer}"
    assert len(streams(rig.root, table)) == 3
    rig.loop.tick()
    rig.loop.tick()
    assert rig.counted(step=0) == 60
    # What a dead gateway left is gone when it was read; the living one's stays.
    assert [stream.name.partition(".")[0] for stream in streams(rig.root, table)] == ["g3"]


def test_what_can_be_no_record_is_passed_over(rig: RolloutRig) -> None:
    rig.start()
    rig.until(lambda rollout: rollout.ready_at is not None)
    rig.clock.advance(3)
    rig.writer.append(f"pierhead.observations.{rig.get().observer_id}", [b"nonsense"])
    rig.serve(30)
    rig.loop.tick()
    assert rig.counted(step=0) == 30


def test_no_step_is_passed_in_the_middle_of_a_backlog_and_old_records_are_not_of_the_next(rig: RolloutRig) -> None:
    rig.start(QUICK)
    rig.until(lambda rollout: rollout.ready_at is not None)
    rig.clock.advance(3)
    rig.serve(100)
    rig.clock.advance(3)
    loop, bites = rig.new_loop(observations=InSmallBites(rig.root)), 0
    while rig.get().state.step == 0:
        loop.tick()
        bites += 1
        assert bites < 100
    assert bites > 5
    assert rig.counted(step=0) == 100
    rig.clock.advance(300)
    rig.loop.tick()
    assert rig.counted(step=1) == 0


def test_a_step_that_is_over_keeps_counts_and_no_answers(rig: RolloutRig) -> None:
    rig.candidate = Behaviour(score=lambda i: (i * 37 % 100) / 100 + (0 if i % 30 else 7.125))
    rig.start(QUICK)
    rig.until(lambda rollout: rollout.state.step == 1)
    with rig.database.reading() as connection:
        kept = ReadingStore(connection).find(rig.get().id, 0)
    assert kept is not None
    reading = Reading.from_json(json.loads(kept))
    assert reading.pairs.pairs >= 20
    worst = reading.most_different()[0]
    assert int(worst.request_id.removeprefix("r")) % 30 == 0
    assert (worst.champion, worst.candidate) == ("", "")
    assert "predictions" not in kept
    assert list(reading.halves) == []


def test_a_held_candidate_whose_traffic_was_withdrawn_can_be_resumed(rig: RolloutRig) -> None:
    rig.start(b"on_hold: withdraw\n" + SHORT.replace(b"least_requests: 40", b"least_requests: 4000, max_duration: 20s"))
    rig.until(lambda rollout: rollout.ready_at is not None)
    with rig.database.transaction() as connection:
        # A canary from the beginning.
        rollout = rig.get()
        state = replace(rollout.state, step=2, step_started_at=rig.clock.now())
        steered = replace(rollout, state=state)
        assert RolloutStore(connection).put(steered)
        steer(rig.endpoints(connection), steered)
    rig.until(lambda rollout: rollout.state.status is Status.HELD)
    assert rig.get().state.reason.startswith("the step has lasted")
    before = rig.counted(step=2)
    for _ in range(10):
        rig.second(400)
    assert rig.counted(step=2) == before
    rig.act("resume")
    for _ in range(10):
        rig.second(400)
    assert rig.get().state.status is Status.RUNNING
    assert rig.counted(step=2) > before


def test_a_shadow_without_an_end_is_evidence_once_and_looked_at_less_and_less(rig: RolloutRig) -> None:
    rig.start(b"steps: [{shadow_rate: 1, least_duration: 2s, least_requests: 40}]")
    rig.until(lambda rollout: rollout.ready_at is not None)
    told: list[str] = []
    for _ in range(2 * 60):
        rig.evidence.told.clear()
        rig.clock.advance(60)
        rig.serve(40)
        rig.loop.tick()
        told += rig.evidence.told
    assert told == ["shadow"]
    assert 60 <= len(rig.looks()) <= 66


def test_observations_of_a_rollout_that_is_over_are_deleted(rig: RolloutRig) -> None:
    rig.candidate = Behaviour(score=lambda i: (i * 37 % 100) / 100 + 0.01)
    rig.start(SHORT.replace(b"least_requests: 40", b"least_requests: 4000"))
    rig.second()
    leftovers = Leftovers(rig.database, rig.observations)
    leftovers.sweep()
    assert rig.observations.observers() == {rig.get().observer_id}
    rig.judge(6)
    with rig.database.reading() as connection:
        assert "predictions" in str(ReadingStore(connection).find(rig.get().id, 0))
    rig.act("abort")
    leftovers.sweep()
    assert rig.observations.observers() == frozenset()
    with rig.database.reading() as connection:
        assert "predictions" not in str(ReadingStore(connection).find(rig.get().id, 0))


@pytest.mark.parametrize("commits", [False, True])
def test_a_controller_that_is_killed_counts_and_decides_nothing_twice(rig: RolloutRig, commits: bool) -> None:
    rig.start()
    dying = DyingDatabase(rig.database.url, commits=commits)
    kills, seconds, served = 0, 0, dict.fromkeys(range(4), 0)
    while rig.get().state.status.is_open:
        seconds += 1
        assert seconds < 120
        rig.serve(40)
        step = rig.get().state.step
        served[step] += 40
        try:
            rig.new_loop(dying).tick()
        except Killed:
            kills += 1
        # The next controller knows nothing but the database.
        rig.new_loop().tick()
        assert rig.get().state.step - step in (0, 1)
        rig.serving.tick(4)
    dying.dispose()
    assert kills > 5
    outcomes = [look.outcome for look in rig.looks() if look.outcome != "wait"]
    assert outcomes == ["start", "begin", "advance", "advance", "promote", "promoted"]
    for step in range(3):
        counted = rig.counted(step)
        # What came in the first two seconds of a step is of the step before.
        assert 0 < counted <= served[step]
        assert counted % 40 == 0


def test_decisions_are_on_the_audit_trail_and_mere_looks_are_not(rig: RolloutRig) -> None:
    recorded = Database(rig.database.url, recording(rig.clock))
    rig.loop = rig.new_loop(recorded)
    rig.start()
    rollout = rig.until_over()
    recorded.dispose()
    with rig.database.reading() as connection:
        records = [json.loads(record.content) for record in AuditStore(connection).list_after(0, 100)]
    turns = [f"rollouts/{outcome}" for outcome in ("advance", "advance", "promote", "promoted")]
    assert [record["route"] for record in records] == turns
    assert {record["object"] for record in records} == {f"rollout {rollout.id}"}


def test_people_pause_and_resume_while_harm_still_ends_it(rig: RolloutRig) -> None:
    rig.start(QUICK)
    rig.until(lambda rollout: rollout.state.step == 1)
    assert rig.act("pause", "lunch").state.status is Status.PAUSED
    for _ in range(8):
        rig.second()
    assert (rig.get().state.status, rig.get().state.step) == (Status.PAUSED, 1)
    rig.act("resume")
    rig.until(lambda rollout: rollout.state.step == 2)
    rig.act("pause")
    rig.candidate = Behaviour(status=lambda i: 500 if i % 2 else 200)
    assert rig.until_over().state.status is Status.ROLLED_BACK
    assert [look.outcome for look in rig.looks() if look.rule == "person"] == ["start", "pause", "resume", "pause"]
    passed, _ = rig.evidence.told["canary"]
    assert not passed


def test_a_promotion_by_hand_is_no_proof(rig: RolloutRig) -> None:
    rig.start()
    rig.second()
    rollout = rig.act("promote", "it is Friday")
    rig.serving.until_ready()
    active = rig.serving.get().active
    assert active is not None
    assert active.version == rollout.config_version
    assert rig.evidence.told == {}
    with rig.database.reading() as connection:
        assert CanariedStore(connection).digests_of(rollout.endpoint_id, [rollout.candidate.digest]) == frozenset()


def test_an_aborted_rollout_can_be_tried_again_from_its_first_step(rig: RolloutRig) -> None:
    rig.start(QUICK)
    rig.until(lambda rollout: rollout.state.step == 1)
    aborted = rig.act("abort", "wrong file")
    failed = rig.serving.get().failed
    assert failed is not None
    assert failed.failure == "ada aborted it: wrong file"
    with rig.database.transaction() as connection:
        again = rig.rollouts(connection).retry("fraud", by="bob", reason="", admit=lambda *_: FULL_WORTH)
    assert (again.id, again.state.step, again.state.attempt) == (aborted.id, 0, 2)
    assert again.config_version == aborted.config_version + 1
    assert rig.until_over().state.status is Status.PROMOTED


def test_there_is_one_rollout_of_an_endpoint_at_a_time(rig: RolloutRig) -> None:
    rig.start()
    with pytest.raises(Conflict, match="pierhead rollouts watch fraud"):
        rig.start(version="3")
    rig.act("abort")
    with pytest.raises(InvalidState, match="cannot pause a rollout that is aborted"):
        rig.act("pause")


def test_a_rollout_whose_candidate_cannot_start_fails_with_the_workers_reason(rig: RolloutRig) -> None:
    rig.serving.host.failing_model_versions["main.fraud.model-2"] = "no such column"
    rig.start()
    rollout = rig.until_over()
    assert rollout.state.status is Status.FAILED
    assert "no such column" in rollout.state.reason
    assert rollout.ready_at is None
    assert rig.evidence.told == {}


def test_workers_that_are_given_up_under_their_requests_are_evidence_against_the_version(rig: RolloutRig) -> None:
    rig.start()
    rig.until(lambda rollout: rollout.ready_at is not None)
    _give_up(rig, "model-2", "model-2: its worker died")
    rig.loop.tick()
    assert rig.get().state.status is Status.FAILED
    passed, message = rig.evidence.told["shadow"]
    assert not passed
    assert message.endswith("model-2: its worker died")


def test_workers_of_another_entity_of_the_config_are_no_evidence_against_the_version(rig: RolloutRig) -> None:
    rig.start()
    rig.until(lambda rollout: rollout.ready_at is not None)
    _give_up(rig, "model-1", "model-1: its worker died")
    rig.loop.tick()
    assert rig.get().state.status is Status.FAILED
    assert rig.evidence.told == {}


def test_a_promotion_ends_only_when_the_config_is_active(rig: RolloutRig) -> None:
    rig.start()
    rig.until(lambda rollout: rollout.ready_at is not None)
    rig.act("promote", "it must be today")
    rig.loop.tick()
    assert rig.get().state.status is Status.PROMOTING
    assert rig.get().ended_at is None
    with pytest.raises(Conflict):
        rig.start(version="3")
    rig.serving.tick(4)
    rig.loop.tick()
    assert rig.get().state.status is Status.PROMOTED
    # A promotion by hand proves nothing.
    assert rig.evidence.told == {}


def test_a_rollout_that_proves_too_little_by_now_is_held_below_a_canary(rig: RolloutRig) -> None:
    rig.start()
    rig.hindrance = "the policy has become stricter"
    held = rig.until(lambda rollout: rollout.state.status is Status.HELD)
    assert (held.state.step, held.state.reason) == (1, rig.hindrance)
    ramp = rig.serving.get().ramp
    assert ramp is not None
    assert ramp.points == 490
    rig.hindrance = ""
    rig.act("resume")
    assert rig.until_over().state.status is Status.PROMOTED


def test_it_ends_with_the_transaction_that_makes_its_config_active(rig: RolloutRig) -> None:
    rig.start()
    rig.until(lambda rollout: rollout.state.step == 2)
    rig.act("promote", "it must be today")
    arrivals = Arrivals(rig.clock, rig.evidence)
    with rig.database.transaction() as connection:
        arrivals(connection, rig.serving.get().id)
    assert rig.get().state.status is Status.PROMOTED
    assert rig.get().ended_at is not None
    assert rig.looks()[-1].outcome == "promoted"
    with rig.database.transaction() as connection:
        # Nobody else's business.
        arrivals(connection, rig.serving.get().id)
    assert len([look for look in rig.looks() if look.outcome == "promoted"]) == 1


def test_nothing_is_compared_before_the_candidate_is_compiled(rig: RolloutRig) -> None:
    rig.engines.until = rig.clock.now() + timedelta(seconds=10)
    rig.start()
    for _ in range(5):
        rig.second()
    assert rig.get().ready_at is None
    assert rig.until_over().state.status is Status.PROMOTED


def test_a_rollout_ends_with_its_endpoint(rig: RolloutRig) -> None:
    rig.start()
    rig.second()
    with rig.serving.endpoints() as endpoints:
        endpoints.delete("fraud")
    rig.loop.tick()
    assert rig.get().state.status is Status.ABORTED
    assert rig.get().state.reason == "the endpoint was deleted"


def test_somebody_who_acts_while_the_loop_looks_is_not_overruled(rig: RolloutRig) -> None:
    rig.start()
    rig.until(lambda rollout: rollout.ready_at is not None)
    rig.serve(40)
    rig.new_loop(observations=Interrupted(rig.root, lambda: rig.act("pause", "wait"))).tick()
    assert rig.get().state.status is Status.PAUSED


def _give_up(rig: RolloutRig, entity_name: str, reason: str) -> None:
    """The reconciler gives up the pending config because of one of its entities."""
    endpoint = rig.serving.get()
    failure = FailConfig(endpoint.id, endpoint.newest.version, entity_name, reason)
    with rig.database.transaction() as connection:
        store = EndpointStore(connection)
        store.fail(endpoint.id, endpoint.newest.version, reason)
        store.set_deployments(endpoint.id, endpoint.newest.version, deployments_after(failure, endpoint.newest))
