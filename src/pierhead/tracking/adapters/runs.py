"""Facts of runs and logged models, read from MLflow's server."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from pierhead.kit.clock import from_ms
from pierhead.kit.errors import Unavailable
from pierhead.tracking.adapters.mlflow_socket import MlflowSocket, Told
from pierhead.tracking.domain.runs import DatasetInput, LoggedModelFacts, Measurement, RunFacts

_CONTEXT = "mlflow.data.context"


class TrackedRuns:
    """The registry's `Runs`. Waits; made for threads."""

    def __init__(self, tracking_socket: Path) -> None:
        self._server = MlflowSocket(tracking_socket)

    def find(self, run_id: str) -> RunFacts | None:
        """None if there is no such run. Raises Unavailable while MLflow's server does not answer."""
        found = _existing(self._server.ask("GET", "/runs/get?" + urlencode({"run_id": run_id})))
        return None if found is None else _run(found["run"])

    def find_logged_model(self, model_id: str) -> LoggedModelFacts | None:
        """None if there is no such logged model. Raises Unavailable while MLflow's server does not answer."""
        found = _existing(self._server.ask("GET", f"/logged-models/{quote(model_id, safe='')}"))
        return None if found is None else _logged_model(found["model"])


def _existing(told: Told) -> dict[str, Any] | None:
    if told.status == 200:
        return told.body
    # MLflow says 400 for an id that cannot be one.
    if told.status in (400, 404):
        return None
    raise Unavailable(f"the tracking server refused a look-up with status {told.status}: {told.message}")


def _run(run: Mapping[str, Any]) -> RunFacts:
    info, data = run["info"], run.get("data", {})
    tags = _pairs(data.get("tags", ()))
    dirty = tags.get("mlflow.source.git.dirty")
    return RunFacts(
        run_id=info["run_id"],
        experiment_id=info["experiment_id"],
        name=info.get("run_name", ""),
        user=tags.get("mlflow.user", info.get("user_id", "")),
        status=info.get("status", ""),
        started_at=_moment(info.get("start_time")),
        ended_at=_moment(info.get("end_time")),
        params=_pairs(data.get("params", ())),
        metrics=_measurements(data.get("metrics", ())),
        inputs=tuple(map(_input, run.get("inputs", {}).get("dataset_inputs", ()))),
        source_name=tags.get("mlflow.source.name"),
        entry_point=tags.get("mlflow.project.entryPoint"),
        git_commit=tags.get("mlflow.source.git.commit"),
        git_repository=tags.get("mlflow.source.git.repoURL"),
        is_dirty=None if dirty is None else dirty.lower() == "true",
    )


def _logged_model(model: Mapping[str, Any]) -> LoggedModelFacts:
    info = model["info"]
    return LoggedModelFacts(
        model_id=info["model_id"],
        experiment_id=info["experiment_id"],
        run_id=info.get("source_run_id") or None,
        metrics=_measurements(model.get("data", {}).get("metrics", ())),
    )


def _input(given: Mapping[str, Any]) -> DatasetInput:
    dataset, tags = given["dataset"], _pairs(given.get("tags", ()))
    return DatasetInput(
        name=dataset["name"],
        digest=dataset["digest"],
        source_type=dataset.get("source_type", ""),
        source=dataset.get("source", ""),
        context=tags.get(_CONTEXT, ""),
        tags=tags,
    )


def _measurements(metrics: Iterable[Mapping[str, Any]]) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(
            metric=metric["key"],
            # Infinities and what is no number come as text.
            value=float(metric.get("value", 0.0)),
            at=from_ms(int(metric.get("timestamp", 0))),
            dataset=metric.get("dataset_name") or None,
            dataset_digest=metric.get("dataset_digest") or None,
        )
        for metric in metrics
    )


def _pairs(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {pair["key"]: pair.get("value", "") for pair in listed}


def _moment(ms: Any) -> datetime | None:
    return from_ms(int(ms)) if ms else None
