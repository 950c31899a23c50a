"""How each peer is installed, started and asked. Everything that answers runs on one core."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request as Question
from urllib.request import urlopen

import pandas

from benchmarks.wrk import Request

_HERE = Path(__file__).parent
_START_TIMEOUT_S = 180.0

Ask = Callable[[int, str, pandas.DataFrame], Request]
"""The request for some rows of a model, at a port."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`command` may name `{python}`, `{bin}`, `{model}` and `{port}`; `read` gives an answer's predictions."""

    name: str
    requirements: Sequence[str]
    command: Sequence[str]
    ask: Ask
    read: Callable[[Any], Any]
    python: str | None = None
    """A base interpreter, where the machine's default one does not do."""
    settings: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def as_split(rows: pandas.DataFrame) -> dict[str, Any]:
    split = json.loads(rows.to_json(orient="split", index=False))
    return {"dataframe_split": {"columns": split["columns"], "data": split["data"]}}


def ask_litserve(port: int, _model: str, rows: pandas.DataFrame) -> Request:
    return Request(f"http://127.0.0.1:{port}/predict", json.dumps(as_split(rows)).encode())


def ask_bentoml(port: int, _model: str, rows: pandas.DataFrame) -> Request:
    data = as_split(rows)["dataframe_split"]["data"]
    return Request(f"http://127.0.0.1:{port}/predict", json.dumps({"rows": data}).encode())


def ask_triton(port: int, model: str, rows: pandas.DataFrame) -> Request:
    inputs = [_tensor("numbers", "FP64", rows[[name for name in rows if name.startswith("n")]])]
    if words := [name for name in rows if name.startswith("c")]:
        inputs.append(_tensor("words", "BYTES", rows[words]))
    return Request(f"http://127.0.0.1:{port}/v2/models/{model}/infer", json.dumps({"inputs": inputs}).encode())


def _tensor(name: str, datatype: str, columns: pandas.DataFrame) -> dict[str, Any]:
    flat = [value for row in columns.to_numpy().tolist() for value in row]
    return {"name": name, "datatype": datatype, "shape": list(columns.shape), "data": flat}


def read_triton(answer: Any) -> Any:
    data = answer["outputs"][0]["data"]
    return [data[at : at + 2] for at in range(0, len(data), 2)]


_SKLEARN = ("scikit-learn==1.9.1", "pandas==3.1.1", "numpy==2.4.6", "uvloop", "httptools", "orjson")

PEERS = (
    Peer(
        "litserve",
        ("litserve==0.2.19", *_SKLEARN),
        ("{python}", str(_HERE / "litserve_server.py"), "{model}", "{port}"),
        ask_litserve,
        lambda answer: answer["predictions"],
        settings="batches of up to 64, 1 ms",
    ),
    Peer(
        "bentoml",
        ("bentoml==1.4.39", *_SKLEARN),
        ("{bin}/bentoml", "serve", "bentoml_service:Scorer", "-p", "{port}", "--host", "127.0.0.1"),
        ask_bentoml,
        lambda answer: answer,
        settings="adaptive batching, up to 64",
    ),
    Peer(
        "triton",
        ("nvidia-pytriton==0.7.0", "scikit-learn==1.9.1", "pandas", "numpy<2"),
        ("{python}", str(_HERE / "triton_server.py"), "{model}", "{port}"),
        ask_triton,
        read_triton,
        # Its stub embeds a Python 3.11 of its own, which wants the system's standard library.
        python="/usr/bin/python3.11",
        settings="Python backend, dynamic batching, up to 128, 0.5 ms",
    ),
)

BARE = Peer(
    "bare",
    (),
    ("{python}", str(_HERE / "bare_server.py"), "{port}"),
    ask_litserve,
    lambda answer: answer["predictions"],
    settings="a constant answer from a raw protocol with llhttp on uvloop",
)


def install(peer: Peer, folder: Path) -> Path:
    """The interpreter of the peer's own environment, made on first use. Raises CalledProcessError."""
    if not peer.requirements:
        return Path(sys.executable)
    place = folder / peer.name
    python = place / "bin" / "python"
    if not (place / ".ready").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "-q", "--clear", "--python", peer.python or sys.executable, place], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *peer.requirements], check=True)
        (place / ".ready").touch()
    return python


@contextmanager
def running(peer: Peer, model: str, python: Path, core: int, log: Path) -> Iterator[tuple[int, int]]:
    """The peer on one core while the block lasts: its port and process id. Raises RuntimeError."""
    port = _free_port()
    words = {"python": str(python), "bin": str(python.parent), "model": model, "port": str(port)}
    command = ["taskset", "-c", str(core), *(part.format(**words) for part in peer.command)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    home = log.parent / f"{peer.name}-home"
    environment = {**os.environ, **threads, "MODEL": model, "PYTRITON_HOME": str(home), "BENTOML_HOME": str(home)}
    with log.open("ab") as story:
        process = subprocess.Popen(
            command,
            cwd=_HERE,
            env={**environment, **peer.variables},
            stdout=story,
            stderr=story,
            start_new_session=True,
        )
    try:
        yield port, process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_answer(request: Request) -> Any:
    """The first good answer, as JSON. Raises RuntimeError if none comes."""
    until_s = time.monotonic() + _START_TIMEOUT_S
    said = "nothing answered"
    while time.monotonic() < until_s:
        try:
            headers = {"Content-Type": "application/json", **request.headers}
            with urlopen(Question(request.url, request.body, headers), timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:500]
        except (URLError, OSError) as error:
            said = str(error)
        time.sleep(0.25)
    raise RuntimeError(f"no answer from {request.url}: {said}")


def _free_port() -> int:
    """One with the next two free as well, for servers that want three."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
            try:
                for beside in (port + 1, port + 2):
                    socket.create_server(("127.0.0.1", beside)).close()
            except (OSError, OverflowError):
                continue
            return port
