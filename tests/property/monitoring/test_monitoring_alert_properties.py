"""Laws of the state machine, whatever is measured."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pierhead.monitoring.domain.alert_metrics import parse_metric
from pierhead.monitoring.domain.alert_rules import AlertRule, Counting, Limit, Side
from pierhead.monitoring.domain.alerts import AlertDecision, Notice, Reading, Status, begin, judge, measured, violates
from pierhead.monitoring.domain.windows import Window

START, HOUR = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=25)
COUNTS = st.integers(1, 6).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of)))


def rule_of(violating: int, of: int, side: Side = Side.ABOVE) -> AlertRule:
    metric = parse_metric("drift.population_stability_index")
    return AlertRule("r", metric, Limit(side, 0.5), counting=Counting(violating, of, least_samples=10))


def watched(rule: AlertRule, values: list[float]) -> list[AlertDecision]:
    seen = [Reading(Window(START + i * HOUR, START + (i + 1) * HOUR), value, 10) for i, value in enumerate(values)]
    state, decisions = begin(START), []
    for i in range(1, len(seen) + 1):
        decisions.append(judge(rule, state, seen[:i], START + i * HOUR))
        state = decisions[-1].after
    return decisions


@given(VALUES, COUNTS)
def test_it_triggers_only_with_enough_bad_windows_among_the_last_and_clears_only_on_the_good_side(
    values: list[float], counts: tuple[int, int]
) -> None:
    rule = rule_of(*counts)
    for i, decision in enumerate(watched(rule, values)):
        last = values[max(0, i + 1 - counts[1]) : i + 1]
        if decision.is_trigger:
            assert values[i] > 0.5
            assert sum(value > 0.5 for value in last) >= counts[0]
        if decision.before.is_open and not decision.after.is_open:
            assert values[i] <= rule.limit.clear_value


@given(st.lists(st.floats(0.4000001, 0.5), min_size=1, max_size=15), st.sampled_from(Side), COUNTS)
def test_between_the_two_limits_nothing_changes(band: list[float], side: Side, counts: tuple[int, int]) -> None:
    rule = rule_of(*counts, side=side)
    inside = [value if side is Side.ABOVE else 1.0 - value for value in band]
    bad, good = (0.9, 0.1) if side is Side.ABOVE else (0.1, 0.9)
    opened = watched(rule, [bad] * counts[1] + inside)[counts[1] - 1 :]
    assert {decision.after.condition for decision in opened} == {Status.TRIGGERED}
    calm = watched(rule, [good, *inside])
    assert {decision.after.condition for decision in calm} == {Status.OK}


@given(VALUES, COUNTS)
def test_each_trigger_is_told_once_and_each_end_once(values: list[float], counts: tuple[int, int]) -> None:
    decisions = watched(rule_of(*counts), values)
    told = [decision.notice for decision in decisions if decision.notice is not None]
    expected = [Notice.TRIGGERED, Notice.RESOLVED] * len(told)
    assert told == expected[: len(told)]


@given(VALUES, COUNTS)
def test_looking_again_at_the_same_changes_nothing(values: list[float], counts: tuple[int, int]) -> None:
    rule = rule_of(*counts)
    decisions = watched(rule, values)
    seen = [Reading(Window(START + i * HOUR, START + (i + 1) * HOUR), value, 10) for i, value in enumerate(values)]
    for i, decision in enumerate(decisions, start=1):
        again = judge(rule, decision.after, seen[:i], START + i * HOUR)
        assert (again.after, again.notice) == (decision.after, None)


@given(VALUES, st.randoms())
def test_the_order_of_readings_does_not_matter(values: list[float], random: object) -> None:
    rule = rule_of(2, 5)
    seen = [Reading(Window(START + i * HOUR, START + (i + 1) * HOUR), value, 10) for i, value in enumerate(values)]
    mixed = list(seen)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    now = START + len(values) * HOUR
    assert judge(rule, begin(START), mixed, now) == judge(rule, begin(START), seen, now)
    assert [violates(rule, each) for each in measured(rule, mixed, now)] == [value > 0.5 for value in values][-16:]
