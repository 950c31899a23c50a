from dataclasses import replace
from datetime import timedelta

import pytest
from alert_examples import RULE, START, at, notices, reading, readings, rule, statuses, watch

from pierhead.monitoring.domain.alert_metrics import parse_metric
from pierhead.monitoring.domain.alert_rules import Limit, NoData, Side
from pierhead.monitoring.domain.alerts import (
    AlertState,
    Notice,
    Reading,
    Status,
    Unreadable,
    acknowledged,
    begin,
    fingerprint,
    judge,
    silenced,
)


def test_two_of_the_last_five_windows_and_the_newest_trigger() -> None:
    decisions = watch(RULE, [0.1, 0.3, 0.1, 0.1, 0.3])
    assert statuses(decisions) == ["OK", "PENDING", "OK", "OK", "TRIGGERED"]
    assert notices(decisions) == [None, None, None, None, "triggered"]
    assert (decisions[-1].after.violating, decisions[-1].after.of) == (2, 5)


def test_a_bad_window_that_is_too_long_ago_counts_no_more() -> None:
    assert statuses(watch(RULE, [0.3, 0.1, 0.1, 0.1, 0.1, 0.3])) == ["PENDING", "OK", "OK", "OK", "OK", "PENDING"]


def test_bad_windows_do_not_trigger_while_the_newest_is_good() -> None:
    found = judge(RULE, begin(START), readings(0.3, 0.3, 0.3, 0.1), at(4))
    assert found.after.status is Status.OK


def test_it_clears_at_a_part_of_the_limit_and_not_before() -> None:
    decisions = watch(RULE, [0.3, 0.3, 0.19, 0.17, 0.161, 0.16, 0.1])
    assert statuses(decisions) == ["PENDING", "TRIGGERED", "TRIGGERED", "TRIGGERED", "TRIGGERED", "OK", "OK"]
    assert notices(decisions)[5] == "resolved"


def test_what_was_answered_for_does_not_trigger_again() -> None:
    assert statuses(watch(RULE, [0.3, 0.3, 0.1, 0.3, 0.3]))[2:] == ["OK", "PENDING", "TRIGGERED"]


def test_below_a_limit_it_clears_above_it() -> None:
    below = rule(limit=Limit(Side.BELOW, 0.5))
    assert statuses(watch(below, [0.4, 0.4, 0.55, 0.6])) == ["PENDING", "TRIGGERED", "TRIGGERED", "OK"]


def test_windows_with_few_samples_hold_the_state() -> None:
    few = [reading(0, 0.3), reading(1, 0.3), reading(2, 0.0, n=499)]
    triggered = judge(RULE, begin(START), few[:2], at(2)).after
    assert judge(RULE, triggered, few, at(3)).after.status is Status.TRIGGERED


def test_windows_that_are_not_over_do_not_count() -> None:
    assert judge(RULE, begin(START), readings(0.3, 0.3), at(1.5)).after.status is Status.PENDING


def test_an_effect_that_chance_explains_is_none() -> None:
    bounded = rule(needs_bound=True)
    small = [reading(hour, 0.3, bound=0.35) for hour in range(3)]
    real = [reading(hour, 0.3, bound=0.05) for hour in range(3)]
    assert judge(bounded, begin(START), small, at(3)).after.status is Status.OK
    assert judge(bounded, begin(START), real, at(3)).after.status is Status.TRIGGERED
    assert judge(bounded, begin(START), readings(0.3, 0.3), at(3)).after.status is Status.NO_DATA


def test_the_same_readings_again_change_nothing() -> None:
    once = judge(RULE, begin(START), readings(0.3, 0.3), at(2))
    again = judge(RULE, once.after, readings(0.3, 0.3), at(2.5))
    assert (again.after, again.notice) == (once.after, None)


def test_it_is_told_again_only_after_the_time_that_the_rule_says() -> None:
    seen, patient = readings(0.3, 0.3), rule(retrigger=timedelta(hours=4))
    state = judge(patient, begin(START), seen, at(2)).after
    assert judge(patient, state, seen, at(5.9)).notice is None
    reminded = judge(patient, state, seen, at(6))
    assert reminded.notice is Notice.REMINDER
    assert judge(patient, reminded.after, seen, at(7)).notice is None


def test_who_acknowledges_hears_only_that_it_is_resolved() -> None:
    patient = rule(retrigger=timedelta(minutes=30))
    state = acknowledged(judge(patient, begin(START), readings(0.3, 0.3), at(2)).after, "ann")
    held = judge(patient, state, readings(0.3, 0.3, 0.3), at(3))
    assert (held.notice, held.after.acked_by) == (None, "ann")
    over = judge(patient, held.after, readings(0.3, 0.3, 0.3, 0.1), at(4))
    assert (over.notice, over.after.acked_by) == (Notice.RESOLVED, "")


def test_what_still_is_so_after_a_silence_is_told_then() -> None:
    quiet = silenced(begin(START), at(3))
    state = judge(RULE, quiet, readings(0.3, 0.3), at(2))
    assert (state.after.status, state.notice) == (Status.TRIGGERED, None)
    assert judge(RULE, state.after, readings(0.3, 0.3), at(3)).notice is Notice.TRIGGERED


def test_what_nobody_heard_of_is_not_told_to_be_over() -> None:
    quiet = silenced(begin(START), at(3))
    state = judge(RULE, quiet, readings(0.3, 0.3), at(2)).after
    assert judge(RULE, state, readings(0.3, 0.3, 0.1), at(3)).notice is None


def test_the_end_that_a_silence_hid_is_told_when_it_is_over() -> None:
    told = judge(RULE, begin(START), readings(0.3, 0.3), at(2)).after
    hidden = judge(RULE, silenced(told, at(5)), readings(0.3, 0.3, 0.1), at(3))
    assert (hidden.after.status, hidden.notice) == (Status.OK, None)
    after = judge(RULE, hidden.after, readings(0.3, 0.3, 0.1, 0.1, 0.1), at(5))
    assert after.notice is Notice.RESOLVED
    assert judge(RULE, after.after, readings(0.3, 0.3, 0.1, 0.1, 0.1), at(6)).notice is None


def test_the_end_that_a_silence_hid_is_told_once_the_metric_can_be_read() -> None:
    told = judge(RULE, begin(START), readings(0.3, 0.3), at(2)).after
    hidden = judge(RULE, silenced(told, at(4)), readings(0.3, 0.3, 0.1), at(3)).after
    broken = judge(RULE, hidden, Unreadable("the disk is gone"), at(4))
    assert broken.notice is Notice.ERROR
    assert judge(RULE, broken.after, readings(0.3, 0.3, 0.1, 0.1), at(5)).notice is Notice.RESOLVED


def test_what_triggers_again_within_a_silence_is_told_as_a_new_trigger() -> None:
    told = judge(RULE, begin(START), readings(0.3, 0.3), at(2)).after
    hidden = judge(RULE, silenced(told, at(5)), readings(0.3, 0.3, 0.1), at(3)).after
    again = judge(RULE, hidden, readings(0.3, 0.3, 0.1, 0.3, 0.3), at(5))
    assert again.notice is Notice.TRIGGERED


def test_a_rule_can_keep_silent_about_the_end() -> None:
    assert notices(watch(rule(on_ok=False), [0.3, 0.3, 0.1]))[-1] is None


def test_an_unreadable_metric_is_an_error_that_is_told_once_and_keeps_the_alert_open() -> None:
    state = judge(RULE, begin(START), readings(0.3, 0.3), at(2)).after
    broken = judge(RULE, state, Unreadable("the disk is gone"), at(3))
    assert (broken.after.status, broken.notice, broken.after.is_open) == (Status.ERROR, Notice.ERROR, True)
    assert judge(RULE, broken.after, Unreadable("the disk is gone"), at(4)).notice is None
    back = judge(RULE, broken.after, readings(0.3, 0.3), at(5))
    assert (back.after.status, back.notice) == (Status.TRIGGERED, None)


def test_a_metric_that_stops_coming_is_no_data() -> None:
    state = judge(RULE, begin(START), readings(0.1, 0.1), at(2)).after
    assert judge(RULE, state, readings(0.1, 0.1), at(2 + 15)).after.status is Status.OK
    gone = judge(RULE, state, readings(0.1, 0.1), at(2 + 15.1))
    assert (gone.after.status, gone.notice) == (Status.NO_DATA, None)
    assert "no window since 2026-03-02 02:00 UTC" in gone.after.message


@pytest.mark.parametrize(
    ("no_data", "status", "notice"),
    [(NoData.SHOW, "NO_DATA", None), (NoData.NOTIFY, "NO_DATA", "no_data"), (NoData.IGNORE, "OK", None)],
    ids=lambda value: str(value),
)
def test_a_rule_says_what_missing_data_means(no_data: NoData, status: str, notice: str | None) -> None:
    told = rule(no_data=no_data)
    state = judge(told, begin(START), readings(0.1), at(1)).after
    found = judge(told, state, (), at(2))
    assert (found.after.status.value, notices([found])) == (status, [notice])


def test_what_never_had_data_has_not_lost_it() -> None:
    found = judge(rule(no_data=NoData.NOTIFY), begin(START), (), at(1))
    assert (found.after.status, found.notice) == (Status.NO_DATA, None)


def test_labels_may_come_late() -> None:
    late = rule(metric=parse_metric("quality.accuracy_score"))
    assert judge(late, begin(START), readings(0.3, 0.3), at(24 * 20)).after.status is Status.TRIGGERED


def test_a_snapshot_is_a_window_without_width() -> None:
    moment = replace(reading(0, 0.3).window, end=START)
    one = rule(violating=1, of=1)
    found = judge(one, begin(START), [replace(reading(0, 0.3), window=moment)], at(24))
    assert found.after.status is Status.TRIGGERED


def test_alerts_are_told_apart_by_rule_and_series_alone() -> None:
    assert fingerprint("a", "x") == fingerprint("a", "x")
    assert len({fingerprint("a", "x"), fingerprint("a", "y"), fingerprint("b", "x")}) == 3


def test_the_state_says_since_when_it_shows_what_it_shows() -> None:
    decisions = watch(RULE, [0.3, 0.3, 0.3])
    assert [decision.after.since for decision in decisions] == [at(1), at(2), at(2)]
    assert decisions[-1].after.triggered_at == at(2)
    assert isinstance(decisions[-1].after, AlertState)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], "nothing was measured of"),
        ([reading(3, 0.5)], "the first window is complete at 2026-03-02 04:00 UTC"),
        ([reading(0, 0.5, 10), reading(3, 0.5)], "until 2026-03-02 01:00 UTC, has 10 samples, fewer than 500"),
        (
            [reading(0, 0.5), reading(3, 0.5, 10)],
            "what chance explains of drift.population_stability_index is not known",
        ),
    ],
    ids=["no rows", "no window is over", "few samples", "no bound"],
)
def test_an_alert_without_data_says_what_it_lacks_in_the_newest_window_that_is_over(
    found: list[Reading], why: str
) -> None:
    decision = judge(rule(needs_bound=True), begin(at(0)), found, at(2))
    assert decision.after.status is Status.NO_DATA
    assert why in decision.after.message
