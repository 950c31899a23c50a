"""The files behind the source of a new model version."""

import http.client
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from pierhead.kit.errors import InvalidArgument, Unavailable
from pierhead.kit.folder_tree import FolderTree, relative_path
from pierhead.tracking.domain.locations import inside_path

_PATIENCE_S = 120
_API = "/mlflow/api/2.0/mlflow"


class TrackedSources:
    """Asks MLflow's server where runs and logged models keep their files. Waits; made for threads."""

    def __init__(self, artifacts: Path, tracking_socket: Path) -> None:
        self._root = artifacts
        self._tree = FolderTree(artifacts)
        self._socket = tracking_socket

    def locate(self, source: str, *, run_id: str | None, model_id: str | None) -> Path:  # noqa: ARG002 - the port's
        """The local folder behind `source`; see the registry's port for its forms.

        Raises InvalidArgument if it names nothing here, leaves our tree or is another model than `model_id`;
        Unavailable while MLflow's server does not answer.
        """
        if source.startswith("models:/"):
            return self._folder(source, self._of_model(source, model_id))
        if source.startswith("runs:/"):
            return self._of_run(source)
        inside = inside_path(source)
        if inside is None:
            raise InvalidArgument(
                f"source {source!r} is not in this server's store; use models:/m-ID, runs:/RUN/PATH or the "
                "artifact location that the server gave"
            )
        return self._folder(source, inside)

    def _folder(self, source: str, inside: str) -> Path:
        path = relative_path(inside)
        entry = self._tree.find(path)
        if not path or entry is None or not entry.is_directory:
            raise InvalidArgument(f"source {source!r} has no files on this server; log the model before registering it")
        return self._root / path

    def _of_model(self, source: str, model_id: str | None) -> str:
        found, _, below = source.removeprefix("models:/").partition("/")
        if not found.startswith("m-"):
            raise InvalidArgument(f"source {source!r} names no logged model; those are written models:/m-ID")
        if model_id and model_id != found:
            raise InvalidArgument(f"source {source!r} is another logged model than model_id {model_id!r}")
        info = self._ask("GET", f"/logged-models/{quote(found, safe='')}", source)["model"]["info"]
        return _below(info["artifact_uri"], below, source)

    def _of_run(self, source: str) -> Path:
        run, _, below = source.removeprefix("runs:/").partition("/")
        if not below:
            raise InvalidArgument(f"source {source!r} names a whole run; name the model in it: runs:/RUN/PATH")
        info = self._ask("GET", "/runs/get?" + urlencode({"run_id": run}), source)["run"]["info"]
        inside = _below(info["artifact_uri"], below, source)
        entry = self._tree.find(relative_path(inside))
        if entry is not None and entry.is_directory:
            return self._folder(source, inside)
        # MLflow 3 keeps a run's models beside the run: the path is then the name of a logged model.
        return self._folder(source, self._model_named(source, info["experiment_id"], run, below))

    def _model_named(self, source: str, experiment: str, run: str, name: str) -> str:
        if "'" in name:
            raise InvalidArgument(f"source {source!r} has no files on this server; name a model that the run logged")
        wanted = {"experiment_ids": [experiment], "filter": f"source_run_id = '{run}' AND name = '{name}'"}
        models = self._ask("POST", "/logged-models/search", source, wanted).get("models", [])
        if not models:
            raise InvalidArgument(f"source {source!r}: run {run} logged no model {name!r}")
        newest = max(models, key=lambda model: int(model["info"]["creation_timestamp_ms"]))
        return _below(newest["info"]["artifact_uri"], "", source)

    def _ask(self, method: str, path: str, source: str, body: Any = None) -> dict[str, Any]:
        connection = _UnixConnection(self._socket)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, _API + path, orjson.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the tracking server does not answer ({type(error).__name__}); try again") from error
        finally:
            connection.close()
        if answer.status >= 500:
            raise Unavailable(f"the tracking server failed to look up {source!r}; try again")
        told: dict[str, Any] = orjson.loads(text) if text.startswith(b"{") else {}
        if answer.status != 200:
            raise InvalidArgument(f"source {source!r}: {told.get('message', 'not found by the tracking server')}")
        return told


def _below(location: str, below: str, source: str) -> str:
    inside = inside_path(location)
    if inside is None:
        raise InvalidArgument(f"source {source!r} keeps its files outside this server, at {location}")
    return f"{inside}/{below}" if below else inside


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("mlflow", timeout=_PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
