import pytest

from harness.platform import Platform


@pytest.mark.parametrize("door", ["http", "databricks"])
def test_a_training_script_logs_finds_and_loads_everything(platform: Platform, door: str) -> None:
    seen = platform.run_client("track.py", door=door)

    assert seen == {
        "status": "FINISHED",
        "user": "admin",
        "params": {"depth": "3", "kind": "tree"},
        "metrics": {"loss": 0.2, "auc": 0.75},
        "team": "fraud",
        "history": [0.9, 0.5, 0.2],
        "artifacts": ["config.json", "data", "notes"],
        "nested": ["data/nested/weights.bin"],
        "weights": True,
        "text": "hello",
        "found": True,
        "same_model": True,
        "deleted": "deleted",
    }


def test_mlflows_own_page_lives_under_a_path_of_ours(platform: Platform) -> None:
    page = platform.request("GET", "/mlflow/")

    assert page.status == 200
    assert "<title>MLflow</title>" in page.text


def test_the_page_needs_a_token_and_a_browser_is_asked_for_it(platform: Platform) -> None:
    answer = platform.request("GET", "/mlflow/", headers={"Authorization": ""})

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "path",
    [
        "/graphql",
        "/api/2.0/mlflow/users/create",
        "/api/2.0/mlflow/secrets",
        "/mlflow/../etc/passwd",
        "/mlflow/ajax-api/2.0/mlflow/gateway-proxy",
        "/metrics/x",
    ],
)
def test_paths_that_are_not_on_the_list_do_not_reach_mlflow(platform: Platform, path: str) -> None:
    assert platform.request("GET", path).status in (404, 501)
