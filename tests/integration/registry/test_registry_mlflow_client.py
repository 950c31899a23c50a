"""The real MLflow clients on the doors: http, workspace registry and Unity Catalog."""

from pathlib import Path

import pytest
from registry_client import run_client
from registry_world import MLMODEL, World

pytestmark = pytest.mark.slow


def test_the_http_client_lives_its_whole_life_in_the_registry(world: World) -> None:
    world.logged_model("mlflow-artifacts:/1/r/artifacts/model")
    result = run_client(
        f"""
        from mlflow import MlflowClient, artifacts, set_tracking_uri
        from mlflow.exceptions import RestException
        url = "{world.app.url}"
        set_tracking_uri(url)
        c = MlflowClient(url, url)
        c.create_registered_model("main.fraud.model", tags={{"team": "risk"}}, description="first")
        try:
            c.create_registered_model("main.fraud.model")
        except RestException as error:
            result["again"] = [error.error_code, error.get_http_status_code()]
        try:
            c.get_registered_model("nobody")
        except RestException as error:
            result["missing"] = [error.error_code, error.get_http_status_code()]
        v = c.create_model_version("main.fraud.model", "mlflow-artifacts:/1/r/artifacts/model", "r", description="d")
        result["first"] = [v.version, v.status, v.current_stage, v.user_id, v.run_id, v.description]
        c.set_registered_model_alias("main.fraud.model", "champion", "1")
        c.set_model_version_tag("main.fraud.model", "1", "data", "v7")
        copy = c.copy_model_version("models:/main.fraud.model@champion", "main.fraud.copy")
        result["copy"] = [copy.name, copy.version, copy.source, copy.tags, copy.run_id]
        v = c.transition_model_version_stage("main.fraud.model", "1", "production")
        result["stage"] = v.current_stage
        c.create_model_version("main.fraud.model", "mlflow-artifacts:/1/r/artifacts/model", "r")
        v = c.transition_model_version_stage("main.fraud.model", "2", "Production", archive_existing_versions=True)
        result["stages"] = [c.get_model_version("main.fraud.model", n).current_stage for n in ("1", "2")]
        result["latest"] = [v.version for v in c.get_latest_versions("main.fraud.model", ["Production"])]
        result["models"] = [m.name for m in c.search_registered_models("name LIKE 'main.fraud.%'")]
        result["tagged"] = [m.name for m in c.search_registered_models("tags.team = 'risk'")]
        result["versions"] = [v.version for v in c.search_model_versions("name='main.fraud.model'")]
        result["uri"] = c.get_model_version_download_uri("main.fraud.model", "1")
        result["by_alias"] = c.get_model_version_by_alias("main.fraud.model", "champion").version
        m = c.get_registered_model("main.fraud.model")
        result["model"] = [m.aliases, m.tags, m.description, sorted(v.version for v in m.latest_versions)]
        c.delete_registered_model_alias("main.fraud.model", "champion")
        c.delete_model_version_tag("main.fraud.model", "1", "data")
        c.delete_registered_model_tag("main.fraud.model", "team")
        c.update_registered_model("main.fraud.model", "new")
        c.update_model_version("main.fraud.model", "1", "new too")
        c.rename_registered_model("main.fraud.model", "main.fraud.renamed")
        v = c.get_model_version("main.fraud.renamed", "1")
        result["renamed"] = [v.name, v.description, v.aliases, v.tags]
        folder = artifacts.download_artifacts("models:/main.fraud.renamed/1")
        result["file"] = open(folder + "/code/score.py").read()
        c.delete_model_version("main.fraud.renamed", "2")
        v = c.create_model_version("main.fraud.renamed", "models:/main.fraud.copy/1")
        result["after_delete"] = v.version
        c.delete_registered_model("main.fraud.renamed")
        result["left"] = [m.name for m in c.search_registered_models()]
        c.create_registered_model("what? a name")
        c.create_model_version("what? a name", "models:/main.fraud.copy/1")
        folder = artifacts.download_artifacts(c.get_model_version_download_uri("what? a name", "1"))
        result["odd_name"] = open(folder + "/code/score.py").read()
        """,
        MLFLOW_TRACKING_TOKEN="good",
    )
    assert result == {
        "again": ["RESOURCE_ALREADY_EXISTS", 400],
        "missing": ["RESOURCE_DOES_NOT_EXIST", 404],
        "first": ["1", "READY", "None", "ada", "r", "d"],
        "copy": ["main.fraud.copy", "1", "models:/main.fraud.model/1", {"data": "v7"}, "r"],
        "stage": "Production",
        "stages": ["Archived", "Production"],
        "latest": ["2"],
        "models": ["main.fraud.copy", "main.fraud.model"],
        "tagged": ["main.fraud.model"],
        "versions": ["2", "1"],
        "uri": "mlflow-artifacts:/registered-models/main.fraud.model/1",
        "by_alias": "1",
        "model": [{"champion": "1", "production": "2"}, {"team": "risk"}, "first", ["1", "2"]],
        "renamed": ["main.fraud.renamed", "new too", [], {}],
        "file": "x = 1\n",
        "after_delete": "3",
        "left": ["main.fraud.copy"],
        "odd_name": "x = 1\n",
    }


def test_the_unity_catalog_client_uploads_and_loads(world: World, tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "code").mkdir(parents=True)
    (model / "MLmodel").write_text(MLMODEL)
    (model / "code" / "score.py").write_text("x = 2\n")
    result = run_client(
        f"""
        from mlflow import MlflowClient, artifacts, set_tracking_uri, set_registry_uri
        from mlflow.exceptions import RestException, MlflowException
        set_tracking_uri("databricks"); set_registry_uri("databricks-uc")
        c = MlflowClient()
        m = c.create_registered_model("main.fraud.model", description="first", tags={{"team": "risk"}})
        result["model"] = [m.name, m.description, m.tags]
        try:
            c.create_registered_model("lonely")
        except MlflowException as error:
            result["lonely"] = "all three levels" in error.message
        v = c.create_model_version("main.fraud.model", {str(model)!r}, description="d", tags={{"data": "v7"}})
        result["first"] = [v.version, v.status, v.user_id, v.description, v.tags]
        c.set_registered_model_alias("main.fraud.model", "champion", "1")
        folder = artifacts.download_artifacts("models:/main.fraud.model@champion")
        result["file"] = open(folder + "/code/score.py").read()
        m = c.get_registered_model("main.fraud.model")
        result["aliases"] = m.aliases
        result["versions"] = [v.version for v in c.search_model_versions("name='main.fraud.model'")]
        result["models"] = [m.name for m in c.search_registered_models()]
        c.update_model_version("main.fraud.model", "1", "better")
        c.set_model_version_tag("main.fraud.model", "1", "a", "b")
        v = c.get_model_version("main.fraud.model", "1")
        result["changed"] = [v.description, v.tags, v.aliases]
        c.rename_registered_model("main.fraud.model", "main.fraud.renamed")
        c.delete_registered_model_alias("main.fraud.renamed", "champion")
        try:
            c.get_model_version_by_alias("main.fraud.renamed", "champion")
        except RestException as error:
            result["gone"] = error.error_code
        c.delete_model_version("main.fraud.renamed", "1")
        c.delete_registered_model("main.fraud.renamed")
        result["left"] = [m.name for m in c.search_registered_models()]
        """,
        DATABRICKS_HOST=world.app.url,
        DATABRICKS_TOKEN="good",
    )
    assert result == {
        "model": ["main.fraud.model", "first", {"team": "risk"}],
        "lonely": True,
        "first": ["1", "READY", "ada", "d", {"data": "v7"}],
        "file": "x = 2\n",
        "aliases": {"champion": "1"},
        "versions": ["1"],
        "models": ["main.fraud.model"],
        "changed": ["better", {"a": "b", "data": "v7"}, ["champion"]],
        "gone": "RESOURCE_DOES_NOT_EXIST",
        "left": [],
    }


def test_the_native_unity_catalog_client_does_the_same(world: World, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text(MLMODEL)
    result = run_client(
        f"""
        from mlflow import MlflowClient, artifacts, set_tracking_uri, set_registry_uri
        from mlflow.exceptions import RestException
        set_tracking_uri("databricks"); set_registry_uri("databricks-uc")
        c = MlflowClient()
        m = c.create_registered_model("main.fraud.model", description="first", tags={{"team": "risk"}})
        result["model"] = [m.name, m.description, m.tags]
        v = c.create_model_version("main.fraud.model", {str(model)!r}, description="d", tags={{"data": "v7"}})
        result["first"] = [v.name, v.version, v.status, v.user_id, v.description, v.tags]
        c.set_registered_model_alias("main.fraud.model", "champion", "1")
        c.set_registered_model_tag("main.fraud.model", "a", "b")
        c.delete_registered_model_tag("main.fraud.model", "team")
        c.set_model_version_tag("main.fraud.model", "1", "c", "d")
        c.delete_model_version_tag("main.fraud.model", "1", "data")
        m = c.get_registered_model("main.fraud.model")
        result["changed"] = [m.aliases, m.tags]
        v = c.get_model_version_by_alias("main.fraud.model", "champion")
        result["by_alias"] = [v.version, v.tags, v.aliases]
        folder = artifacts.download_artifacts("models:/main.fraud.model/1")
        result["file"] = len(open(folder + "/MLmodel").read()) > 0
        result["versions"] = [v.version for v in c.search_model_versions("name='main.fraud.model'")]
        result["models"] = [m.name for m in c.search_registered_models()]
        c.update_registered_model("main.fraud.model", "second")
        c.rename_registered_model("main.fraud.model", "main.fraud.renamed")
        c.delete_registered_model_alias("main.fraud.renamed", "champion")
        try:
            c.get_model_version_by_alias("main.fraud.renamed", "champion")
        except RestException as error:
            result["gone"] = error.error_code
        c.delete_model_version("main.fraud.renamed", "1")
        c.delete_registered_model("main.fraud.renamed")
        result["left"] = [m.name for m in c.search_registered_models()]
        """,
        DATABRICKS_HOST=world.app.url,
        DATABRICKS_TOKEN="good",
        MLFLOW_ENABLE_UC_NATIVE_MODEL_REGISTRY="true",
    )
    assert result == {
        "model": ["main.fraud.model", "first", {"team": "risk"}],
        "first": ["main.fraud.model", "1", "READY", "ada", "d", {"data": "v7"}],
        "changed": [{"champion": "1"}, {"a": "b"}],
        "by_alias": ["1", {"c": "d"}, ["champion"]],
        "file": True,
        "versions": ["1"],
        "models": ["main.fraud.model"],
        "gone": "RESOURCE_DOES_NOT_EXIST",
        "left": [],
    }


def test_the_workspace_registry_client_downloads_through_signed_addresses(world: World) -> None:
    world.register("main.fraud.model")
    result = run_client(
        """
        from mlflow import MlflowClient, artifacts, set_tracking_uri, set_registry_uri
        set_tracking_uri("databricks"); set_registry_uri("databricks")
        c = MlflowClient()
        c.transition_model_version_stage("main.fraud.model", "1", "Staging")
        folder = artifacts.download_artifacts("models:/main.fraud.model/Staging")
        result["file"] = open(folder + "/code/score.py").read()
        result["one"] = open(artifacts.download_artifacts("models:/main.fraud.model/1/model.pkl")).read()
        """,
        DATABRICKS_HOST=world.app.url,
        DATABRICKS_TOKEN="good",
    )
    assert result == {"file": "x = 1\n", "one": "models:/m-1"}


def test_the_databricks_sdk_speaks_both_of_its_registries(world: World) -> None:
    world.register("main.fraud.model")
    result = run_client(
        """
        import os
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.errors import NotFound
        w = WorkspaceClient()
        m = w.model_registry.get_model("main.fraud.model").registered_model_databricks
        result["model"] = [m.name, m.permission_level.value, len(m.id), m.latest_versions[0].version]
        v = w.model_registry.transition_stage("main.fraud.model", "1", "production", False).model_version_databricks
        result["stage"] = [v.version, v.current_stage, v.status.value]
        r = w.model_registry
        result["latest"] = [v.version for v in r.get_latest_versions("main.fraud.model", stages=["Production"])]
        result["list"] = [m.name for m in r.list_models()]
        found = r.search_model_versions(filter="name='main.fraud.model'", order_by=["name ASC", "version_number DESC"])
        result["search"] = [v.version for v in found]
        created = w.registered_models.create(catalog_name="main", schema_name="fraud", name="second", comment="c")
        result["created"] = [created.full_name, created.comment, created.owner]
        listed = w.registered_models.list(catalog_name="main", schema_name="fraud", max_results=1)
        result["models"] = [m.full_name for m in listed]
        a = w.registered_models.set_alias("main.fraud.model", "champion", 1)
        result["alias"] = [a.alias_name, a.version_num]
        v = w.model_versions.get_by_alias("main.fraud.model", "champion")
        result["version"] = [v.version, v.status.value, v.aliases[0].alias_name, v.model_name]
        v = w.model_versions.update("main.fraud.model", 1, comment="hello")
        result["updated"] = [v.comment, [v.version for v in w.model_versions.list("main.fraud.model")]]
        w.model_versions.delete("main.fraud.model", 1)
        w.registered_models.update("main.fraud.second", new_name="third")
        w.registered_models.delete("main.fraud.third")
        w.model_registry.delete_model("main.fraud.model")
        try:
            w.registered_models.get("main.fraud.model")
        except NotFound as error:
            result["gone"] = error.error_code
        """,
        DATABRICKS_HOST=world.app.url,
        DATABRICKS_TOKEN="good",
    )
    assert result == {
        "model": ["main.fraud.model", "CAN_MANAGE", 32, "1"],
        "stage": ["1", "Production", "READY"],
        "latest": ["1"],
        "list": ["main.fraud.model"],
        "search": ["1"],
        "created": ["main.fraud.second", "c", "ada"],
        "models": ["main.fraud.model", "main.fraud.second"],
        "alias": ["champion", 1],
        "version": [1, "READY", "champion", "model"],
        "updated": ["hello", [1]],
        "gone": "RESOURCE_DOES_NOT_EXIST",
    }
