"""A report: what is shown of an endpoint, and in which order. Pure; the services read, and draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pierhead.monitoring.domain.report_attention import Notice, attention_of
from pierhead.monitoring.domain.report_facts import Facts, TrafficFact
from pierhead.monitoring.domain.report_features import Feature, features_of
from pierhead.monitoring.domain.report_quality import (
    Coverage,
    Measure,
    SliceLine,
    coverage_of,
    measures_of,
    slices_of,
)
from pierhead.monitoring.domain.windows import Window

MOST_VERSIONS = 5
OTHERS = "other versions"
MOST_IN_HEAT_MAP = 40


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is nothing to show, and what one does about it."""

    said: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`drift_missing`, `quality_missing` and `traffic_missing` are given exactly if there is nothing of that kind."""

    facts: Facts
    attention: tuple[Notice, ...]
    features: tuple[Feature, ...]
    windows: tuple[Window, ...]
    measures: tuple[Measure, ...]
    coverage: tuple[Coverage, ...]
    slices: tuple[SliceLine, ...]
    traffic: Mapping[str, tuple[TrafficFact, ...]]
    drift_missing: Missing | None
    quality_missing: Missing | None
    traffic_missing: Missing | None

    @property
    def traffic_windows(self) -> int:
        """In how many windows there were requests."""
        return len({each.window for series in self.traffic.values() for each in series})


def compose(facts: Facts) -> Report:
    """Everything that is decided about a report."""
    features, measures, coverage = features_of(facts), measures_of(facts), coverage_of(facts)
    traffic = traffic_of(facts.traffic)
    return Report(
        facts=facts,
        attention=tuple(attention_of(facts, features)),
        features=tuple(features),
        windows=tuple(sorted({each.window for each in facts.drift})),
        measures=tuple(measures),
        coverage=tuple(coverage),
        slices=tuple(slices_of(facts, measures[0] if measures else None, coverage)),
        traffic=traffic,
        drift_missing=None if features else _no_drift(facts),
        quality_missing=None if measures or coverage else _no_quality(facts),
        traffic_missing=None if traffic else _no_traffic(facts),
    )


def traffic_of(traffic: Sequence[TrafficFact]) -> dict[str, tuple[TrafficFact, ...]]:
    """By version, the busiest first; beyond `MOST_VERSIONS` their counts are put together, without latencies."""
    total: dict[str, float] = {}
    for each in traffic:
        total[each.model] = total.get(each.model, 0.0) + each.requests
    ordered = sorted(total, key=lambda model: (-total[model], model))
    kept, rest = ordered[:MOST_VERSIONS], set(ordered[MOST_VERSIONS:])
    by_version = {
        model: tuple(sorted((each for each in traffic if each.model == model), key=lambda fact: fact.window))
        for model in kept
    }
    others: dict[Window, TrafficFact] = {}
    for each in traffic:
        if each.model in rest:
            known = others.get(each.window, TrafficFact(each.window, OTHERS, 0, 0.0, 0.0, None))
            others[each.window] = TrafficFact(
                each.window,
                OTHERS,
                known.n + each.n,
                known.requests + each.requests,
                known.server_errors + each.server_errors,
                None,
            )
    return by_version | ({OTHERS: tuple(others[window] for window in sorted(others))} if others else {})


def _no_drift(facts: Facts) -> Missing:
    if facts.payload is None:
        return Missing(
            "The endpoint keeps no inference table, so there is nothing to compare. Give it one: set "
            "auto_capture_config, or inference_table_config of its AI gateway."
        )
    if facts.monitor is None:
        return Missing("Nobody monitors the endpoint's predictions.", f"pierhead monitors create {facts.endpoint}")
    if facts.monitor.computed_at is None:
        return Missing(
            "The monitor has not measured anything yet. It does once there are requests, at its next refresh.",
            f"pierhead monitors refresh {facts.endpoint}",
        )
    return Missing(
        "No window in this period was measured: there were no requests, or they are older. Look further back.",
        f"pierhead monitors report {facts.endpoint} --since 90d",
    )


def _no_quality(facts: Facts) -> Missing:
    if facts.monitor is None or facts.monitor.computed_at is None:
        return Missing("It is known once the monitor has measured predictions that have labels.")
    return Missing(
        "No prediction of this period has been measured with a label. Labels may come late and by any of several ways.",
        f"pierhead labels add {facts.endpoint} --file LABELS.csv",
    )


def _no_traffic(facts: Facts) -> Missing:
    if facts.payload is None:
        return Missing("Requests of this endpoint are not kept: it has no inference table.")
    return Missing("No requests in this period. Ask the endpoint once:", f"pierhead endpoints query {facts.endpoint}")
