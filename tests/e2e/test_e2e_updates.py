"""Configs change under traffic: nobody notices but by the answers."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e import endpoints
from e2e.endpoints import config, entity, moody_row, new_id
from e2e.rows import check_ids, check_rows
from e2e.traffic import Traffic
from harness.platform import Platform, wait_until


def test_an_update_swaps_versions_back_and_forth_without_a_failed_request(platform: Platform) -> None:
    with Traffic(platform, "steady") as traffic:
        for version in ("2", "1"):
            endpoints.update(platform, "steady", config(entity("scale", version)))
            endpoints.wait_ready(platform, "steady")
            traffic.wait_for(40)
    assert traffic.failed == []
    assert traffic.entities().keys() == {"scale-1", "scale-2"}
    check_rows(platform, "steady", traffic.outcomes)


def test_a_change_of_traffic_alone_takes_effect_within_a_second_and_restarts_no_worker(platform: Platform) -> None:
    a, b = entity("scale", "1", "a"), entity("scale", "2", "b")
    endpoints.update(platform, "steady", config(a, b, weights=(100, 0)))
    endpoints.wait_ready(platform, "steady")
    workers = endpoints.workers(platform, "steady")
    with Traffic(platform, "steady") as traffic:
        changed_s = time.monotonic()
        endpoints.update(platform, "steady", config(a, b, weights=(0, 100)))
        traffic.wait_for(100)
        wait_until("more than a second has gone by", lambda: time.monotonic() > changed_s + 1.5)
    assert endpoints.workers(platform, "steady") == workers
    endpoints.update(platform, "steady", config(entity("scale", "1")))
    last_of_a_s = max(one.began_s for one in traffic.answered if one.entity == "a") - changed_s
    print(f"the last request to the former entity began {last_of_a_s:.2f} s after the change")
    assert traffic.failed == []
    assert last_of_a_s < 1.0
    assert traffic.entities()["b"] > 0
    check_rows(platform, "steady", traffic.outcomes)


def test_a_deleted_endpoint_drains(platform: Platform) -> None:
    endpoints.create(platform, "short", entity("moody"))
    endpoints.wait_ready(platform, "short")
    (worker,) = endpoints.workers(platform, "short")
    ids = [new_id("slow") for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        # The second waits behind the first, in the worker.
        slow = [pool.submit(endpoints.invoke, platform, "short", one, **moody_row(sleep_s=1.5)) for one in ids]
        time.sleep(0.5)
        endpoints.delete(platform, "short")
        after = endpoints.invoke(platform, "short", new_id("late"), **moody_row())
        assert [one.result().status for one in slow] == [200, 200]
    assert after.status == 404
    assert "short" in after.text
    wait_until("the worker is gone", lambda: not worker.is_running(), 20)
    check_ids(platform, "short", ids)


@pytest.mark.parametrize(
    ("model", "reason", "log"),
    [
        ("unbuildable", "scikit-learn==9999.0", "build-logs"),
        ("unloadable", "the lookup file of this model is missing", "logs"),
        ("unpredictable", "this model knows no such column", "logs"),
    ],
)
def test_an_update_to_a_version_that_cannot_run_says_why_and_the_old_one_goes_on(
    platform: Platform, model: str, reason: str, log: str
) -> None:
    with Traffic(platform, "steady") as traffic:
        endpoints.update(platform, "steady", config(entity(model)))
        endpoints.wait_failed(platform, "steady")
        traffic.wait_for(20)
    shown = endpoints.get(platform, "steady")
    told = platform.cli("endpoints", "get", "steady")
    logs = platform.request("GET", f"{endpoints.ENDPOINTS}/steady/served-models/{model}-1/{log}").json()["logs"]
    endpoints.update(platform, "steady", config(entity("scale", "1")))

    assert traffic.failed == []
    assert traffic.entities().keys() == {"scale-1"}
    assert shown["state"] == {"ready": "READY", "config_update": "UPDATE_FAILED"}
    (given_up,) = shown["pending_config"]["served_entities"]
    assert given_up["state"]["deployment"] == "DEPLOYMENT_FAILED"
    assert reason in given_up["state"]["deployment_state_message"]
    assert reason in told.stdout
    assert reason in logs


def test_a_first_deployment_that_fails_is_not_ready_and_says_why(platform: Platform) -> None:
    endpoints.create(platform, "stillborn", entity("unloadable"))
    endpoints.wait_failed(platform, "stillborn")
    reason = "the lookup file of this model is missing"
    shown = endpoints.get(platform, "stillborn")
    told = platform.cli("endpoints", "get", "stillborn").stdout

    def is_told_to_callers() -> bool:
        answer = endpoints.invoke(platform, "stillborn", new_id("vain"), **moody_row())
        return answer.status == 400 and reason in answer.text

    # Gateways hear of it with the next snapshot.
    wait_until("callers are told the reason", is_told_to_callers, 5)
    endpoints.delete(platform, "stillborn")

    assert shown["state"] == {"ready": "NOT_READY", "config_update": "UPDATE_FAILED"}
    assert reason in shown["pending_config"]["served_entities"][0]["state"]["deployment_state_message"]
    assert "UPDATE_FAILED" in told
    assert reason in told
