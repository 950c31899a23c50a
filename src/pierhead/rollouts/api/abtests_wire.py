"""A/B tests as JSON. Times are milliseconds since 1970, weights percent."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call
from pierhead.rollouts.domain.abtest_readings import ArmCounts
from pierhead.rollouts.domain.abtest_reports import ABReport, Finding
from pierhead.rollouts.domain.abtests import MOST_SLICES, ABTest, ABTestSpec, Metric, arms_of
from pierhead.serving.domain.endpoints import Endpoint

_USUAL_METRICS = (Metric.SCORE, Metric.LATENCY, Metric.ERROR_RATE)


def read_spec(call: Call, endpoint: Endpoint, now: datetime) -> ABTestSpec:
    """`{arms, control, metrics, slices, alpha, units, hours, observe_rate}`, all of them optional.

    Raises InvalidArgument.
    """
    slices = _texts(call.params, "slices")
    if len(slices) > MOST_SLICES:
        raise InvalidArgument(f"at most {MOST_SLICES} columns can be slices, not {len(slices)}")
    units = call.number("units", 0)
    if units < 0:
        raise InvalidArgument(f"`units` must be above 0, or left out, not {units}")
    hours = _number(call.params, "hours", 0.0, 0.0, 24.0 * 365)
    return ABTestSpec(
        arms=arms_of(endpoint, call.find_text("control"), _texts(call.params, "arms")),
        metrics=tuple(_metric(text) for text in dict.fromkeys(_texts(call.params, "metrics"))) or _USUAL_METRICS,
        slices=tuple(dict.fromkeys(slices)),
        alpha=_number(call.params, "alpha", 0.05, 1e-6, 0.5),
        most_units=units if units > 0 else None,
        ends_at=now + timedelta(hours=hours) if hours else None,
        observe_rate=_number(call.params, "observe_rate", 1.0, 0.0, 1.0),
    )


def abtest_json(test: ABTest) -> dict[str, Any]:
    spec = test.spec
    return {
        "id": test.id,
        "name": test.name,
        "endpoint": test.endpoint_name,
        "status": test.status.value,
        "reason": test.reason,
        "arms": [
            {
                "served_entity": arm.name,
                "model_name": arm.model_name,
                "model_version": arm.model_version,
                "weight": arm.points / 100,
                "is_control": place == 0,
            }
            for place, arm in enumerate(spec.arms)
        ],
        "metrics": [metric.value for metric in spec.metrics],
        "slices": list(spec.slices),
        "alpha": spec.alpha,
        "most_units": spec.most_units,
        "ends_at": None if spec.ends_at is None else to_ms(spec.ends_at),
        "observe_rate": spec.observe_rate,
        "created_by": test.created_by,
        "created_at": to_ms(test.created_at),
        "ended_at": None if test.ended_at is None else to_ms(test.ended_at),
    }


def report_json(test: ABTest, report: ABReport) -> dict[str, Any]:
    reading = test.reading
    return {
        "abtest": abtest_json(test),
        "requests": reading.requests,
        "units": reading.units,
        "strays": reading.strays,
        "sample_ratio": {
            "p": report.sample_ratio_p,
            "is_mismatched": report.is_mismatched,
            "units": [arm.units for arm in reading.arms],
            "weights": [arm.points / 100 for arm in test.spec.arms],
        },
        "arms": [_arm(arm.name, counts) for arm, counts in zip(test.spec.arms, reading.arms, strict=True)],
        "findings": [_finding(finding) for finding in report.findings],
        "bayesian_view": list(report.bayes),
    }


def _arm(name: str, counts: ArmCounts) -> dict[str, Any]:
    latencies = counts.latencies
    return {
        "served_entity": name,
        "units": counts.units,
        "failures": counts.failures,
        "score_mean": counts.score.mean if counts.score.n else None,
        "latency_mean_ms": counts.latency_ms.mean if counts.latency_ms.n else None,
        "p99_ms": latencies.quantile(0.99) if latencies.total else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    name = finding.slice
    return asdict(finding) | {
        "metric": finding.metric.value,
        "slice": None if name is None else {"column": name[0], "value": name[1]},
    }


def _metric(text: str) -> Metric:
    try:
        return Metric(text)
    except ValueError:
        known = ", ".join(metric.value for metric in Metric)
        raise InvalidArgument(f"there is no metric {text!r}; there are {known}") from None


def _texts(params: Mapping[str, Any], key: str) -> Sequence[str]:
    value = params.get(key) or []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise InvalidArgument(f"parameter '{key}' must be a list of strings")
    return value


def _number(params: Mapping[str, Any], key: str, usual: float, least: float, most: float) -> float:
    value = params.get(key)
    if value is None:
        return usual
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not least <= number <= most:
        raise InvalidArgument(f"parameter '{key}' must be a number from {least:g} to {most:g}, not {value!r}")
    return number
