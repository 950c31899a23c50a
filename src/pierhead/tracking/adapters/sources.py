"""The files behind the source of a new model version."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from pierhead.identity.domain.objects import Action
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.folder_tree import FolderTree, relative_path
from pierhead.kit.web.caller import Caller
from pierhead.tracking.adapters.mlflow_socket import MlflowSocket
from pierhead.tracking.domain.locations import inside_path
from pierhead.tracking.ports import ReadRights


class TrackedSources:
    """Asks MLflow's server where runs and logged models keep their files. Waits; made for threads."""

    def __init__(self, artifacts: Path, tracking_socket: Path, rights: ReadRights) -> None:
        self._root = artifacts
        self._tree = FolderTree(artifacts)
        self._server = MlflowSocket(tracking_socket)
        self._rights = rights

    def require_origin(self, run_id: str | None, model_id: str | None, *, by: Caller) -> None:
        """Raises PermissionDenied if `by` may not read the run or the logged model."""
        self._rights.require_origin(by, run_id, model_id)

    def locate(self, source: str, *, run_id: str | None, model_id: str | None, by: Caller) -> Path:
        """The local folder behind `source`; see the registry's port for its forms.

        Raises InvalidArgument if it names nothing here, leaves our tree or is another model than `model_id`;
        PermissionDenied if `by` may not read it, or not the run and the logged model that are named beside it;
        Unavailable while MLflow's server does not answer.
        """
        self._rights.require_origin(by, run_id, model_id)
        if source.startswith("models:/"):
            return self._folder(source, self._of_model(source, model_id), by)
        if source.startswith("runs:/"):
            return self._of_run(source, by)
        inside = inside_path(source)
        if inside is None:
            raise InvalidArgument(
                f"source {source!r} is not in this server's store; use models:/m-ID, runs:/RUN/PATH or the "
                "artifact location that the server gave"
            )
        return self._folder(source, inside, by)

    def _folder(self, source: str, inside: str, by: Caller) -> Path:
        path = relative_path(inside)
        if path:
            self._rights.require_files(by, Action.READ, path)
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

    def _of_run(self, source: str, by: Caller) -> Path:
        run, _, below = source.removeprefix("runs:/").partition("/")
        if not below:
            raise InvalidArgument(f"source {source!r} names a whole run; name the model in it: runs:/RUN/PATH")
        info = self._ask("GET", "/runs/get?" + urlencode({"run_id": run}), source)["run"]["info"]
        inside = _below(info["artifact_uri"], below, source)
        self._rights.require_files(by, Action.READ, relative_path(inside))
        entry = self._tree.find(relative_path(inside))
        if entry is not None and entry.is_directory:
            return self._folder(source, inside, by)
        # MLflow 3 keeps a run's models beside the run: the path is then the name of a logged model.
        return self._folder(source, self._model_named(source, info["experiment_id"], run, below), by)

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
        told = self._server.ask(method, path, body)
        if told.status != 200:
            raise InvalidArgument(f"source {source!r}: {told.message}")
        return told.body


def _below(location: str, below: str, source: str) -> str:
    inside = inside_path(location)
    if inside is None:
        raise InvalidArgument(f"source {source!r} keeps its files outside this server, at {location}")
    return f"{inside}/{below}" if below else inside
