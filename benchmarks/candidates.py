"""A candidate beside a served model, and hands to spoil it with."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.home import Home
from pierhead.serving.adapters.nudge_socket import knock
from pierhead.serving.domain.ramps import Ramp
from pierhead.serving.services.endpoints import Endpoints
from pierhead.wiring.shared import RegistryVersions

CASES = ("none", "healthy", "hung", "crashing", "slow")
"""What becomes of the copies: there are none, or that is what the candidate does with them."""

_CANDIDATE = "candidate"
_ROLLOUT = "benchmark"
_LOW_PRIORITY = 10
_TIMEOUT_S = 180.0

# Gateways write their counters once a second.
_TOLD_AFTER_S = 1.1


class Candidate:
    """The candidate of an endpoint's ramp, which serving's own services set in the home's database."""

    def __init__(self, home: Home, endpoint: str, model: tuple[str, str], mood: Path) -> None:
        """`model` is a name and a version from `served.register_moody`, and `mood` its file."""
        self._home = home
        self._name = endpoint
        self._mood = mood
        self._hand: Thread | None = None
        self._is_holding = Event()
        self._model = model
        self._clock = SystemClock()
        self._database = Database(sqlite_url(home.database))
        self._versions = RegistryVersions(self._database, self._clock, ArtifactStore(home.store), home.models)

    def close(self) -> None:
        self._database.dispose()

    def begin(self, case: str) -> None:
        """Bring the candidate into this state; a ramp that failed of an earlier one is started anew."""
        self._mood.write_text("well")
        self._await_candidate()
        if case in ("crashing", "slow"):
            self._mood.write_text(case)
        if case == "hung":
            self._is_holding.set()
            self._hand = Thread(target=self._hold_down)
            self._hand.start()
        self._set(0.0 if case == "none" else 1.0)

    def end(self) -> None:
        """Until the last copy is over, so that the next case begins with nothing."""
        self._mood.write_text("well")
        if self._ramp() is not None:
            self._set(0.0)
        if self._hand is not None:
            self._is_holding.clear()
            self._hand.join()
            self._hand = None
        time.sleep(_TOLD_AFTER_S)
        wait_until("no copy is left", lambda: not any(self._told("shadows_in_flight", "shadows_waiting")))

    def shadows(self) -> dict[str, int]:
        """Copies so far, by status, as gateways told a second ago; `dropped` are those that no worker ever had."""
        found = {"dropped": sum(self._told("shadows_dropped"))}
        for counts in self._told("shadow_requests_by_status"):
            for status, count in counts.items():
                found[status] = found.get(status, 0) + count
        return found

    # --- details

    def _hold_down(self) -> None:
        """Stop the candidate's workers, and those that take their place when the platform loses patience with them."""
        stopped: dict[int, psutil.Process] = {}
        while self._is_holding.is_set():
            for worker in self._workers():
                if worker.pid not in stopped:
                    stopped[worker.pid] = worker
                    with suppress(psutil.NoSuchProcess):
                        worker.send_signal(signal.SIGSTOP)
            time.sleep(0.05)
        for worker in stopped.values():
            with suppress(psutil.NoSuchProcess):
                worker.send_signal(signal.SIGCONT)

    def _told(self, *fields: str) -> list[Any]:
        """What the gateways say of the candidate."""
        files = (self._home.run / "gateways").glob("*.json")
        entities = [entity for file in files for entity in json.loads(file.read_bytes())["entities"]]
        return [entity[name] for entity in entities if entity["entity"] == _CANDIDATE for name in fields]

    def _await_candidate(self) -> None:
        if self._ramp() is None:
            self._start()
        wait_until("the candidate is ready", lambda: bool(self._workers()) and self._is_linked())
        for worker in self._workers():
            worker.nice(_LOW_PRIORITY)

    def _start(self) -> None:
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.service.serving import ServedEntityInput

        name, version = self._model
        entity = ServedEntityInput(
            name=_CANDIDATE,
            entity_name=name,
            entity_version=version,
            workload_size="Small",
            scale_to_zero_enabled=False,
        )
        wait_until("nothing is pending", lambda: self._endpoint().pending is None)
        WorkspaceClient().serving_endpoints.update_config(name=self._name, served_entities=[entity])
        with self._database.transaction() as connection:
            endpoints = Endpoints(connection, self._clock, self._versions)
            endpoint = endpoints.get(self._name)
            endpoints.start_ramp(self._name, Ramp(endpoint.newest.version, 0, 0.0, _ROLLOUT, _ROLLOUT))
            endpoints.observe(endpoint.id, _ROLLOUT)
        knock(self._home.run / "nudge.sock")

    def _set(self, shadow_rate: float) -> None:
        ramp = self._ramp()
        if ramp is None:
            raise RuntimeError("the candidate failed before it was measured")
        with self._database.transaction() as connection:
            endpoints = Endpoints(connection, self._clock, self._versions)
            endpoints.set_ramp(self._name, replace(ramp, shadow_rate=shadow_rate))
        knock(self._home.run / "nudge.sock")
        wait_until("gateways know", lambda: (self._route()["ramp"] or {}).get("shadow_rate") == shadow_rate)

    def _endpoint(self) -> Any:
        with self._database.reading() as connection:
            return Endpoints(connection, self._clock, self._versions).get(self._name)

    def _ramp(self) -> Ramp | None:
        found: Ramp | None = self._endpoint().ramp
        return found

    def _route(self) -> dict[str, Any]:
        endpoints: dict[str, dict[str, Any]] = json.loads(self._home.snapshot.read_bytes())["endpoints"]
        return endpoints[self._name]

    def _workers(self) -> list[psutil.Process]:
        """The candidate's."""
        found = []
        entities = {entity["name"]: entity for entity in self._route()["entities"]}
        for path in entities.get(_CANDIDATE, {}).get("sockets", ()):
            with suppress(OSError, psutil.NoSuchProcess):
                record = json.loads(Path(path).with_suffix(".json").read_bytes())
                found.append(psutil.Process(record["process_id"]))
        return found

    def _is_linked(self) -> bool:
        workers = self._told("workers")
        return bool(workers) and all(workers)


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    """Raises TimeoutError."""
    until_s = time.monotonic() + _TIMEOUT_S
    while not holds():
        if time.monotonic() > until_s:
            raise TimeoutError(f"not in {_TIMEOUT_S:g} s: {what}")
        time.sleep(0.05)
