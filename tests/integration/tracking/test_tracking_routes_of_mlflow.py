"""Every route of the installed MLflow is let through, answered by us or refused, and each of that on purpose."""

import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from harness.scripts import run_script
from pierhead.kit.home import Home
from pierhead.tracking.domain.doors import Verdict, classify, forwarded_calls
from pierhead.tracking.services.mlflow_server import environment

_SCRIPT = Path(__file__).with_name("list_routes_of_mlflow.py")

# Whether the server lives is asked elsewhere; the page's files have an address of their own.
_KNOWN_AND_CLOSED = {("GET", "/mlflow/health"), ("GET", "/build/x1")}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    home = Home(tmp_path_factory.mktemp("routes"))
    done = run_script(_SCRIPT, environment=environment(home, os.environ), timeout_s=120)
    assert done.returncode == 0, done.stderr
    pairs = (line.partition(" ") for line in done.stdout.splitlines())
    return [(method, re.sub(r"<[^>]+>", "x1", path)) for method, _, path in pairs]


def test_every_route_is_classified_on_purpose(routes: list[tuple[str, str]]) -> None:
    by_verdict = defaultdict(list)
    for route in routes:
        by_verdict[classify(*route)].append(route)

    assert set(by_verdict[Verdict.UNKNOWN]) - _KNOWN_AND_CLOSED == set()
    assert len(routes) > 390
    assert len(by_verdict[Verdict.FORWARD]) > 150


@pytest.mark.parametrize(
    "word",
    [
        "registered-models",
        "model-versions",
        "mlflow-artifacts",
        "webhooks",
        "gateway",
        "jobs",
        "scorer",
        "users",
        "workspaces",
        "mcp-servers",
        "assistant",
        "presigned",
        "genai",
        "prompt-optimization",
        "upload-artifact",
    ],
)
def test_these_families_are_never_let_through(routes: list[tuple[str, str]], word: str) -> None:
    assert [route for route in routes if word in route[1] and classify(*route) is Verdict.FORWARD] == []


def test_whatever_is_let_through_exists(routes: list[tuple[str, str]]) -> None:
    """The list names no call that the installed MLflow does not have, so it cannot grow stale unseen."""
    offered = {(method, path.removeprefix("/mlflow").replace("/ajax-api", "/api", 1)) for method, path in routes}
    listed = [(method, "/api/" + path.replace("*", "x1")) for method, path in forwarded_calls()]

    assert [route for route in listed if route not in offered] == []
