"""Many endpoints: what they cost while nobody asks, how fast one wakes, how fast a change of traffic is everywhere.

`python -m benchmarks.endpoints` makes endpoints for one compiled model through the official client, all of which scale
to zero, and waits until they sleep. One more endpoint has two served entities: again and again all its traffic goes
over to the other one, and the time counts from the client's call until every one of sixteen connections, which the
gateways share by chance, is answered by it.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import click
import psutil

from benchmarks.data_plane import OUT
from benchmarks.peers import models
from benchmarks.peers.programs import as_split
from benchmarks.processes import Platform, memory_of_tree, platform
from benchmarks.served import register_and_serve, use_platform
from benchmarks.surroundings import describe
from benchmarks.tables import in_columns, in_markdown

_MODEL = "gbt"
_NAME = f"main.benchmarks.{_MODEL}_a"
_SWITCH = "switch"
_CONNECTIONS = 16
_PATIENCE_S = 900.0
_SETTINGS = {"PIERHEAD_SCALE_TO_ZERO_AFTER_S": "5"}
_GATEWAY, _COMPILED = "processes.child gateway", "pierhead/compile/runtime/"


@dataclass(frozen=True, slots=True)
class Result:
    """With so many endpoints. Times in seconds, memory of the largest process of its kind in MB (PSS)."""

    endpoints: int
    created_s: float
    asleep_s: float
    gateway_mb: float
    worker_mb: float
    switched_s: tuple[float, ...]
    woken_s: tuple[float, ...]


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--endpoints", "counts", default=(200, 1000), multiple=True, type=click.IntRange(min=1))
@click.option("--gateways", default=2, type=click.IntRange(min=1), show_default=True)
@click.option("--times", default=20, type=click.IntRange(min=2), show_default=True, help="Changes, and wake-ups.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
def main(counts: Sequence[int], gateways: int, times: int, markdown: bool) -> None:
    surroundings = describe()
    with serving(gateways) as ours:
        results = [measure(ours, count, times) for count in sorted(counts)]
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    record = {"surroundings": surroundings, "gateways": gateways, "results": [asdict(result) for result in results]}
    (OUT / f"endpoints-{moment}.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join([*surroundings, "", *table(results, markdown=markdown)]))


@contextmanager
def serving(gateways: int) -> Iterator[Platform]:
    """A platform with the compiled model behind an endpoint of two entities, and behind another one that is awake."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pierhead-benchmark-")))
        settings = _SETTINGS | {"PIERHEAD_GATEWAYS": str(gateways)}
        ours = stack.enter_context(platform(folder / "home", folder / "pierhead.log", settings))
        use_platform(ours.url, ours.token)
        register_and_serve(_MODEL, folder / "files")
        _create(_SWITCH, ("first", "second"), sleeps=False)
        _until(lambda: _is_ready(_SWITCH))
        yield ours


def measure(ours: Platform, count: int, times: int) -> Result:
    """Raises RuntimeError if something does not come about in time."""
    began_s = time.monotonic()
    names = [f"sleeper-{number}" for number in range(count)]
    for name in sorted(set(names) - set(_all_endpoints())):
        _create(name, ("only",), sleeps=True)
    created_s = time.monotonic() - began_s
    _until(lambda: all(_all_endpoints().values()))
    # One for each entity of the switch, one for the endpoint that the model was compiled for.
    _until(lambda: len(_processes(ours, _COMPILED)) <= 3)
    asleep_s = time.monotonic() - began_s
    with ExitStack() as stack:
        body = json.dumps(as_split(models.asked(_MODEL, 1))).encode()
        asking = [stack.enter_context(_Asking(ours, body)) for _ in range(_CONNECTIONS)]
        switched = [_switch(entity, asking) for entity in islice(cycle(("second", "first")), times)]
        gateway_mb = _largest_mb(ours, _GATEWAY)
        worker_mb = _largest_mb(ours, _COMPILED)
        woken = [asking[0].seconds_of(name) for name in names[:times]]
    return Result(count, created_s, asleep_s, gateway_mb, worker_mb, tuple(switched), tuple(woken))


HEADER = ("endpoints", "created s", "gateway MB", "worker MB", "change p50 s", "max s", "wake-up p50 s", "max s")


def table(results: Sequence[Result], *, markdown: bool) -> list[str]:
    lines = [
        (
            f"{result.endpoints:,}",
            f"{result.created_s:.1f}",
            f"{result.gateway_mb:.0f}",
            f"{result.worker_mb:.0f}",
            f"{statistics.median(result.switched_s):.2f}",
            f"{max(result.switched_s):.2f}",
            f"{statistics.median(result.woken_s):.2f}",
            f"{max(result.woken_s):.2f}",
        )
        for result in results
    ]
    return in_markdown(HEADER, lines) if markdown else in_columns(HEADER, lines)


class _Asking:
    """One connection that stays open."""

    def __init__(self, ours: Platform, body: bytes) -> None:
        host, _, port = ours.url.removeprefix("http://").partition(":")
        self._connection = HTTPConnection(host, int(port), timeout=60)
        self._body = body
        self._headers = {"Authorization": f"Bearer {ours.token}", "Content-Type": "application/json"}

    def __enter__(self) -> "_Asking":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def entity_of(self, endpoint: str) -> str:
        """Who answers. Raises RuntimeError for anything but an answer."""
        self._connection.request("POST", f"/serving-endpoints/{endpoint}/invocations", self._body, self._headers)
        response = self._connection.getresponse()
        said = response.read()
        if response.status != 200:
            raise RuntimeError(f"{endpoint} answered {response.status}: {said[:300]!r}")
        return response.headers["served-model-name"]

    def seconds_of(self, endpoint: str) -> float:
        """How long one answer takes."""
        began_s = time.monotonic()
        self.entity_of(endpoint)
        return time.monotonic() - began_s


def _switch(entity: str, asking: Sequence[_Asking]) -> float:
    from databricks.sdk import WorkspaceClient

    began_s = time.monotonic()
    WorkspaceClient().serving_endpoints.update_config(_SWITCH, **_config(("first", "second"), entity, sleeps=False))
    _until(lambda: all(each.entity_of(_SWITCH) == entity for each in asking), pause_s=0)
    seconds = time.monotonic() - began_s
    _until(lambda: _is_ready(_SWITCH))
    return seconds


def _create(name: str, entities: Sequence[str], *, sleeps: bool) -> None:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import EndpointCoreConfigInput

    config = EndpointCoreConfigInput(name=name, **_config(entities, entities[0], sleeps=sleeps))
    WorkspaceClient().serving_endpoints.create(name=name, config=config)


def _config(entities: Sequence[str], live: str, *, sleeps: bool) -> dict[str, Any]:
    from databricks.sdk.service.serving import Route, ServedEntityInput, TrafficConfig

    served = [
        ServedEntityInput(
            name=entity, entity_name=_NAME, entity_version="1", workload_size="Small", scale_to_zero_enabled=sleeps
        )
        for entity in entities
    ]
    routes = [Route(served_entity_name=entity, traffic_percentage=100 * (entity == live)) for entity in entities]
    return {"served_entities": served, "traffic_config": TrafficConfig(routes=routes)}


def _is_ready(name: str) -> bool:
    return _all_endpoints()[name]


def _all_endpoints() -> dict[str, bool]:
    """Whether each endpoint answers by its newest config."""
    from databricks.sdk import WorkspaceClient

    found = {}
    for each in WorkspaceClient().serving_endpoints.list():
        state = each.as_dict()["state"]
        found[str(each.name)] = (state["ready"], state["config_update"]) == ("READY", "NOT_UPDATING")
    return found


def _processes(ours: Platform, part: str) -> list[int]:
    tree = psutil.Process(ours.process_id).children(recursive=True)
    found = []
    for process in tree:
        try:
            if part in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def _largest_mb(ours: Platform, part: str) -> float:
    return max(memory_of_tree(process_id).pss_mb for process_id in _processes(ours, part))


def _until(fact: Callable[[], bool], pause_s: float = 0.5) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while not fact():
        if time.monotonic() > until_s:
            raise RuntimeError("what is waited for does not come about")
        time.sleep(pause_s)


if __name__ == "__main__":
    main()
