"""What a rollout does next, and what people may do to it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pierhead.kit.errors import InvalidState
from pierhead.rollouts.domain.decisions import Decision, Outcome, decide
from pierhead.rollouts.domain.gate_terms import AlertTerms, ErrorTerms, OnHarm
from pierhead.rollouts.domain.gates.results import Facts, OpenAlert
from pierhead.rollouts.domain.observations import Ending
from pierhead.rollouts.domain.readings import Reading, begin_reading
from pierhead.rollouts.domain.specs import OnHold, OnMaxDuration, RolloutSpec, Step
from pierhead.rollouts.domain.states import (
    RolloutState,
    Status,
    Traffic,
    abort,
    arrive,
    begin,
    fail,
    pause,
    promote,
    resume,
    retry,
    traffic_of,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def step(points: int, *, on_harm: OnHarm = OnHarm.ROLL_BACK, max_duration: timedelta | None = 24 * HOUR) -> Step:
    gates = (ErrorTerms(on_harm=on_harm), AlertTerms())
    return Step(points, 0.0 if points else 1.0, HOUR, 100, max_duration, gates)


LAST = Step(10_000, 0.0, timedelta(), 0, None, (AlertTerms(),))
SPEC = RolloutSpec((step(0), step(100), step(5000), LAST))


def reading_of(spec: RolloutSpec, state: RolloutState, at: datetime, requests: int, failed: int = 0) -> Reading:
    reading = begin_reading(spec, state)
    reading.champion.endings[Ending.ANSWERED] = 10_000
    reading.candidate.endings[Ending.ANSWERED] = requests - failed
    reading.candidate.endings[Ending.SERVER_ERROR] = failed
    reading.candidate.last_at_ms = int(at.timestamp() * 1000)
    reading.pairs.pairs, reading.pairs.candidate_failed = requests, failed
    return reading


def look(
    state: RolloutState,
    after: timedelta,
    *,
    requests: int = 1000,
    failed: int = 0,
    spec: RolloutSpec = SPEC,
    facts: Facts | None = None,
    quiet_for: timedelta = timedelta(),
    has_backlog: bool = False,
) -> Decision:
    at = NOW + after
    reading = reading_of(spec, state, at - quiet_for, requests, failed)
    return decide(spec, state, reading, facts or Facts(), at, has_backlog=has_backlog)


def at_step(number: int) -> RolloutState:
    return replace(begin(NOW), step=number)


def test_a_step_whose_gates_are_passed_leads_to_the_next() -> None:
    decision = look(at_step(0), HOUR)

    assert (decision.outcome, decision.rule) == (Outcome.ADVANCE, "gates")
    assert decision.traffic == Traffic(100, 0.0)
    assert (decision.state.step, decision.state.step_started_at) == (1, NOW + HOUR)


def test_the_last_step_with_something_to_see_leads_to_promotion() -> None:
    decision = look(at_step(2), HOUR)

    assert decision.outcome is Outcome.PROMOTE
    assert decision.traffic == Traffic(10_000, 0.0)
    assert decision.state.status is Status.PROMOTING
    # It proves nothing before it is live.
    assert not decision.state.is_proof
    assert arrive(decision.state, NOW + HOUR).is_proof


def test_what_was_decided_is_not_judged_again() -> None:
    decided = replace(at_step(2), status=Status.PROMOTING)

    decision = look(decided, HOUR, failed=500)

    assert (decision.outcome, decision.rule, decision.state) == (Outcome.WAIT, "status", decided)


@pytest.mark.parametrize("number", [0, 2], ids=["advance", "promote"])
def test_no_step_is_passed_while_some_of_what_it_showed_waits_to_be_read(number: int) -> None:
    decision = look(at_step(number), HOUR, has_backlog=True)

    assert (decision.outcome, decision.rule) == (Outcome.WAIT, "backlog")
    assert look(at_step(number), HOUR, has_backlog=True, failed=500).outcome is Outcome.ROLL_BACK


def test_a_step_that_lasts_too_long_with_a_backlog_is_held_and_not_rolled_back() -> None:
    spec = replace(SPEC, on_max_duration=OnMaxDuration.ROLL_BACK)

    assert look(at_step(1), 24 * HOUR, requests=3, spec=spec, has_backlog=True).outcome is Outcome.HOLD


def test_time_that_a_person_had_it_wait_is_not_the_least_duration() -> None:
    paused = pause(at_step(1), NOW + HOUR / 4)
    resumed = resume(paused, NOW + 3 * HOUR)

    early, late = look(resumed, 3.5 * HOUR), look(resumed, 3.75 * HOUR)

    assert (early.outcome, early.rule) == (Outcome.WAIT, "duration")
    assert late.outcome is Outcome.ADVANCE


def test_a_last_step_with_a_time_of_its_own_is_waited_for() -> None:
    spec = replace(SPEC, steps=(*SPEC.steps[:3], replace(LAST, least_duration=HOUR)))

    onward = look(at_step(2), HOUR, spec=spec)
    assert onward.outcome is Outcome.ADVANCE
    assert onward.traffic == Traffic(10_000, 0.0)
    early, late = (look(at_step(3), after, spec=spec, requests=0).outcome for after in (HOUR / 2, HOUR))
    assert (early, late) == (Outcome.WAIT, Outcome.PROMOTE)


@pytest.mark.parametrize(
    ("after", "requests", "rule"),
    [(HOUR, 99, "requests"), (HOUR / 2, 1000, "duration"), (HOUR, 0, "requests")],
)
def test_a_step_waits_for_its_least_duration_and_requests(after: timedelta, requests: int, rule: str) -> None:
    decision = look(at_step(0), after, requests=requests)

    assert (decision.outcome, decision.rule) == (Outcome.WAIT, rule)
    assert decision.state.step == 0


@pytest.mark.parametrize("number", [0, 1, 2], ids=["shadow", "canary", "half"])
def test_harm_rolls_back_at_once(number: int) -> None:
    decision = look(at_step(number), timedelta(minutes=1), failed=500)

    assert (decision.outcome, decision.rule) == (Outcome.ROLL_BACK, "errors")
    assert decision.traffic == Traffic(0, 0.0)
    assert decision.state.status is Status.ROLLED_BACK
    assert "more than the margin" in decision.state.reason


@pytest.mark.parametrize("status", [Status.PAUSED, Status.HELD])
def test_harm_rolls_back_also_what_waits_for_a_person(status: Status) -> None:
    waiting = replace(at_step(1), status=status)

    assert look(waiting, timedelta(minutes=1), failed=500).outcome is Outcome.ROLL_BACK


@pytest.mark.parametrize("status", [Status.PAUSED, Status.HELD])
def test_what_waits_for_a_person_takes_no_step_by_itself(status: Status) -> None:
    decision = look(replace(at_step(1), status=status, reason="lunch"), 48 * HOUR)

    assert (decision.outcome, decision.rule) == (Outcome.WAIT, "status")
    assert "lunch" in decision.reason


def test_harm_of_a_gate_that_holds_waits_for_a_person_once() -> None:
    spec = replace(SPEC, steps=(step(0, on_harm=OnHarm.HOLD), LAST))

    decision = look(at_step(0), HOUR, failed=500, spec=spec)
    again = look(decision.state, 2 * HOUR, failed=500, spec=spec)

    assert (decision.outcome, decision.rule) == (Outcome.HOLD, "errors")
    assert decision.state.status is Status.HELD
    assert again.outcome is Outcome.WAIT


def test_a_gate_that_rolls_back_goes_before_one_that_holds() -> None:
    spec = replace(SPEC, steps=(step(0, on_harm=OnHarm.HOLD), LAST))
    facts = Facts(alerts=(OpenAlert("p99", "slow", True),))

    assert look(at_step(0), HOUR, failed=500, spec=spec, facts=facts).outcome is Outcome.ROLL_BACK


def test_an_open_alert_of_the_endpoint_is_waited_for() -> None:
    decision = look(at_step(0), HOUR, facts=Facts(alerts=(OpenAlert("drift", "psi", False),)))

    assert (decision.outcome, decision.rule) == (Outcome.WAIT, "alerts")


@pytest.mark.parametrize(
    ("on_max", "outcome"),
    [(OnMaxDuration.HOLD, Outcome.HOLD), (OnMaxDuration.ROLL_BACK, Outcome.ROLL_BACK)],
)
def test_a_step_without_an_end_is_held_or_rolled_back(on_max: OnMaxDuration, outcome: Outcome) -> None:
    decision = look(at_step(1), 24 * HOUR, requests=3, spec=replace(SPEC, on_max_duration=on_max))

    assert (decision.outcome, decision.rule) == (outcome, "max_duration")
    assert "3 of 100 requests" in decision.reason


@pytest.mark.parametrize(("on_hold", "points"), [(OnHold.KEEP, 100), (OnHold.WITHDRAW, 0)])
def test_a_held_candidate_keeps_its_traffic_or_loses_it(on_hold: OnHold, points: int) -> None:
    decision = look(at_step(1), 24 * HOUR, requests=3, spec=replace(SPEC, on_hold=on_hold))

    assert decision.traffic.points == points


def test_traffic_that_has_dried_up_is_waited_for_and_held_at_last() -> None:
    quiet = look(at_step(1), 2 * HOUR, quiet_for=HOUR)
    held = look(at_step(1), 24 * HOUR, quiet_for=HOUR)

    assert (quiet.outcome, quiet.rule) == (Outcome.WAIT, "traffic")
    assert held.outcome is Outcome.HOLD


def test_no_traffic_at_all_never_passes_a_step() -> None:
    spec = replace(SPEC, steps=(replace(step(0), least_requests=1, max_duration=None), LAST))

    assert look(at_step(0), 1000 * HOUR, requests=0, spec=spec).outcome is Outcome.WAIT


def test_a_clock_set_back_ends_nothing_early_and_forgets_no_time() -> None:
    state = look(at_step(0), HOUR / 2).state

    back = look(state, -10 * HOUR)

    assert back.outcome is Outcome.WAIT
    assert back.state.elapsed(NOW - 10 * HOUR) == HOUR / 2
    assert look(back.state, -9.5 * HOUR).outcome is Outcome.ADVANCE


def test_answers_from_before_the_clock_was_set_back_are_no_traffic() -> None:
    assert look(at_step(0), 2 * HOUR, quiet_for=-HOUR).rule == "traffic"


def test_time_that_a_person_had_it_wait_is_not_the_steps() -> None:
    paused = pause(at_step(1), NOW + HOUR)
    looked = look(paused, 40 * HOUR, requests=3).state

    resumed = resume(looked, NOW + 41 * HOUR)

    assert resumed.busy(NOW + 41 * HOUR) == HOUR
    assert look(resumed, 63 * HOUR, requests=3).outcome is Outcome.WAIT
    assert look(resumed, 64 * HOUR, requests=3).outcome is Outcome.HOLD


def test_a_held_rollout_that_is_resumed_has_its_longest_duration_again() -> None:
    held = look(at_step(1), 24 * HOUR, requests=3).state

    resumed = resume(held, NOW + 30 * HOUR)

    assert resumed.status is Status.RUNNING
    assert look(resumed, 53 * HOUR, requests=3).outcome is Outcome.WAIT
    assert look(resumed, 54 * HOUR, requests=3).outcome is Outcome.HOLD


def test_a_shadow_alone_goes_on_until_a_person_ends_it() -> None:
    spec = RolloutSpec((step(0, max_duration=None),))

    decision = look(at_step(0), 1000 * HOUR, spec=spec)

    assert (decision.outcome, decision.rule) == (Outcome.WAIT, "gates")
    assert look(at_step(0), HOUR, spec=spec, failed=500).outcome is Outcome.ROLL_BACK


@pytest.mark.parametrize("status", [status for status in Status if not status.is_open], ids=lambda each: each.value)
def test_what_is_over_stays_so(status: Status) -> None:
    over = replace(at_step(1), status=status)

    decision = look(over, HOUR, failed=500)

    assert decision.outcome is Outcome.WAIT
    assert decision.state == over
    assert decision.traffic == (Traffic(10_000, 0.0) if status is Status.PROMOTED else Traffic(0, 0.0))


ACTIONS: dict[str, Callable[[RolloutState], RolloutState]] = {
    "pause": lambda state: pause(state, NOW),
    "resume": lambda state: resume(state, NOW),
    "promote": lambda state: promote(state, NOW, "why"),
    "abort": lambda state: abort(state, NOW, "why"),
    "fail": lambda state: fail(state, NOW, "why"),
    "retry": lambda state: retry(state, NOW),
}
JUDGED = {Status.RUNNING, Status.PAUSED, Status.HELD}
OPEN = JUDGED | {Status.PROMOTING}
ALLOWED = {
    "pause": {Status.RUNNING},
    "resume": {Status.PAUSED, Status.HELD},
    "promote": JUDGED,
    "abort": OPEN,
    "fail": OPEN,
    "retry": {Status.ROLLED_BACK, Status.ABORTED, Status.FAILED},
}


@pytest.mark.parametrize("status", Status, ids=lambda each: each.value)
@pytest.mark.parametrize("action", ACTIONS)
def test_people_may_do_what_the_state_allows_and_are_told_what_else(action: str, status: Status) -> None:
    state = replace(at_step(1), status=status)

    if status in ALLOWED[action]:
        assert ACTIONS[action](state).status is not status
    else:
        with pytest.raises(InvalidState, match=f"cannot {action} a rollout that is {status.value.replace('_', ' ')}: "):
            ACTIONS[action](state)


def test_a_promotion_by_hand_is_no_proof() -> None:
    promoted = promote(at_step(1), NOW, "it must be today")

    assert traffic_of(SPEC, promoted) == Traffic(10_000, 0.0)
    assert not promoted.is_proof


def test_a_retry_starts_with_the_first_step() -> None:
    again = retry(replace(at_step(2), status=Status.ROLLED_BACK), NOW + HOUR)

    assert (again.status, again.step, again.attempt) == (Status.RUNNING, 0, 2)
    assert again.step_started_at == NOW + HOUR
