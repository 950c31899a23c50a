"""One endpoint beside `mlflow models serve`: the same model, the same request bytes, in turns.

`python -m benchmarks.serving` trains a scikit-learn pipeline, registers and serves it through the official clients,
checks that both servers give the same answer, and measures both at several numbers of connections. Results go to
`benchmarks/out/`.
"""

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from benchmarks import model
from benchmarks.load import Plan, measure_apart, request_bytes
from benchmarks.processes import memory_of_tree, memory_on_request_path, mlflow_server, platform
from benchmarks.readings import Row
from benchmarks.report import Report, as_markdown, as_text
from benchmarks.surroundings import describe

OUT = Path(__file__).with_name("out")


class Target:
    """One server's door."""

    def __init__(self, port: int, path: str, body: bytes, token: str | None = None) -> None:
        self._port = port
        self._request = request_bytes(f"127.0.0.1:{port}", path, body, token)
        self._path, self._body, self._token = path, body, token

    def plan(self, connections: int, seconds: float) -> Plan:
        return Plan("127.0.0.1", self._port, self._request, connections, seconds)

    def ask_once(self) -> Any:
        """Raises RuntimeError if the answer is not 200."""
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", self._path, self._body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{self._path} answered {answer.status}: {text[:500]!r}")
        return json.loads(text)


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--connections", default=(1, 8, 64), multiple=True, type=click.IntRange(min=1), show_default=True)
@click.option("--seconds", default=4.0, show_default=True, help="Length of one run.")
@click.option("--rounds", default=3, type=click.IntRange(min=1), show_default=True, help="Runs of each server.")
@click.option("--rows", default=1, type=click.IntRange(min=1), show_default=True, help="Rows in a request.")
@click.option("--capture", is_flag=True, help="Write every invocation into an inference table.")
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
def main(connections: Sequence[int], seconds: float, rounds: int, rows: int, capture: bool, markdown: bool) -> None:
    report = run(connections, seconds=seconds, rounds=rounds, rows=rows, capture=capture)
    OUT.mkdir(exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    settings = {"seconds": seconds, "rounds": rounds, "rows": rows, "capture": capture}
    (OUT / f"serving-{moment}.json").write_text(json.dumps({**settings, **asdict(report)}, indent=2) + "\n")
    print(as_markdown(report) if markdown else as_text(report))


def run(connections: Sequence[int], *, seconds: float, rounds: int, rows: int, capture: bool) -> Report:
    """Measure both servers in turns. Raises RuntimeError if one does not come up or the answers differ."""
    surroundings = describe()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="pierhead-benchmark-")))
        ours = running.enter_context(platform(folder / "home", folder / "pierhead.log"))
        model.use_platform(ours.url, ours.token)
        served = model.train_and_register(folder / "model", rows)
        model.serve(served.version, capture=capture)
        port, process_id = running.enter_context(mlflow_server(served.folder, folder / "mlflow.log"))
        path = f"/serving-endpoints/{model.ENDPOINT}/invocations"
        targets = (
            Target(urlsplit(ours.url).port or 80, path, served.body, ours.token),
            Target(port, "/invocations", served.body),
        )
        refuse_different_answers(*(target.ask_once() for target in targets))
        measured = _in_turns(targets, connections, seconds, rounds)
        return Report(surroundings, measured, memory_on_request_path(ours.process_id), memory_of_tree(process_id))


def refuse_different_answers(ours: Any, theirs: Any) -> None:
    """Raises RuntimeError unless both answers hold the same predictions, to the last digit."""
    if ours["predictions"] != theirs["predictions"]:
        raise RuntimeError(f"the answers differ: {str(ours)[:200]} and {str(theirs)[:200]}")


def _in_turns(
    targets: tuple[Target, Target], connections: Sequence[int], seconds: float, rounds: int
) -> tuple[Row, ...]:
    """Every round visits every number of connections, and both servers one right after the other."""
    ours, theirs = targets
    readings = [
        (count, measure_apart(ours.plan(count, seconds)), measure_apart(theirs.plan(count, seconds)))
        for _ in range(rounds)
        for count in connections
    ]
    return tuple(
        Row(
            count,
            tuple(mine for each, mine, _ in readings if each == count),
            tuple(other for each, _, other in readings if each == count),
        )
        for count in connections
    )


if __name__ == "__main__":
    main()
