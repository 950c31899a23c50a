"""How a monitored table stands, as lines for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from pierhead.cli.output import moment, table_lines

_MOST_COLUMNS = 20
_DRIFT = ["COLUMN", "LEVEL", "STATISTIC", "VALUE", "THRESHOLD", "BY CHANCE", "N"]


def standing_lines(body: Mapping[str, Any]) -> list[str]:
    """Sections with a heading each; what there is nothing of says so in one line."""
    sections = (
        ("Drift", _DRIFT, _drift(body["drift"])),
        ("The last minutes", ["MODEL", *_DRIFT], _live(body["last_minutes"] or {"columns": []})),
        ("Quality", ["MODEL", "WINDOW", "PREDICTIONS", "LABELLED", "MEASURED"], _quality(body["quality"])),
        ("Latency", ["SERVED", "MODEL", "REQUESTS", "5XX", "P50 MS", "P95 MS", "P99 MS"], _latency(body["latency"])),
        ("Labels, last 7 days", ["MODEL", "PREDICTIONS", "LABELLED", "COVERAGE"], _labels(body["label_coverage"])),
        ("Open alerts", ["ALERT", "SEVERITY", "OF", "SINCE", "ACKNOWLEDGED"], _alerts(body["open_alerts"])),
    )
    lines = [_title(body)]
    for heading, columns, rows in sections:
        lines += ["", f"{heading}: none" if not rows else heading]
        lines += table_lines(columns, rows) if rows else []
    left_out = len(body["drift"]) - _MOST_COLUMNS
    if left_out > 0:
        lines += ["", f"{left_out} columns with less drift are left out; --output json has them"]
    return lines


def _title(body: Mapping[str, Any]) -> str:
    endpoint = f" of endpoint {body['endpoint']}" if body["endpoint"] else ""
    monitor, refreshes = body["monitor"], body["refreshes"]
    if monitor is None:
        return f"{body['table_name']}{endpoint}: nobody monitors it"
    last = next((each for each in refreshes if each["state"] == "SUCCESS"), None)
    fresh = f"as of {moment(last['end_time_ms'])}" if last else "nothing was computed yet"
    return f"{body['table_name']}{endpoint}: {fresh}"


def _drift(found: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (
            each["column"],
            each["level"],
            each["statistic"],
            _number(each["value"]),
            _number(each["effect_threshold"]),
            _number(each["null_bound"]),
            f"{each['n']}/{each['n_reference']}",
        )
        for each in found[:_MOST_COLUMNS]
    ]


def _live(live: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """Of each version what is worth a look: the gravest columns."""
    return [(each["model"], *row) for each, row in zip(live["columns"], _drift(live["columns"]), strict=False)]


def _quality(found: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (
            "all" if each["model"] == "*" else each["model"],
            moment(each["window_start_ms"]),
            each["predictions"],
            each["labelled"],
            ", ".join(f"{name.partition('.')[0]} {value:.4g}" for name, value in each["metrics"].items()),
        )
        for each in found
    ]


def _latency(found: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (
            each["served_entity_name"],
            each["model"],
            each["requests"],
            each["server_errors"],
            *(_number(each[name]) for name in ("p50_ms", "p95_ms", "p99_ms")),
        )
        for each in found
    ]


def _labels(found: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (each["model"], each["predictions"], each["labelled"], f"{each['labelled'] / each['predictions']:.1%}")
        for each in found
        if each["predictions"]
    ]


def _alerts(found: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (each["rule"], each["severity"], each["series"], moment(each["since_ms"]), each["acknowledged_by"])
        for each in found
    ]


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3g}"
