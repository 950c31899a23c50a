"""Try doors with the official clients: `gate_doors.py CELLS`; prints the error code of each cell, "" where it passed.

CELLS is a JSON file: `[{"model": NAME, "door": DOOR}, ...]`.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.serving import EndpointCoreConfigInput, EndpointTag, ServedEntityInput
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

HOST = os.environ["DATABRICKS_HOST"]
w = WorkspaceClient()
oss = MlflowClient(HOST, HOST)
workspace = MlflowClient("databricks", "databricks")
uc = MlflowClient("databricks", "databricks-uc")


def raw(method: str, path: str, body: dict[str, Any]) -> None:
    """A door that no client knocks on."""
    headers = {"Authorization": f"Bearer {os.environ['DATABRICKS_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(HOST + path, json.dumps(body).encode(), headers, method=method)
    try:
        urllib.request.urlopen(request, timeout=60).read()
    except urllib.error.HTTPError as error:
        raise Refused(json.loads(error.read())["error_code"]) from None


class Refused(Exception):
    """With the error code as its text."""


def page(prefix: str, stage: str) -> Callable[[str], None]:
    body = {"version": "1", "stage": stage, "archive_existing_versions": "false"}
    return lambda name: raw("POST", f"{prefix}/2.0/mlflow/model-versions/transition-stage", {"name": name, **body})


def endpoint(name: str) -> None:
    """Serve the version where only Production may be served."""
    entity = ServedEntityInput(entity_name=name, entity_version="1", workload_size="Small", scale_to_zero_enabled=True)
    own = f"gate-{name.rpartition('.')[2]}-{os.getpid()}"
    config = EndpointCoreConfigInput(name=own, served_entities=[entity])
    w.serving_endpoints.create(own, config=config, tags=[EndpointTag("environment", "production")])


DOORS: dict[str, Callable[[str], Any]] = {
    # What makes a version live.
    "transition, OSS": lambda name: oss.transition_model_version_stage(name, "1", "Production"),
    "transition, workspace": lambda name: workspace.transition_model_version_stage(name, "1", "production"),
    "transition, SDK": lambda name: w.model_registry.transition_stage(name, "1", "Production", False),
    "transition, page": page("/ajax-api", "production"),
    "transition, page under /mlflow": page("/mlflow/ajax-api", "PRODUCTION"),
    "approval": lambda name: w.model_registry.approve_transition_request(name, "1", "Production", False),
    "alias, OSS": lambda name: oss.set_registered_model_alias(name, "production", "1"),
    "alias, UC 2.0": lambda name: uc.set_registered_model_alias(name, "Production", "1"),
    "alias, UC 2.1": lambda name: w.registered_models.set_alias(name, "champion", 1),
    "alias, page": lambda name: raw(
        "POST", "/ajax-api/2.0/mlflow/registered-models/alias", {"name": name, "alias": "CHAMPION", "version": "1"}
    ),
    "own API": lambda name: raw("POST", f"/api/2.0/pierhead/models/{name}/versions/1/promote", {"to": "Production"}),
    "gated endpoint": endpoint,
    # What takes away what is live, or frees its name.
    "archive": lambda name: oss.transition_model_version_stage(name, "1", "Archived"),
    "delete alias": lambda name: w.registered_models.delete_alias(name, "production"),
    "delete version": lambda name: oss.delete_model_version(name, "1"),
    "delete model": lambda name: w.registered_models.delete(name),
    "rename": lambda name: oss.rename_registered_model(name, f"{name}_renamed"),
    # What is reserved for the platform.
    "reserved tag": lambda name: oss.set_model_version_tag(name, "1", "pierhead.approved", "yes"),
}


def outcome(door: str, name: str) -> str:
    try:
        DOORS[door](name)
    except Refused as error:
        return str(error)
    except DatabricksError as error:
        return error.error_code or type(error).__name__
    except MlflowException as error:
        return error.error_code
    return ""


print(json.dumps([outcome(cell["door"], cell["model"]) for cell in json.loads(Path(sys.argv[1]).read_text())]))
