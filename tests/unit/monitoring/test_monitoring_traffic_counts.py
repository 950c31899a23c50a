from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from pierhead.monitoring.domain.alert_metrics import parse_metric
from pierhead.monitoring.domain.alert_rules import AlertRule, Counting, Limit, Side
from pierhead.monitoring.domain.traffic_counts import TrafficCounts, entity_counts, latency_ms, pooled, sample_ratio
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.services.alert_metrics import label_readings, traffic_readings
from pierhead.monitoring.services.label_coverage import CohortCoverage
from pierhead.serving.domain.traffic import EntityTraffic

START = datetime(2026, 1, 1, tzinfo=UTC)


def entity(ok: int, latencies: list[int] | None = None, failed: int = 0) -> EntityTraffic:
    return EntityTraffic("wine", "a", {"200": ok, "503": failed}, latencies or [ok, *[0] * 18], 0.0, 0)


def test_counters_that_grew_give_what_came_and_those_that_fell_began_anew() -> None:
    grown = entity_counts(entity(30, failed=2), entity(10))
    assert (grown.by_status, grown.latencies[0], grown.by_entity) == (
        Counter({"200": 20, "503": 2}),
        20,
        Counter({"a": 22}),
    )
    anew = entity_counts(entity(5), entity(10))
    assert (anew.by_status, anew.latencies[0]) == (Counter({"200": 5}), 5)


def test_quantiles_of_pooled_windows_are_those_of_the_whole() -> None:
    parts = [TrafficCounts(latencies=[10 * i, 20, *[0] * 17]) for i in range(1, 4)]
    whole = TrafficCounts(latencies=[60, 60, *[0] * 17])
    assert latency_ms(pooled(parts).latencies, 0.99) == latency_ms(whole.latencies, 0.99)
    assert latency_ms([0] * 18 + [5], 0.5) == 120_000


def test_shares_are_judged_only_while_weights_stay_and_there_is_a_choice() -> None:
    even = TrafficCounts(by_entity=Counter(a=821588, b=815482), points={"a": 5000, "b": 5000})
    assert sample_ratio(even) == pytest.approx(5.74, abs=0.01)
    assert sample_ratio(TrafficCounts(by_entity=Counter(a=5), points={"a": 10000, "b": 0})) is None
    other = TrafficCounts(by_entity=Counter(a=5, b=5), points={"a": 1000, "b": 9000})
    assert sample_ratio(pooled([even, other])) is None


def test_what_a_ramp_dealt_is_held_against_no_weights() -> None:
    dealt = TrafficCounts(by_entity=Counter(a=900, c=100))
    after = TrafficCounts(by_entity=Counter(a=50, c=50), points={"a": 5000, "c": 5000})
    for order in ([dealt, after], [after, dealt]):
        assert sample_ratio(pooled(order)) is None
    nothing = TrafficCounts(limited=3)
    assert sample_ratio(pooled([nothing, after, nothing])) == pytest.approx(0)


def test_windows_can_be_wider_than_what_is_counted() -> None:
    counted = {START + i * timedelta(minutes=5): TrafficCounts(Counter({"200": 100, "500": i})) for i in range(12)}
    rule = AlertRule(
        "r",
        parse_metric("traffic.error_rate"),
        Limit(Side.ABOVE, 0.01),
        counting=Counting(granularity=Granularity.MINUTES_30),
    )
    readings = traffic_readings(rule, counted)
    assert [(reading.n, reading.value) for reading in readings] == [(615, 15 / 615), (651, 51 / 651)]


def test_labels_stall_when_mature_predictions_have_fewer_than_usual() -> None:
    rule = AlertRule("r", parse_metric("labels.coverage_ratio"), Limit(Side.BELOW, 0.5), counting=Counting(of=2))
    hours = [_cohort(hour, labelled=80 if hour < 4 else 20) for hour in range(6)] + [_cohort(6, 0, is_mature=False)]
    readings = label_readings(rule, hours)
    assert [reading.value for reading in readings] == [1, 1, 1, 1, 0.25, 0.25]
    assert readings[-1].detail == "20.0% of the predictions have a label, before 80.0%"


def _cohort(hour: int, labelled: int, *, is_mature: bool = True) -> CohortCoverage:
    start = START + timedelta(hours=hour)
    return CohortCoverage(
        start=start,
        end=start + timedelta(hours=1),
        maturity=1.0,
        is_mature=is_mature,
        model_name="m",
        model_version="1",
        route="primary",
        predictions=100,
        labelled=labelled,
        delay_s=None,
    )
