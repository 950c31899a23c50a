"""An experiment of ada's that nobody else may see, with one of everything in it; and one of mallory's."""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness.http import Answer
from integration.tracking.tracking_stack import TrackingStack

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Experiment:
    """Ids of what lies in it."""

    name: str
    id: str
    run: str
    model: str
    trace: str
    assessment: str
    dataset: str
    word: str

    def __str__(self) -> str:
        return self.name

    def fill(self, text: str) -> str:
        """`text` with `<run>`, `<model>` and so on replaced."""
        for field in ("name", "id", "run", "model", "trace", "assessment", "dataset", "word"):
            text = text.replace(f"<{field}>", getattr(self, field))
        return text

    @property
    def secrets(self) -> list[bytes]:
        """What an answer to a stranger must not hold, even if the stranger did not send it."""
        return [self.name.encode(), self.word.encode()]


def send(stack: TrackingStack, method: str, path: str, body: Any, by: str) -> Answer:
    text = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    return stack.ask(method, path, text, JSON, by=by)


def make(stack: TrackingStack, by: str) -> Experiment:
    """Every text in it holds its word."""

    def post(path: str, body: Any, method: str = "POST") -> Any:
        answer = send(stack, method, f"/api/{path}", body, by)
        assert answer.status == 200, answer.text
        return answer.json()

    word = f"sesame{uuid.uuid4().hex[:6]}"
    name = f"of-{by}-{uuid.uuid4().hex[:6]}"
    id = post("2.0/mlflow/experiments/create", {"name": name})["experiment_id"]
    run = post("2.0/mlflow/runs/create", {"experiment_id": id, "run_name": word})["run"]["info"]["run_id"]
    metrics = [{"key": "auc", "value": 0.5, "timestamp": 1, "step": 0}]
    tags = [{"key": "word", "value": word}]
    post("2.0/mlflow/runs/log-batch", {"run_id": run, "metrics": metrics, "tags": tags})
    digest = {"name": word, "digest": "d", "source_type": "local", "source": "{}"}
    post("2.0/mlflow/runs/log-inputs", {"run_id": run, "datasets": [{"dataset": digest, "tags": []}]})
    model = post("2.0/mlflow/logged-models", {"experiment_id": id, "name": word, "source_run_id": run})
    model_id = model["model"]["info"]["model_id"]
    put = f"/api/2.0/mlflow-artifacts/artifacts/{id}/{run}/artifacts/note.txt"
    assert stack.ask("PUT", put, word.encode(), by=by).status == 200
    beside = f"/api/2.0/mlflow-artifacts/artifacts/{id}/models/{model_id}/artifacts/MLmodel"
    assert stack.ask("PUT", beside, word.encode(), by=by).status == 200
    trace = f"tr-{uuid.uuid4().hex}"
    started = {"trace": {"trace_info": trace_info(trace, id, tags={"word": word})}}
    post("3.0/mlflow/traces", started)
    assert write_spans(stack, id, [trace], by, name=word).status == 200
    assessment = post(
        f"3.0/mlflow/traces/{trace}/assessments",
        {"assessment": {"assessment_name": word, "feedback": {"value": True}, "source": SOURCE}},
    )["assessment"]["assessment_id"]
    dataset = post("3.0/mlflow/datasets/create", {"name": f"{word} {id}", "experiment_ids": [id]})
    return Experiment(name, id, run, model_id, trace, assessment, dataset["dataset"]["dataset_id"], word)


SOURCE = {"source_type": "HUMAN", "source_id": "x"}


def trace_info(trace: str, experiment: str, **more: Any) -> dict[str, Any]:
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    info = {"trace_id": trace, "trace_location": place, "request_time": "2026-01-31T12:00:00Z", "state": "OK"}
    return info | more


def write_spans(
    stack: TrackingStack,
    experiment: str,
    traces: list[str],
    by: str,
    headers: Mapping[str, str] | None = None,
    name: str = "ask",
) -> Answer:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for trace in traces:
        id = bytes.fromhex(trace.removeprefix("tr-"))
        span = spans.add(name=name, start_time_unix_nano=1, trace_id=id, span_id=uuid.uuid4().bytes[:8])
        span.end_time_unix_nano = 2
    given = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": experiment} | (headers or {})
    return stack.ask("POST", "/v1/traces", request.SerializeToString(), given, by=by)


def rows(stack: TrackingStack) -> list[str]:
    """Everything that MLflow's database holds, as text."""
    with closing(sqlite3.connect(stack.home.tracking_database)) as connection:
        return sorted(connection.iterdump())


def files(stack: TrackingStack) -> dict[str, bytes]:
    """Every artifact."""
    root = stack.home.artifacts
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}
