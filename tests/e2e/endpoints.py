"""Serving endpoints of a running platform, over its public port."""

import json
import time
from pathlib import Path
from typing import Any

import psutil

from harness.http import Answer
from harness.platform import Platform, wait_until
from pierhead.kit.home import Home

ENDPOINTS = "/api/2.0/serving-endpoints"


def entity(model: str, version: str = "1", name: str | None = None) -> dict[str, Any]:
    """One served entity; its name is `model-version` if nothing is said."""
    return {
        "name": name or f"{model}-{version}",
        "entity_name": f"main.e2e.{model}",
        "entity_version": version,
        "workload_size": "Small",
        "scale_to_zero_enabled": False,
    }


def config(*entities: dict[str, Any], weights: tuple[int, ...] = (100,)) -> dict[str, Any]:
    routes = [
        {"served_model_name": one["name"], "traffic_percentage": weight}
        for one, weight in zip(entities, weights, strict=True)
    ]
    return {"served_entities": list(entities), "traffic_config": {"routes": routes}}


def create(platform: Platform, name: str, *entities: dict[str, Any]) -> None:
    """Ask for an endpoint whose invocations are kept in `main.e2e.NAME_payload`."""
    capture = {"catalog_name": "main", "schema_name": "e2e", "table_name_prefix": name}
    body = {"name": name, "config": config(*entities) | {"auto_capture_config": capture}}
    answer = platform.request("POST", ENDPOINTS, body)
    assert answer.status == 200, answer.text


def update(platform: Platform, name: str, body: dict[str, Any]) -> None:
    answer = platform.request("PUT", f"{ENDPOINTS}/{name}/config", body)
    assert answer.status == 200, answer.text


def delete(platform: Platform, name: str) -> None:
    answer = platform.request("DELETE", f"{ENDPOINTS}/{name}")
    assert answer.status == 200, answer.text


def get(platform: Platform, name: str) -> dict[str, Any]:
    answer = platform.request("GET", f"{ENDPOINTS}/{name}")
    assert answer.status == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def wait_ready(platform: Platform, name: str, timeout_s: float = 60) -> None:
    """Until its newest config is live and has all its workers."""

    def is_ready() -> bool:
        state = get(platform, name)["state"]
        assert state["config_update"] != "UPDATE_FAILED", get(platform, name)
        return bool(state == {"ready": "READY", "config_update": "NOT_UPDATING"})

    wait_until(f"endpoint {name} is ready", is_ready, timeout_s)


def wait_staffed(platform: Platform, *names: str, timeout_s: float = 60) -> None:
    """Until every served entity has a worker that gateways know."""
    for name in names:
        wait_until(f"endpoint {name} has workers", lambda name=name: bool(workers(platform, name)), timeout_s)


def wait_failed(platform: Platform, name: str, timeout_s: float = 60) -> None:
    wait_until(
        f"endpoint {name} gives up",
        lambda: bool(get(platform, name)["state"]["config_update"] == "UPDATE_FAILED"),
        timeout_s,
    )


def workers(platform: Platform, name: str) -> set[psutil.Process]:
    """The processes that gateways send an endpoint's invocations to."""
    home = Home(platform.home)
    route = json.loads(home.snapshot.read_bytes())["endpoints"].get(name, {"entities": []})
    sockets = [Path(path) for one in route["entities"] for path in one["sockets"]]
    records = [json.loads(path.with_suffix(".json").read_bytes()) for path in sockets]
    return {psutil.Process(record["process_id"]) for record in records}


def invoke(platform: Platform, name: str, request_id: str, **row: float) -> Answer:
    """One invocation with one row, on a connection of its own."""
    body = {"dataframe_records": [row], "client_request_id": request_id}
    return platform.request("POST", f"/serving-endpoints/{name}/invocations", body)


def moody_row(*, sleep_s: float = 0.0, exits: bool = False) -> dict[str, float]:
    return {"sleep_s": sleep_s, "exit": float(exits)}


def new_id(prefix: str) -> str:
    return f"{prefix}-{time.time_ns()}"
