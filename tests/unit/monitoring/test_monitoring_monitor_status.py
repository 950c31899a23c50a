"""How a monitored table stands, out of rows of its metric tables."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pierhead.cli.monitor_lines import standing_lines
from pierhead.monitoring.domain.monitor_status import drift_of, quality_of, value_at

DAY = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = frozenset[str]()


def drift(column: str, *, day: int = 0, **fields: Any) -> dict[str, Any]:
    start = DAY + timedelta(days=day)
    return {
        "window": {"start": start, "end": start + timedelta(days=1)},
        "granularity": "1 day",
        "slice_key": None,
        "column_name": column,
        "drift_type": "BASELINE",
        "level": "ok",
        "method_spec": json.dumps({"statistic": "psi"}),
        "population_stability_index": 0.05,
        "effect_threshold": 0.1,
        "null_bound": 0.02,
        "n_cur": 1000,
        "n_cmp": 5000,
        **fields,
    }


def quality(model: str, *, day: int = 0, **fields: Any) -> dict[str, Any]:
    row = drift(":table", day=day)
    return row | {"log_type": "INPUT", "model_id": model, "count": 100, "labelled_count": 50, **fields}


def test_the_newest_window_of_each_column_counts_and_the_gravest_comes_first() -> None:
    rows = [
        drift("age", day=0, level="alarm"),
        drift("age", day=1),
        drift("site", day=1, level="warn", population_stability_index=0.15),
        drift("amount", day=1, level="alarm", population_stability_index=0.4),
        drift("price", day=1, level="alarm", population_stability_index=0.9),
    ]
    found = drift_of(rows, model_column=None, left_out=NOBODY)
    assert [(each.column, each.level, each.value) for each in found] == [
        ("price", "alarm", 0.9),
        ("amount", "alarm", 0.4),
        ("site", "warn", 0.15),
        ("age", "ok", 0.05),
    ]


def test_slices_single_models_the_table_itself_and_columns_that_are_no_features_are_left_out() -> None:
    rows = [
        drift("age", model_id="*"),
        drift("age", model_id="m/1", level="alarm"),
        drift("age", model_id="*", slice_key="country", level="alarm"),
        drift(":table", model_id="*"),
        drift("timestamp", model_id="*"),
    ]
    (age,) = drift_of(rows, model_column="model_id", left_out=frozenset({"timestamp"}))
    assert (age.column, age.level) == ("age", "ok")


def test_the_narrowest_windows_are_looked_at() -> None:
    rows = [drift("age", granularity="1 day", level="alarm"), drift("age", granularity="1 hour")]
    assert [each.level for each in drift_of(rows, model_column=None, left_out=NOBODY)] == ["ok"]


def test_without_a_baseline_windows_are_compared_with_those_before_them() -> None:
    rows = [drift("age", drift_type="CONSECUTIVE"), drift("site", drift_type="BASELINE", level=None)]
    assert [each.compared_with for each in drift_of(rows, model_column=None, left_out=NOBODY)] == ["CONSECUTIVE"]


def test_no_rows_are_no_drift() -> None:
    assert drift_of([], model_column=None, left_out=NOBODY) == []


def test_quality_is_of_the_newest_window_with_labels() -> None:
    rows = [
        quality("*", day=0, accuracy_score=0.9, f1_score={"macro": 0.8}),
        quality("*", day=1, labelled_count=0),
        quality("m/1", day=1, labelled_count=0, estimated_accuracy_score=0.7),
    ]
    whole, one = quality_of(rows, model_column="model_id")
    assert (whole.model, whole.window.start, whole.metrics) == (
        "*",
        DAY,
        {"accuracy_score": 0.9, "f1_score.macro": 0.8},
    )
    assert (one.labelled, one.metrics) == (0, {"estimated_accuracy_score": 0.7})


def test_a_number_inside_of_a_struct_is_found() -> None:
    assert value_at({"ks_test": {"statistic": 0.2}}, "ks_test.statistic") == 0.2
    assert value_at({"ks_test": None}, "ks_test.statistic") is None


def test_the_terminal_shows_every_section_and_says_what_is_missing() -> None:
    lines = standing_lines(
        {
            "table_name": "main.wine.requests",
            "endpoint": "wine",
            "monitor": {},
            "refreshes": [{"state": "SUCCESS", "end_time_ms": 1000}],
            "drift": [
                {
                    "column": f"c{place}",
                    "level": "ok",
                    "statistic": "psi",
                    "value": 0.01,
                    "effect_threshold": 0.1,
                    "null_bound": None,
                    "n": 5,
                    "n_reference": 9,
                }
                for place in range(22)
            ],
            "last_minutes": None,
            "quality": [],
            "latency": [],
            "label_coverage": [{"model": "m/1", "predictions": 4, "labelled": 1}],
            "open_alerts": [],
        }
    )
    assert lines[0] == "main.wine.requests of endpoint wine: as of 1970-01-01 00:00:01Z"
    assert {"Drift", "The last minutes: none", "Quality: none", "Latency: none", "Open alerts: none"} <= set(lines)
    assert any("25.0%" in line for line in lines)
    assert lines[-1].startswith("2 columns with less drift are left out")
