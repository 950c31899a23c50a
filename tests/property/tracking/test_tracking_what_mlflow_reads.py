"""Whatever a body holds: what MLflow's own parser finds in it is what rights were asked for."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.protos import service_pb2
from mlflow.utils.proto_json_utils import parse_dict

from pierhead.kit.errors import PierheadError
from pierhead.tracking.api.reading import json_object, json_text
from pierhead.tracking.domain.bodies import Names, check_of
from pierhead.tracking.domain.claims import read_call
from pierhead.tracking.domain.doors import doors

# The calls, the messages that the server reads them into, and the fields by which those name things.
MESSAGES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "2.0/mlflow/runs/create": (service_pb2.CreateRun, ("experiment_id",)),
    "2.0/mlflow/runs/search": (service_pb2.SearchRuns, ("experiment_ids",)),
    "2.0/mlflow/runs/set-tag": (service_pb2.SetTag, ("run_id", "run_uuid")),
    "2.0/mlflow/runs/log-metric": (service_pb2.LogMetric, ("run_id", "run_uuid", "model_id")),
    "2.0/mlflow/runs/log-batch": (service_pb2.LogBatch, ("run_id", "metrics.model_id")),
    "2.0/mlflow/runs/log-inputs": (service_pb2.LogInputs, ("run_id", "models.model_id")),
    "2.0/mlflow/runs/outputs": (service_pb2.LogOutputs, ("run_id", "models.model_id")),
    "2.0/mlflow/logged-models": (service_pb2.CreateLoggedModel, ("experiment_id", "source_run_id")),
    "2.0/mlflow/traces/link-to-run": (service_pb2.LinkTracesToRun, ("run_id", "trace_ids")),
    "3.0/mlflow/traces/batchGetInfos": (service_pb2.BatchGetTraceInfos, ("trace_ids", "experiment_ids")),
    "3.0/mlflow/traces/search": (service_pb2.SearchTracesV3, ("locations.mlflow_experiment.experiment_id",)),
    "3.0/mlflow/traces": (
        service_pb2.StartTraceV3,
        (
            "trace.trace_info.trace_id",
            "trace.trace_info.trace_location.mlflow_experiment.experiment_id",
            "trace.trace_info.assessments.assessment_id",
        ),
    ),
}

_WORDS = ("experiment", "run", "model", "trace", "assessment", "source_run")
_NAMES = [f"{word}_id" for word in _WORDS] + ["run_uuid", "experiment_ids", "trace_ids", "run_ids"]
_PLACES = [
    "metrics",
    "models",
    "locations",
    "mlflow_experiment",
    "trace",
    "trace_info",
    "trace_location",
    "assessments",
]
_OTHERS = ["assessments", "key", "value", "tags", "user_id", "run_name", "step", "inference_table", "type"]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


names = st.sampled_from(_NAMES + _PLACES + _OTHERS).flatmap(lambda name: st.sampled_from([name, _camel(name)]))
ids = st.sampled_from(["1", "2", "01", "", " 1", "r1", "r2", "m-1"])
leaves = st.one_of(ids, st.none(), st.integers(0, 3), st.booleans(), st.just("\ud800"), st.lists(ids, max_size=2))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(names, inner, max_size=4), st.lists(st.dictionaries(names, inner, max_size=3), max_size=2)
    ),
    max_leaves=12,
)


@st.composite
def bodies(draw: st.DrawFn, path: str) -> dict[str, Any]:
    """Bodies of which many come close to what the call wants."""
    body: dict[str, Any] = draw(st.dictionaries(names, values, max_size=5))
    for field in MESSAGES[path][1]:
        if draw(st.booleans()):
            body = {**body, **_nested(draw, field.split("."))}
    return body


def _nested(draw: st.DrawFn, parts: list[str]) -> dict[str, Any]:
    name = draw(st.sampled_from([parts[0], _camel(parts[0])]))
    if len(parts) == 1:
        return {name: [draw(ids)] if name.endswith(("ids", "Ids")) else draw(ids)}
    inner = _nested(draw, parts[1:])
    return {name: [inner] if parts[0].endswith("s") else inner}


def _found(message: Any, parts: list[str]) -> set[str]:
    value = getattr(message, parts[0])
    items = [value] if isinstance(value, str) or hasattr(value, "DESCRIPTOR") else list(value)
    if len(parts) == 1:
        return {item for item in items if item}
    return {id for item in items for id in _found(item, parts[1:])}


@pytest.mark.parametrize("path", sorted(MESSAGES))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_what_mlflow_finds_was_asked_for(path: str, data: st.DataObject) -> None:
    door = next(door for door in doors() if (door.method, door.path) == ("POST", path))
    kind, fields = MESSAGES[path]
    body = data.draw(bodies(path))
    try:
        named, rebuilt = read_call(door.claims, (), json_object(json.dumps(body).encode()))
        check = check_of(f"/{path}")
        text = json_text(rebuilt if check is None else check(Names("ada", "ada"), rebuilt))
    except PierheadError:
        return

    message = kind()
    # As the server does: what it cannot read ends its reading, and it goes on with what it has.
    with suppress(Exception):
        parse_dict(json.loads(text), message)

    assert {id for field in fields for id in _found(message, field.split("."))} <= {each.id for each in named}
    if path == "2.0/mlflow/runs/create":
        assert (message.experiment_id, message.user_id) == (named[0].id, "ada")
        assert ("mlflow.user", "ada") in {(tag.key, tag.value) for tag in message.tags}
