"""Monitors through the whole platform: both official APIs, the tables as any engine reads them, the command line."""

import json
from typing import Any

import pytest

from harness.platform import Platform, wait_until

PROFILE = (
    "window log_type logging_table_commit_version monitor_version granularity slice_key slice_value column_name count "
    "data_type num_nulls avg quantiles min max stddev num_zeros num_nan min_length max_length avg_length "
    "non_null_columns frequent_items median distinct_count percent_nan percent_null percent_zeros percent_distinct"
)
DRIFT = (
    "window granularity monitor_version slice_key slice_value column_name data_type window_cmp drift_type count_delta "
    "avg_delta percent_null_delta percent_zeros_delta percent_distinct_delta non_null_columns_delta js_distance "
    "ks_test "
    "wasserstein_distance population_stability_index chi_squared_test tv_distance l_infinity_distance"
)


@pytest.fixture(scope="module")
def seen(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return platform.run_client("monitors.py", str(tmp_path_factory.mktemp("monitored")))


def test_every_field_of_the_older_api_is_read_back_as_it_was_sent(seen: Any) -> None:
    assert seen["differences"] == {}
    assert seen["created"] == ["main.monitored.loans", "MONITOR_STATUS_PENDING", "main.monitored.loans_profile_metrics"]


def test_a_refresh_ends_in_success_and_is_listed(seen: Any) -> None:
    assert seen["refreshed"] == ["SUCCESS", "MANUAL", True, None]
    assert (seen["status"], seen["listed"]) == ("MONITOR_STATUS_ACTIVE", [True])


def test_the_tables_begin_with_the_columns_of_databricks_in_their_order(seen: Any) -> None:
    assert (" ".join(seen["profile columns"]), " ".join(seen["drift columns"])) == (PROFILE, DRIFT)


def test_profiles_count_each_window_and_measure_predictions_against_labels(seen: Any) -> None:
    assert seen["counts"] == [[1000]] * 2
    assert all(0.85 < accuracy < 0.95 for (accuracy,) in seen["accuracy"])
    assert len(seen["accuracy"]) == 2


def test_only_what_drifts_is_called_drifted_and_only_when_it_does(seen: Any) -> None:
    assert seen["drifted"] == [["age", [False, False]], ["amount", [False, True]]]


def test_slices_are_in_the_tables(seen: Any) -> None:
    assert seen["slices"] == [["age > 50"], ["country"]]


def test_the_documented_examples_of_custom_metrics_are_computed(seen: Any) -> None:
    assert seen["custom"] == [[4, True]]
    before, after = seen["of the table"]
    assert after[0] > before[0] + 20
    # One error of two weighs twice.
    assert all(1.2 * (1 - accuracy) < weighted < 1.8 * (1 - accuracy) for _, accuracy, weighted in seen["of the table"])
    assert len(seen["deltas"]) == 2
    assert all(abs(delta) < 0.1 for (delta,) in seen["deltas"])


def test_both_apis_show_and_change_the_same_monitor(seen: Any) -> None:
    assert seen["same"] == [True, True, "AGGREGATION_GRANULARITY_1_DAY", "DATA_PROFILING_STATUS_ACTIVE", True]
    assert seen["changed"] == [["country"], True, True]
    assert seen["newer refresh"] == ["MONITOR_REFRESH_STATE_SUCCESS", "MONITOR_REFRESH_TRIGGER_MANUAL"]
    assert seen["newest first"]


def test_time_series_and_snapshots_are_profiled_too(seen: Any) -> None:
    assert (seen["time series"], seen["snapshot"]) == ("SUCCESS", [True, True])


def test_refusals_carry_the_codes_of_databricks(seen: Any) -> None:
    found = {what: refusal and refusal[:2] for what, refusal in seen["refusals"].items()}
    assert found == {
        "again": ["ResourceAlreadyExists", "RESOURCE_ALREADY_EXISTS"],
        "no table": ["ResourceDoesNotExist", "RESOURCE_DOES_NOT_EXIST"],
        "no monitor": ["ResourceDoesNotExist", "RESOURCE_DOES_NOT_EXIST"],
        "no refresh": ["ResourceDoesNotExist", "RESOURCE_DOES_NOT_EXIST"],
        "no id": ["ResourceDoesNotExist", "RESOURCE_DOES_NOT_EXIST"],
        "a schema": ["NotImplemented", "NOT_IMPLEMENTED"],
        "granularity": ["InvalidParameterValue", "INVALID_PARAMETER_VALUE"],
        "columns": ["InvalidParameterValue", "INVALID_PARAMETER_VALUE"],
        "dashboard": ["NotImplemented", "NOT_IMPLEMENTED"],
        "cancel what has ended": ["InvalidState", "INVALID_STATE"],
    }


def test_refusals_name_everything_that_is_wrong(seen: Any) -> None:
    assert all(word in seen["refusals"]["granularity"][2] for word in ("7 minutes", "output_schema_name"))
    assert all(word in seen["refusals"]["columns"][2] for word in ("when", "guess", "nobody"))


def test_a_deleted_monitor_leaves_its_tables(seen: Any) -> None:
    assert (seen["gone"], seen["tables stay"]) == (["ResourceDoesNotExist"] * 2, True)


def test_the_command_line_makes_a_monitor_and_says_what_is_wrong_with_one(platform: Platform, seen: Any) -> None:
    assert seen
    loans = ("monitors", "create", "main.monitored.loans", "--timestamp", "at", "--model-id", "model_version")
    assert platform.cli(*loans).returncode == 2
    wrong = platform.cli(*loans, "--problem", "classification", "--granularity", "7 minutes")
    assert (wrong.returncode, "7 minutes" in wrong.stderr) == (1, True)
    made = platform.cli(*loans, "--problem", "regression", "--label", "label", "--slice", "country", "-o", "json")
    assert json.loads(made.stdout)["inference_log"]["granularities"] == ["1 hour", "1 day"], made.stderr
    assert "inference log, regression" in platform.cli("monitors", "show", "main.monitored.loans").stdout
    assert platform.cli(*loans, "--problem", "regression").returncode == 5


def test_an_endpoint_with_an_inference_table_is_monitored_by_itself(platform: Platform) -> None:
    platform.run_client("serve_monitored.py", "main.compat.monitored", "compat-monitored", timeout_s=120)
    shown: dict[str, Any] = {}

    def is_monitored() -> bool:
        listed = json.loads(platform.cli("monitors", "show", "compat-monitored", "-o", "json").stdout or "{}")
        shown.update(listed)
        return bool(listed.get("monitor"))

    wait_until("the default monitor", is_monitored)
    log = shown["monitor"]["inference_log"]
    assert (log["granularities"], log["problem_type"]) == (["1 hour", "1 day"], "PROBLEM_TYPE_CLASSIFICATION")

    refreshed = platform.cli("monitors", "refresh", "compat-monitored")
    assert "SUCCESS" in refreshed.stdout, refreshed.stderr
    status = platform.cli("monitors", "status", "compat-monitored")
    assert all(heading in status.stdout for heading in ("Drift", "Quality", "Latency", "Labels", "Open alerts"))
    assert "main.compat.monitored/1" in status.stdout
    assert "compat-monitored" in platform.cli("monitors", "list").stdout

    scraped = platform.request("GET", "/metrics").body.decode().splitlines()
    (count,) = [
        line for line in scraped if line.startswith("pierhead_request_predict_seconds_count") and "monitored" in line
    ]
    assert int(count.rpartition(" ")[2]) >= 1
    assert platform.request("GET", "/metrics", headers={"Authorization": ""}).status == 401

    platform.request("DELETE", "/api/2.0/serving-endpoints/compat-monitored")
    assert json.loads(platform.cli("monitors", "show", "main.compat.monitored_requests", "-o", "json").stdout)[
        "monitor"
    ]
