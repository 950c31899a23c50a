from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from e2e import endpoints
from harness.platform import Platform


@pytest.fixture(scope="module")
def served(platform: Platform) -> Callable[[str], dict[str, Any]]:
    """Serves a flavour once, at an endpoint that stays; gives what `serve.py` found."""

    @cache
    def serve(flavour: str) -> dict[str, Any]:
        found: dict[str, Any] = platform.run_client(
            "serve.py", flavour, f"main.compat.{flavour}_served", f"compat-{flavour}"
        )
        return found

    return serve


@pytest.mark.parametrize("flavour", ["sklearn", "xgboost", "lightgbm", "pyfunc", "tensor"])
def test_an_endpoint_answers_exactly_as_the_model_itself_in_every_form(
    served: Callable[[str], dict[str, Any]], flavour: str
) -> None:
    checks = served(flavour)

    assert {form: verdict for form, verdict in checks.items() if verdict is not True} == {}
    assert len(checks) >= 3


@pytest.mark.parametrize(("door", "flavour"), [("databricks-uc", "sklearn"), ("databricks", "pyfunc")])
def test_what_came_through_a_databricks_door_is_served_alike(platform: Platform, door: str, flavour: str) -> None:
    name = f"{door}-{flavour}"
    checks = platform.run_client("serve.py", flavour, f"main.compat.{name}", f"compat-{name}", door=door)

    assert {form: verdict for form, verdict in checks.items() if verdict is not True} == {}


def test_each_version_runs_in_the_environment_it_was_logged_with(
    platform: Platform, served: Callable[[str], dict[str, Any]]
) -> None:
    environments = set()
    for flavour in ("xgboost", "lightgbm"):
        served(flavour)
        (worker,) = endpoints.workers(platform, f"compat-{flavour}")
        environments.add(worker.cmdline()[0].split("/bin/")[0])

    assert len(environments) == 2
    assert all(str(platform.home) in environment for environment in environments)
