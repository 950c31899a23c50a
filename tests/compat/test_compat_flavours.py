import pytest

from harness.platform import Platform


@pytest.mark.parametrize("flavour", ["sklearn", "xgboost", "lightgbm", "pyfunc", "tensor"])
def test_an_endpoint_answers_exactly_as_the_model_itself_in_every_form(platform: Platform, flavour: str) -> None:
    checks = platform.run_client("serve.py", flavour, f"main.compat.{flavour}_served", f"compat-{flavour}")

    assert {form: verdict for form, verdict in checks.items() if verdict is not True} == {}
    assert len(checks) >= 3


@pytest.mark.parametrize(("door", "flavour"), [("databricks-uc", "sklearn"), ("databricks", "pyfunc")])
def test_what_came_through_a_databricks_door_is_served_alike(platform: Platform, door: str, flavour: str) -> None:
    name = f"{door}-{flavour}"
    checks = platform.run_client("serve.py", flavour, f"main.compat.{name}", f"compat-{name}", door=door)

    assert {form: verdict for form, verdict in checks.items() if verdict is not True} == {}


def test_each_version_runs_in_the_environment_it_was_logged_with(platform: Platform) -> None:
    platform.run_client("serve.py", "xgboost", "main.compat.env_xgb", "compat-env-xgb")
    platform.run_client("serve.py", "lightgbm", "main.compat.env_lgb", "compat-env-lgb")

    workers = [
        process for process in platform.supervisor.children(recursive=True) if "pierhead/worker" in _words(process)
    ]
    environments = {process.cmdline()[0].split("/bin/")[0] for process in workers}

    assert len(environments) >= 2
    assert all(str(platform.home) in environment for environment in environments)


def _words(process: object) -> str:
    return " ".join(process.cmdline())  # type: ignore[attr-defined]
