"""The data plane beside its peers: the same models, the same rows, one core that answers and one that asks, in turns.

`python -m benchmarks.data_plane` serves two models by `pierhead up` as compiled artifacts (tier A) and as opaque pyfunc
models (tier C), beside `mlflow models serve`, LitServe, BentoML and Triton's Python backend with their batching on, and
beside a constant answer. Authentication, rights, limits, metrics, access log and inference tables are on. Every answer
is checked first. All servers of a model run at the same time; each round asks one after the other.
"""

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import psutil

from benchmarks.peers import models
from benchmarks.peers.programs import BARE, PEERS, Peer, as_split, await_answer, install, running
from benchmarks.processes import memory_of_tree, mlflow_server, platform, request_path
from benchmarks.readings import Reading, middle, ratios
from benchmarks.served import register_and_serve, use_platform
from benchmarks.surroundings import describe
from benchmarks.tables import in_columns, in_markdown
from benchmarks.wrk import Request, load, require_wrk

OUT = Path(__file__).with_name("out")
SERVING_CORE, ASKING_CORE = 0, 1
_WARM_UP_S = 1
_CLOSE = 1e-5


@dataclass(frozen=True, slots=True)
class Server:
    """Something that answers: what is asked of it, and the processes that its memory is in."""

    name: str
    request: Request
    processes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one server on one model at one number of connections."""

    model: str
    rows: int
    connections: int
    server: str
    readings: tuple[Reading, ...]
    pss_mb: float


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--models", "names", default=models.NAMES, multiple=True, type=click.Choice(models.NAMES))
@click.option("--connections", default=(1, 8, 64), multiple=True, type=click.IntRange(min=1), show_default=True)
@click.option("--seconds", default=4, type=click.IntRange(min=1), show_default=True, help="Length of one run.")
@click.option("--rounds", default=3, type=click.IntRange(min=1), show_default=True)
@click.option("--rows", default=1, type=click.IntRange(min=1), show_default=True, help="Rows in a request.")
@click.option("--no-peers", is_flag=True, help="Only mlflow and the constant answer.")
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
def main(
    names: Sequence[str],
    connections: Sequence[int],
    seconds: int,
    rounds: int,
    rows: int,
    no_peers: bool,
    markdown: bool,
) -> None:
    require_wrk()
    surroundings = describe()
    results: list[Result] = []
    for name in names:
        with servers(name, rows, () if no_peers else PEERS) as found:
            results += measure(name, rows, found, connections, seconds, rounds)
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    record = {"surroundings": surroundings, "rows": rows, "results": [asdict(result) for result in results]}
    (OUT / f"data-plane-{moment}.json").write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join(surroundings))
    for lines in tables(results, markdown=markdown):
        print("\n".join(["", *lines]))


@contextmanager
def servers(name: str, rows: int, peers: Sequence[Peer]) -> Iterator[list[Server]]:
    """Everything that answers for one model, up and proved to give the model's own answers."""
    asked = models.asked(name, rows)
    right = models.train(name).predict_proba(asked).tolist()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pierhead-benchmark-")))
        found: list[Server] = []
        ours = stack.enter_context(platform(folder / "home", folder / "pierhead.log"))
        use_platform(ours.url, ours.token)
        headers = {"Authorization": f"Bearer {ours.token}"}
        body = json.dumps(as_split(asked)).encode()
        served = register_and_serve(name, folder / "files")
        for tier, endpoint in served.endpoints.items():
            request = Request(f"{ours.url}/serving-endpoints/{endpoint}/invocations", body, headers)
            _check(f"tier {tier}", await_answer(request)["predictions"], right)
            found.append(Server(f"pierhead {tier}", request, ()))
        pin(ours.process_id)
        found = [Server(each.name, each.request, request_path(ours.process_id)) for each in found]
        port, process_id = stack.enter_context(mlflow_server(served.folder, folder / "mlflow.log", core=SERVING_CORE))
        found.append(Server("mlflow", Request(f"http://127.0.0.1:{port}/invocations", body), _tree(process_id)))
        _check("mlflow", await_answer(found[-1].request)["predictions"], right)
        for peer in (BARE, *peers):
            python = install(peer, OUT / "environments")
            log = folder / f"{peer.name}.log"
            port, process_id = stack.enter_context(running(peer, name, python, SERVING_CORE, log))
            request = peer.ask(port, name, asked)
            answer = peer.read(await_answer(request))
            if peer is not BARE:
                _check(peer.name, answer, right)
            found.append(Server(peer.name, request, _tree(process_id)))
        yield found


def measure(
    name: str, rows: int, found: Sequence[Server], connections: Sequence[int], seconds: int, rounds: int
) -> list[Result]:
    """Every round visits every number of connections, and all servers one right after the other."""
    readings: dict[tuple[int, str], list[Reading]] = {}
    for _ in range(rounds):
        for count in connections:
            for server in found:
                load(server.request, connections=count, seconds=_WARM_UP_S, core=ASKING_CORE)
                reading = load(server.request, connections=count, seconds=seconds, core=ASKING_CORE)
                readings.setdefault((count, server.name), []).append(reading)
    memory = {server.name: memory_of_tree(*server.processes).pss_mb for server in found}
    return [
        Result(name, rows, count, server.name, tuple(readings[count, server.name]), memory[server.name])
        for count in connections
        for server in found
    ]


HEADER = ("model", "rows", "conn", "server", "req/s", "x mlflow", "of rounds", "p50 ms", "p99 ms", "failures", "PSS MB")


def tables(results: Sequence[Result], *, markdown: bool) -> Iterator[list[str]]:
    """One table a model."""
    for name in dict.fromkeys(result.model for result in results):
        own = [result for result in results if result.model == name]
        base = {result.connections: result for result in own if result.server == "mlflow"}
        lines = [_cells(result, base[result.connections]) for result in own]
        yield in_markdown(HEADER, lines) if markdown else in_columns(HEADER, lines)


def _cells(result: Result, base: Result) -> tuple[str, ...]:
    typical = middle(result.readings)
    times = sorted(ratios(result.readings, base.readings))
    return (
        result.model,
        str(result.rows),
        str(result.connections),
        result.server,
        f"{typical.rate:,.0f}",
        f"{times[len(times) // 2]:,.1f}",
        f"{times[0]:,.1f}-{times[-1]:,.1f}",
        f"{typical.p50_ms:.2f}",
        f"{typical.p99_ms:.2f}",
        str(sum(reading.failures for reading in result.readings)),
        f"{result.pss_mb:,.0f}",
    )


def _check(server: str, predictions: Sequence[Sequence[float]], right: Sequence[Sequence[float]]) -> None:
    """Raises RuntimeError unless these are the model's own answers."""
    pairs = [(a, b) for mine, true in zip(predictions, right, strict=True) for a, b in zip(mine, true, strict=True)]
    if any(not math.isclose(a, b, rel_tol=_CLOSE) for a, b in pairs):
        raise RuntimeError(f"{server} answers wrongly: {predictions[0]}, not {right[0]}")


def pin(platform_process_id: int) -> None:
    """Gateways and workers on the serving core, everything else of the platform on the other one."""
    answering = set(request_path(platform_process_id))
    for process in psutil.Process(platform_process_id).children(recursive=True):
        core = SERVING_CORE if process.pid in answering else ASKING_CORE
        for thread in process.threads():
            psutil.Process(thread.id).cpu_affinity([core])


def _tree(process_id: int) -> tuple[int, ...]:
    root = psutil.Process(process_id)
    return (process_id, *(child.pid for child in root.children(recursive=True)))


if __name__ == "__main__":
    main()
