"""A running platform with three endpoints, and hands to hurt it with."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

from benchmarks.faults.traffic import Questions, Traffic, read_questions
from pierhead.kit.home import Home

MODELS = ("price", "plain", "crowd")
"""Compiled (tier A); opaque, requests share batches; opaque, every request alone."""

_PLACE = "main.faults"
_ENDPOINTS = "/api/2.0/serving-endpoints"
_SCRIPT = Path(__file__).with_name("log_models.py")


@dataclass(frozen=True, slots=True)
class World:
    """`supervisor` is its process id; `questions` by model, which is also the endpoint's name."""

    url: str
    token: str
    home: Home
    supervisor: int
    questions: Mapping[str, Questions]

    def call(self, method: str, path: str, content: Any = None) -> Any:
        """JSON of the answer. Raises RuntimeError unless it is a good one."""
        body = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            with urlopen(Request(self.url + path, body, headers, method=method), timeout=120) as answer:
                return json.loads(answer.read() or b"{}")
        except HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error

    def serve(self, model: str, version: str = "1", *, endpoint: str = "", sleeps: bool = False) -> None:
        """Create an endpoint, named as its model if nothing is said; with an inference table."""
        name = endpoint or model
        catalog, schema = _PLACE.split(".")
        table = {"catalog_name": catalog, "schema_name": schema, "table_name_prefix": name.replace("-", "_")}
        config = _config(model, version, sleeps=sleeps) | {"auto_capture_config": table}
        self.call("POST", _ENDPOINTS, {"name": name, "config": config})

    def update(self, model: str, version: str) -> None:
        self.call("PUT", f"{_ENDPOINTS}/{model}/config", _config(model, version, sleeps=False))

    def wait_ready(self, endpoint: str, timeout_s: float = 180.0) -> None:
        """Until its newest config is live. Raises TimeoutError, or RuntimeError if that fails."""

        def is_ready() -> bool:
            state = self.call("GET", f"{_ENDPOINTS}/{endpoint}")["state"]
            if state["config_update"] == "UPDATE_FAILED":
                raise RuntimeError(f"{endpoint}: {self.call('GET', f'{_ENDPOINTS}/{endpoint}')}")
            return bool(state == {"ready": "READY", "config_update": "NOT_UPDATING"})

        wait_until(f"{endpoint} is ready", is_ready, timeout_s)

    def route(self, endpoint: str) -> dict[str, Any]:
        """What gateways know of its one entity; empty if nothing."""
        endpoints = json.loads(self.home.snapshot.read_bytes())["endpoints"]
        entities = endpoints.get(endpoint, {}).get("entities", ())
        return dict(entities[0]) if entities else {}

    def workers(self, endpoint: str) -> list[psutil.Process]:
        """Those that answer it, the originals beside compiled ones included."""
        route = self.route(endpoint)
        sockets = [*route.get("sockets", ()), *route.get("native_sockets", ())]
        found = []
        for path in sockets:
            try:
                record = json.loads(Path(path).with_suffix(".json").read_bytes())
                found.append(psutil.Process(record["process_id"]))
            except (OSError, psutil.NoSuchProcess):
                continue
        return found

    def child(self, name: str) -> psutil.Process:
        """gateway, api, controller or tracking. Raises RuntimeError if there is none."""
        words = "mlflow.server" if name == "tracking" else f"processes.child {name}"
        for process in psutil.Process(self.supervisor).children(recursive=True):
            try:
                if words in " ".join(process.cmdline()):
                    return process
            except psutil.NoSuchProcess:
                continue
        raise RuntimeError(f"no {name} is running")

    def certificate(self, model: str, version: str = "1") -> dict[str, Any]:
        path = f"/api/2.0/pierhead/models/{_PLACE}.{model}/versions/{version}/compilation"
        found: dict[str, Any] = self.call("GET", path)["compilation"]
        return found

    def wait_compiled(self, model: str, version: str = "1", timeout_s: float = 600.0) -> None:
        """Until its compilation is over, whatever came of it. Raises TimeoutError."""

        def is_over() -> bool:
            return self.certificate(model, version)["state"] in ("DONE", "BROKEN")

        wait_until(f"version {version} of {model} is compiled", is_over, timeout_s)

    def traffic(self, model: str, *, endpoint: str = "", connections: int = 16, pause_s: float = 0.02) -> Traffic:
        return Traffic(
            self.url,
            self.token,
            endpoint or model,
            self.questions[model],
            connections=connections,
            pause_s=pause_s,
        )

    @contextmanager
    def all_traffic(self, *, connections: int = 16, pause_s: float = 0.02) -> Iterator[dict[str, Traffic]]:
        """On all three at once; by model."""
        found = {model: self.traffic(model, connections=connections, pause_s=pause_s) for model in MODELS}
        with found["price"], found["plain"], found["crowd"]:
            yield found


def populated(url: str, token: str, home: Path, supervisor: int, folder: Path) -> World:
    """Log and register the models with the official clients, and serve each. `folder` is for the questions.

    Raises RuntimeError if a model is not served in the way that it is here for.
    """
    variables = {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_REGISTRY_URI": url,
        "MLFLOW_TRACKING_TOKEN": token,
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), str(folder)], env=os.environ | variables, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"the models could not be logged: {done.stderr[-2000:]}")
    questions = {model: read_questions(folder / f"{model}.json") for model in MODELS}
    world = World(url, token, Home(home), supervisor, questions)
    for model in MODELS:
        world.serve(model)
    for model in MODELS:
        world.wait_ready(model, 400.0)
    for model in MODELS:
        _wait_served_as_meant(world, model)
    return world


def _wait_served_as_meant(world: World, model: str) -> None:
    world.wait_compiled(model)
    is_compiled, batches = model == "price", model != "crowd"

    def is_as_meant() -> bool:
        route = world.route(model)
        return route["is_compiled"] == is_compiled and (is_compiled or route["batches"] == batches)

    try:
        wait_until("served as meant", is_as_meant, 30.0)
    except TimeoutError:
        told = f"{world.route(model)}, {world.certificate(model)}"
        raise RuntimeError(f"{model} is served otherwise than meant: {told}") from None


def wait_until(what: str, holds: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Raises TimeoutError."""
    until_s = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > until_s:
            raise TimeoutError(f"not in {timeout_s:g} s: {what}")
        time.sleep(0.05)


def _config(model: str, version: str, *, sleeps: bool) -> dict[str, Any]:
    name = f"{model}-{version}"
    entity = {
        "name": name,
        "entity_name": f"{_PLACE}.{model}",
        "entity_version": version,
        "workload_size": "Small",
        "scale_to_zero_enabled": sleeps,
    }
    return {
        "served_entities": [entity],
        "traffic_config": {"routes": [{"served_model_name": name, "traffic_percentage": 100}]},
    }
