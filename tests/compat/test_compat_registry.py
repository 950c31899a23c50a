from typing import Any

import pytest

from harness.platform import Platform

DOORS = ("http", "databricks", "databricks-uc")


@pytest.mark.parametrize("door", DOORS)
def test_a_model_registered_through_one_door_is_the_same_behind_every_door(platform: Platform, door: str) -> None:
    name = f"main.compat.from_{door.replace('-', '_')}"
    registered = platform.run_client("register.py", name, door=door)
    assert (registered["version"], registered["status"]) == (1, "READY")
    # Stages through the doors that have them, aliases likewise: both together cover all.
    assert "stage" in platform.run_client("edit.py", name, "1", door="databricks")
    assert "alias" in platform.run_client("edit.py", name, "1", door="databricks-uc")
    assert platform.run_client("edit.py", name, "1", door="http") == [
        "description",
        "model description",
        "tag",
        "model tag",
        "alias",
        "stage",
    ]

    views = {other: platform.run_client("look.py", name, "1", door=other) for other in DOORS}

    for other, view in views.items():
        assert view["run_id"] == registered["run_id"], other
        assert view["description"] == "checked", other
        assert view["tags"] == {"origin": "compat", "reviewed": "yes"}, other
        assert (view["model_description"], view["model_tags"]) == ("a model", {"team": "fraud"}), other
        assert (view["listed"], view["among"]) == ([1], True), other
        assert view["loaded"] == pytest.approx([9.0]), other
    assert views["http"]["stage"] == views["databricks"]["stage"] == "Staging"
    assert views["http"]["by_alias"] == views["databricks-uc"]["by_alias"] == 1
    assert views["http"]["loaded_by_alias"] == pytest.approx([9.0])
    assert views["databricks-uc"]["loaded_by_alias"] == pytest.approx([9.0])


def test_a_registered_version_survives_the_end_of_its_run_and_an_edit_of_its_artifacts(platform: Platform) -> None:
    name = "main.compat.immutable"
    registered = platform.run_client("register.py", name)
    platform.run_client("edit.py", name, "1")
    _damage_artifacts(platform, registered["run_id"])
    platform.request("POST", "/api/2.0/mlflow/runs/delete", {"run_id": registered["run_id"]})

    assert platform.run_client("look.py", name, "1")["loaded"] == pytest.approx([9.0])


def test_mlflows_page_finds_the_signature_of_a_registered_version(platform: Platform) -> None:
    name = "main.compat.shown"
    platform.run_client("register.py", name)

    shown = platform.request("GET", f"/mlflow/model-versions/get-artifact?path=MLmodel&name={name}&version=1")

    assert (shown.status, "signature:" in shown.text) == (200, True)
    assert shown.headers["content-disposition"].startswith("attachment")


def _damage_artifacts(platform: Platform, run_id: str) -> None:
    found = platform.request("POST", "/api/2.0/mlflow/logged-models/search", {"experiment_ids": _experiments(platform)})
    [model] = [one["info"] for one in found.json()["models"] if one["info"]["source_run_id"] == run_id]
    path = model["artifact_uri"].removeprefix("mlflow-artifacts:/") + "/MLmodel"
    assert platform.request("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", b"nonsense: [").status == 200


def _experiments(platform: Platform) -> list[Any]:
    found = platform.request("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 100}).json()
    return [experiment["experiment_id"] for experiment in found["experiments"]]
