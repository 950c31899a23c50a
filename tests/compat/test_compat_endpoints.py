from typing import Any

import pytest

from harness.platform import Platform


@pytest.fixture(scope="module")
def seen(platform: Platform) -> Any:
    return platform.run_client("endpoints.py", "main.compat.life")


def test_an_endpoint_is_created_and_shown_with_both_generations_of_names(seen: Any) -> None:
    assert seen["created"] == ["READY", "NOT_UPDATING", "admin"]
    assert seen["both names"] == [["main.compat.life/1"], ["main.compat.life/1"], [100]]
    assert seen["listed"]
    assert seen["tags"] == [["env", "test"]]


def test_an_update_splits_the_traffic_and_names_its_inference_table(seen: Any) -> None:
    assert (seen["version"], seen["table"]) == (2, "life_payload")
    assert seen["split"] == ["challenger", "champion"]
    assert seen["predictions"] == 7


def test_refusals_name_the_thing_and_the_fact(seen: Any) -> None:
    assert "main.no.model" in seen["unknown model"]
    assert "compat-life" in seen["twice"]
    assert "99" in seen["bad sum"]
    assert "compat-life" in seen["gone"]
    assert "compat-life" in seen["query gone"]
    assert seen["not yet"]


def test_logs_metrics_and_a_description_are_there(seen: Any) -> None:
    assert (seen["logs"], seen["build logs"], seen["metrics"]) == (True, True, True)
    assert seen["openapi"] == ["3", ["/serving-endpoints/compat-life/invocations"]]


def test_mlflows_deployments_client_does_the_same(seen: Any) -> None:
    assert seen["deployments"] == [7, "READY", True]
