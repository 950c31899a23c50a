"""Which routes of the official clients are served here, asked of a running platform.

`python -m harness.routes > docs/reference/routes.md` (with `tests` on the path) writes the page that a test keeps true.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.platform import SCRIPTS, Platform

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "routes.md"

_HEAD = """# Routes of the official clients

Every route that `mlflow` {mlflow} and `databricks-sdk` {sdk} can call for the registry, serving, tracking and
artifacts, and what Pierhead does with it: `yes`, or `501`, a clear `NOT_IMPLEMENTED`. A test asks a running platform
and compares.
"""


# MLflow's own server fails (500) on a trace without this.
_BODY = {"experiment_id": "0"}


@dataclass(frozen=True, order=True)
class Route:
    api: str
    method: str
    path: str


def client_routes() -> list[Route]:
    """What the installed clients can call."""
    command = [sys.executable, str(SCRIPTS / "list_routes.py")]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    text = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return [Route(*row) for row in json.loads(text)]


def ask(platform: Platform, route: Route) -> str:
    """`yes`, `501`, or what is wrong with the answer."""
    path = re.sub(r"\{[^}]+\}", "none.such.thing", route.path)
    answer = platform.request(route.method, path, _BODY if route.method != "GET" else None)
    if answer.status == 501:
        return "501" if answer.json()["error_code"] == "NOT_IMPLEMENTED" else f"501 without its code: {answer.text}"
    if answer.status >= 500 or answer.status == 405:
        return f"{answer.status}: {answer.text}"
    if answer.status == 404 and answer.json()["error_code"] == "ENDPOINT_NOT_FOUND":
        return "not known"
    return "yes"


def page(answers: dict[Route, str], mlflow: str, sdk: str) -> str:
    lines = [_HEAD.format(mlflow=mlflow, sdk=sdk)]
    for api in sorted({route.api for route in answers}):
        lines += [f"## {api}", "", "| method | path | served |", "|---|---|---|"]
        of_api = (route for route in sorted(answers, key=lambda route: (route.path, route.method)) if route.api == api)
        lines += [f"| {route.method} | `{route.path}` | {answers[route]} |" for route in of_api]
        lines.append("")
    return "\n".join(lines)


def documented() -> dict[Route, str]:
    return dict(_rows(PAGE.read_text()))


def _rows(text: str) -> Iterator[tuple[Route, str]]:
    api = ""
    for line in text.splitlines():
        if line.startswith("## "):
            api = line[3:]
        elif row := re.fullmatch(r"\| (\w+) \| `([^`]+)` \| (.+) \|", line):
            yield Route(api, row[1], row[2]), row[3]


if __name__ == "__main__":
    from importlib.metadata import version

    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "home").start()
        try:
            found = {route: ask(platform, route) for route in client_routes()}
        finally:
            platform.stop()
    sys.stdout.write(page(found, version("mlflow"), version("databricks-sdk")))
