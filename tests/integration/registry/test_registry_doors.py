"""What the registry's doors answer, whatever client stands before them."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from registry_world import ADA, World

from pierhead.identity.services.accounts import Identities
from pierhead.registry.domain.models import Pending, VersionDraft
from pierhead.registry.services.versions import Versions


@pytest.fixture
def filled(world: World) -> World:
    world.register("main.a.b", tags={"k": "v"})
    world.register("main.a.b")
    return world


@pytest.mark.parametrize("prefix", ["/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_prefix_is_the_same_door(filled: World, prefix: str, slash: str) -> None:
    answer = filled.call("GET", f"{prefix}/2.0/mlflow/registered-models/get{slash}", name="main.a.b")

    assert answer.json()["registered_model"]["name"] == "main.a.b"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "text"),
    [
        ("POST", "registered-models/create", {"name": "main.a.b"}, 400, "RESOURCE_ALREADY_EXISTS", "already exists"),
        ("POST", "registered-models/create", {}, 400, "INVALID_PARAMETER_VALUE", "'name'"),
        ("POST", "registered-models/create", {"name": "a/b"}, 400, "INVALID_PARAMETER_VALUE", "'/' or ':'"),
        ("POST", "registered-models/create", {"name": 5.5}, 400, "INVALID_PARAMETER_VALUE", "'name'"),
        ("POST", "registered-models/create", {"name": "x", "tags": {"a": 1}}, 400, "INVALID_PARAMETER_VALUE", "tags"),
        ("POST", "registered-models/create", {"name": "x", "deployment_job_id": "1"}, 501, "NOT_IMPLEMENTED", "job"),
        ("GET", "registered-models/get?name=x", None, 404, "RESOURCE_DOES_NOT_EXIST", "name=x"),
        ("DELETE", "registered-models/delete", {"name": "x"}, 404, "RESOURCE_DOES_NOT_EXIST", "name=x"),
        ("GET", "registered-models/alias?name=main.a.b&alias=x", None, 400, "INVALID_PARAMETER_VALUE", "alias x"),
        ("GET", "registered-models/alias?name=x&alias=x", None, 404, "RESOURCE_DOES_NOT_EXIST", "name=x"),
        ("GET", "registered-models/search?max_results=1001", None, 400, "INVALID_PARAMETER_VALUE", "at most 1000"),
        ("GET", "registered-models/search?max_results=0", None, 400, "INVALID_PARAMETER_VALUE", "at least 1"),
        ("GET", "registered-models/search?filter=x", None, 400, "INVALID_PARAMETER_VALUE", "Invalid"),
        ("GET", "registered-models/search?page_token=x", None, 400, "INVALID_PARAMETER_VALUE", "page token"),
        ("GET", "model-versions/get?name=main.a.b&version=7", None, 404, "RESOURCE_DOES_NOT_EXIST", "version=7"),
        ("GET", "model-versions/get?name=main.a.b&version=x", None, 400, "INVALID_PARAMETER_VALUE", "integer"),
        ("POST", "model-versions/create", {"name": "main.a.b"}, 400, "INVALID_PARAMETER_VALUE", "'source'"),
        ("POST", "model-versions/create", {"name": "x", "source": "s"}, 404, "RESOURCE_DOES_NOT_EXIST", "name=x"),
        (
            "POST",
            "model-versions/transition-stage",
            {"name": "main.a.b", "version": "1", "stage": "Live"},
            400,
            "INVALID_PARAMETER_VALUE",
            "Value must be one of",
        ),
        (
            "POST",
            "registered-models/alias",
            {"name": "main.a.b", "version": "1", "alias": "latest"},
            400,
            "INVALID_PARAMETER_VALUE",
            "reserved",
        ),
        (
            "POST",
            "unity-catalog/registered-models/create",
            {"name": "lonely"},
            400,
            "INVALID_PARAMETER_VALUE",
            "specify all three levels",
        ),
        (
            "GET",
            "unity-catalog/registered-models/alias?name=main.a.b&alias=x",
            None,
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "alias x",
        ),
    ],
)
def test_refusals_carry_the_codes_that_clients_know(
    filled: World, method: str, path: str, body: Any, status: int, code: str, text: str
) -> None:
    answer = filled.call(method, f"/api/2.0/mlflow/{path}", body)

    assert (answer.status, answer.json()["error_code"]) == (status, code)
    assert text in answer.json()["message"]


def test_a_deletion_may_come_as_body_or_as_query(filled: World) -> None:
    filled.mlflow("DELETE", "model-versions/delete-tag", {"name": "main.a.b", "version": "1", "key": "k"})
    filled.mlflow("DELETE", "model-versions/delete", {"name": "main.a.b", "version": "1"})
    filled.mlflow("DELETE", "model-versions/delete", name="main.a.b", version="2")
    filled.mlflow("DELETE", "registered-models/delete", name="main.a.b")

    assert filled.mlflow("GET", "registered-models/list") == {"registered_models": []}


def test_an_update_without_a_description_leaves_it(filled: World) -> None:
    filled.mlflow("PATCH", "registered-models/update", {"name": "main.a.b", "description": "first"})
    filled.mlflow("PATCH", "model-versions/update", {"name": "main.a.b", "version": "1", "description": "one"})

    model = filled.mlflow("PATCH", "registered-models/update", {"name": "main.a.b"})["registered_model"]
    version = filled.mlflow("PATCH", "model-versions/update", {"name": "main.a.b", "version": 1})["model_version"]

    assert (model["description"], version["description"]) == ("first", "one")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_searches_and_latest_versions_come_as_get_and_as_post(filled: World, method: str) -> None:
    def ask(path: str, **parameters: Any) -> Any:
        if method == "POST":
            return filled.mlflow("POST", path, parameters)
        return filled.mlflow("GET", path, **parameters)

    found = ask("model-versions/search", filter="name = 'main.a.b'", order_by="version_number ASC", max_results="1")
    assert [version["version"] for version in found["model_versions"]] == ["1"]
    assert found["next_page_token"]
    assert len(ask("registered-models/search", filter="name LIKE 'main.%'")["registered_models"]) == 1
    latest = ask("registered-models/get-latest-versions", name="main.a.b", stages="None")
    assert [version["version"] for version in latest["model_versions"]] == ["2"]


def test_prompts_do_not_show_among_models(filled: World) -> None:
    filled.create_model("greeting", tags={"mlflow.prompt.is_prompt": "true"})
    implicit = "tag.`mlflow.prompt.is_prompt` != 'true'"
    asking = "tag.`mlflow.prompt.is_prompt` = 'true'"

    def names(**query: str) -> list[str]:
        found = filled.mlflow("GET", "registered-models/search", **query)
        return [model["name"] for model in found["registered_models"]]

    assert names() == ["main.a.b"]
    assert names(filter=implicit) == ["main.a.b"]
    assert names(filter=asking) == ["greeting"]


def test_both_transitions_move_the_same_version(filled: World) -> None:
    asked = {"name": "main.a.b", "version": "1", "stage": "sTaGiNg"}
    filled.mlflow("POST", "model-versions/transition-stage", asked)
    assert filled.get("main.a.b", 1).stage.value == "Staging"

    asked |= {"stage": "production", "archive_existing_versions": True}
    answer = filled.mlflow("POST", "databricks/model-versions/transition-stage", asked)
    assert answer["model_version_databricks"]["current_stage"] == "Production"
    assert answer["model_version"]["current_stage"] == "Production"


def test_a_signed_address_gives_the_file_to_whoever_holds_it(filled: World) -> None:
    filled.register("ein Modell, ?")
    for name in ("main.a.b", "ein Modell, ?"):
        asked = {"name": name, "version": "1", "path": "code/score.py"}
        signed = filled.mlflow("GET", "model-versions/get-signed-download-uri", **asked)
        assert signed["headers"] == []
        address = urlsplit(signed["signed_uri"])
        assert f"{address.scheme}://{address.netloc}" == filled.app.url

        answer = filled.app.get(address.path)
        assert (answer.status, answer.body) == (200, b"x = 1\n")
        part = filled.app.get(address.path, {"Range": "bytes=2-3"})
        assert (part.status, part.body) == (206, b"= ")


def test_a_signed_address_is_good_for_one_file_and_a_while(filled: World) -> None:
    asked = {"name": "main.a.b", "version": "1", "path": "code/score.py"}
    path = urlsplit(filled.mlflow("GET", "model-versions/get-signed-download-uri", **asked)["signed_uri"]).path

    content = path.split("/")[-3]
    assert filled.app.get(path.replace("code/score.py", "MLmodel")).status == 403
    assert filled.app.get(path.replace(content, "0" * 64)).status == 403
    filled.clock.advance(16 * 60)
    assert filled.app.get(path).status == 403


def test_no_address_is_signed_for_a_file_that_is_not_there(filled: World) -> None:
    asked = {"name": "main.a.b", "version": "1", "path": "../../etc/passwd"}
    assert filled.call("GET", "/api/2.0/mlflow/model-versions/get-signed-download-uri", **asked).status == 404


def test_a_listing_has_files_with_sizes_and_directories_without(filled: World) -> None:
    asked = {"name": "main.a.b", "version": "1"}

    size = filled.by_name.local_file("main.a.b/1/MLmodel").stat().st_size

    assert filled.mlflow("GET", "model-versions/list-artifacts", **asked, path="") == {
        "files": [
            {"path": "MLmodel", "is_dir": False, "file_size": size},
            {"path": "code", "is_dir": True},
            {"path": "model.pkl", "is_dir": False, "file_size": 11},
        ]
    }
    below = filled.mlflow("GET", "model-versions/list-artifacts", **asked, path="code")
    assert below == {"files": [{"path": "code/score.py", "is_dir": False, "file_size": 6}]}
    assert filled.mlflow("GET", "model-versions/list-artifacts", **asked, path="code/score.py") == below
    assert filled.mlflow("GET", "model-versions/list-artifacts", **asked, path="none") == {"files": []}


def test_an_upload_needs_no_cloud(world: World) -> None:
    root = "unity-catalog/"
    enabled = "registered-models:is-databricks-sdk-models-artifact-repository-enabled"
    assert world.mlflow("GET", root + enabled) == {"is_databricks_sdk_models_artifact_repository_enabled": True}
    world.mlflow("POST", root + "registered-models/create", {"name": "main.a.b"})
    created = world.mlflow("POST", root + "model-versions/create", {"name": "main.a.b", "source": "x"})["model_version"]
    assert (created["version"], created["status"]) == ("1", "PENDING_REGISTRATION")
    asked = {"name": "main.a.b", "version": "1", "operation": "MODEL_VERSION_OPERATION_READ_WRITE"}
    credentials = world.mlflow("POST", root + "model-versions/generate-temporary-credentials", asked)["credentials"]
    assert credentials["storage_mode"] == "DEFAULT_STORAGE"
    world.upload("main/a/b/1/MLmodel", "flavors: {}")
    finalized = world.mlflow("POST", root + "model-versions/finalize", {"name": "main.a.b", "version": "1"})
    assert finalized["model_version"]["status"] == "READY"


def test_pages_of_a_listing_hold_each_version_once(world: World) -> None:
    world.create_model("main.a.b")
    with world.database.transaction() as connection:
        for _ in range(7):
            Versions(connection, world.clock).add(VersionDraft("main.a.b", "x"), Pending(), by=ADA)
    for path, key, query in (
        ("/api/2.0/mlflow/unity-catalog/model-versions/search", "version", {"filter": "name='main.a.b'"}),
        ("/api/2.1/unity-catalog/models/main.a.b/versions", "version", {}),
        ("/api/2.0/mlflow/model-versions/search", "version", {}),
    ):
        seen, token = [], ""
        while True:
            page = world.call("GET", path, max_results="3", page_token=token, **query).json()
            seen += [int(version[key]) for version in page["model_versions"]]
            token = page.get("next_page_token", "")
            if not token:
                break
        assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7], path


def test_versions_of_names_without_three_parts_do_not_show_in_unity_catalog(world: World) -> None:
    world.register("lonely")
    world.register("main.a.b")

    found = world.call("GET", "/api/2.0/mlflow/unity-catalog/model-versions/search").json()["model_versions"]

    assert [version["name"] for version in found] == ["main.a.b"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("registered-models/search", {}, 200),
        ("registered-models/get-latest-versions", {"name": "main.a.b"}, 200),
        ("model-versions/search", {}, 200),
        ("unity-catalog/model-versions/emit-lineage", {"name": "main.a.b", "version": "1"}, 200),
    ],
)
def test_what_does_not_write_does_not_wait_for_writers(
    filled: World, path: str, body: dict[str, str], status: int
) -> None:
    with filled.database.transaction():
        assert filled.call("POST", f"/api/2.0/mlflow/{path}", body).status == status


_MODEL, _VERSION = "/api/2.1/unity-catalog/models/main.a.b", "/api/2.1/unity-catalog/models/main.a.b/versions/1"


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (
            _MODEL,
            {"storage_location": "s3://b", "comment": "new", "browse_only": True},
            "browse_only, storage_location",
        ),
        (_MODEL, {"schema_name": "other"}, "schema_name"),
        (_VERSION, {"status": "FAILED_REGISTRATION", "comment": "new"}, "status"),
        (_VERSION, {"source": "elsewhere", "run_id": "r"}, "run_id, source"),
    ],
)
def test_unity_catalog_does_not_forget_a_change_that_it_cannot_make(
    filled: World, path: str, body: dict[str, object], fields: str
) -> None:
    answer = filled.call("PATCH", path, body)

    assert (answer.status, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert answer.json()["message"].startswith(f"{fields}: ")
    assert filled.call("GET", path).json()["comment"] == ""


@pytest.mark.parametrize("path", [_MODEL, _VERSION])
def test_unity_catalog_takes_back_what_it_said(filled: World, path: str) -> None:
    present = filled.call("GET", path).json()

    changed = filled.call("PATCH", path, {**present, "comment": "new"})

    assert (changed.status, changed.json()["comment"]) == (200, "new")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/2.0/mlflow/model-versions/delete", {"name": "main.a.b", "version": "3"}),
        ("/api/2.0/mlflow/unity-catalog/model-versions/delete", {"name": "main.a.b", "version": "3"}),
        ("/api/2.1/unity-catalog/models/main.a.b/versions/3", None),
        ("/api/2.0/mlflow/registered-models/delete", {"name": "main.a.b"}),
        ("/api/2.0/mlflow/unity-catalog/registered-models/delete", {"name": "main.a.b"}),
        ("/api/2.1/unity-catalog/models/main.a.b", None),
    ],
)
def test_every_door_that_deletes_drops_unfinished_uploads(
    filled: World, path: str, body: dict[str, str] | None
) -> None:
    with filled.database.transaction() as connection:
        Versions(connection, filled.clock).add(VersionDraft("main.a.b", "upload"), Pending(), by=ADA)
    filled.upload("main/a/b/3/MLmodel", "flavors: {}")

    assert filled.call("DELETE", path, body).status == 200
    assert list(filled.pending.iterdir()) == []


def test_names_without_three_parts_do_not_show_in_unity_catalog(world: World) -> None:
    world.create_model("lonely")
    world.create_model("main.a.b")
    world.create_model("main.c.d")
    world.create_model("other.a.b")

    def names(**query: str) -> list[str]:
        found = world.call("GET", "/api/2.1/unity-catalog/models", **query).json()["registered_models"]
        return [model["full_name"] for model in found]

    assert names() == ["main.a.b", "main.c.d", "other.a.b"]
    assert names(catalog_name="main") == ["main.a.b", "main.c.d"]
    assert names(catalog_name="main", schema_name="a") == ["main.a.b"]


def test_a_model_is_given_to_somebody_who_exists(filled: World) -> None:
    with filled.database.transaction() as connection:
        Identities(connection, filled.clock).create_user("grace")

    given = filled.call("PATCH", _MODEL, {"owner": "grace"})

    assert (given.status, given.json()["owner"]) == (200, "grace")
    assert filled.call("GET", _MODEL).json()["owner"] == "grace"
    assert filled.call("PATCH", _MODEL, {"owner": "nobody"}).status == 404
