"""Our answers, read by MLflow's own message definitions: every field known, none of the wrong type."""

import json
from pathlib import Path
from typing import Any

import pytest
from registry_client import run_client
from registry_world import World

from pierhead.kit.clock import to_ms

pytestmark = pytest.mark.slow

_PARSE = """
import importlib
from google.protobuf.json_format import MessageToDict, ParseDict
from mlflow.utils.proto_json_utils import parse_dict
for name, module, message, body in json.load(open({path!r})):
    kind = importlib.import_module("mlflow.protos." + module)
    for part in message.split("."):
        kind = getattr(kind, part)
    lenient = kind()
    parse_dict(body, lenient)
    # The real client ignores what it does not know; we want to send nothing of that sort.
    strict = ParseDict(body, kind())
    assert strict == lenient
    result[name] = MessageToDict(strict, preserving_proto_field_name=True)
"""


def test_every_dialect_is_read_by_its_own_definitions(world: World, tmp_path: Path) -> None:
    answers = _answers(world)
    (tmp_path / "answers.json").write_text(json.dumps(answers))

    result = run_client(_PARSE.format(path=str(tmp_path / "answers.json")))

    now = str(to_ms(world.clock.now()))
    version = result["oss version"]["model_version"]
    assert version["current_stage"] == "Production"
    assert version["aliases"] == ["champion", "production"]
    assert version["model_id"] == "m-1"
    assert (version["creation_timestamp"], version["status"]) == (now, "READY")
    aliases = [{"alias": "champion", "version": "1"}, {"alias": "production", "version": "1"}]
    assert result["oss model"]["registered_model"]["aliases"] == aliases
    assert result["oss search"]["next_page_token"]
    version = result["uc version"]["model_version"]
    assert version["aliases"] == aliases
    assert (version["status"], version["storage_location"]) == ("READY", "dbfs:/Models/main/a/b/1")
    assert result["uc credentials"]["credentials"]["storage_mode"] == "DEFAULT_STORAGE"
    version = result["native version"]
    assert (version["version"], version["status"], version["created_at"]) == ("1", "READY", now)
    assert version["aliases"][0]["version_num"] == "1"
    assert result["native model"]["full_name"] == "main.a.b"


def _answers(world: World) -> list[tuple[str, str, str, Any]]:
    world.register("main.a.b", logged_model_id="m-1", run_link="http://r", run_workspace_id="7", tags={"k": "v"})
    world.register("main.a.b")
    world.create_model("main.a.c", tags={"k": "v"})
    key = {"name": "main.a.b", "version": "1"}
    moved = world.mlflow("POST", "model-versions/transition-stage", {**key, "stage": "Production"})
    world.mlflow("POST", "registered-models/alias", {**key, "alias": "champion"})
    uc, native = "unity-catalog/", "/api/2.1/unity-catalog/"
    credentials = world.mlflow("POST", uc + "model-versions/generate-temporary-credentials", key)
    flag = world.mlflow("GET", uc + "registered-models:is-databricks-sdk-models-artifact-repository-enabled")

    def get(path: str, **query: str) -> Any:
        return world.mlflow("GET", path, **query)

    def get_native(path: str) -> Any:
        return world.call("GET", native + path).json()

    oss, ucm, cat = "model_registry_pb2", "databricks_uc_registry_messages_pb2", "unity_catalog_messages_pb2"
    return [
        ("oss transition", oss, "TransitionModelVersionStage.Response", moved),
        ("oss version", oss, "GetModelVersion.Response", get("model-versions/get", **key)),
        ("oss model", oss, "GetRegisteredModel.Response", get("registered-models/get", name="main.a.b")),
        ("oss search", oss, "SearchRegisteredModels.Response", get("registered-models/search", max_results="1")),
        ("oss versions", oss, "SearchModelVersions.Response", get("model-versions/search")),
        (
            "oss latest",
            oss,
            "GetLatestVersions.Response",
            get("registered-models/get-latest-versions", name="main.a.b"),
        ),
        ("oss uri", oss, "GetModelVersionDownloadUri.Response", get("model-versions/get-download-uri", **key)),
        ("uc version", ucm, "GetModelVersionResponse", get(uc + "model-versions/get", **key)),
        ("uc model", ucm, "GetRegisteredModelResponse", get(uc + "registered-models/get", name="main.a.b")),
        ("uc models", ucm, "SearchRegisteredModelsResponse", get(uc + "registered-models/search", max_results="1")),
        ("uc versions", ucm, "SearchModelVersionsResponse", get(uc + "model-versions/search")),
        ("uc uri", ucm, "GetModelVersionDownloadUriResponse", get(uc + "model-versions/get-download-uri", **key)),
        ("uc credentials", ucm, "GenerateTemporaryModelVersionCredentialsResponse", credentials),
        ("uc flag", ucm, "IsDatabricksSdkModelsArtifactRepositoryEnabledResponse", flag),
        ("native model", cat, "RegisteredModelInfo", get_native("models/main.a.b")),
        ("native models", cat, "ListRegisteredModels.Response", get_native("models")),
        ("native version", cat, "ModelVersionInfo", get_native("models/main.a.b/versions/1")),
        ("native alias", cat, "ModelVersionInfo", get_native("models/main.a.b/aliases/champion")),
        ("native versions", cat, "ListModelVersions.Response", get_native("models/main.a.b/versions")),
    ]
