"""`pierhead webhooks` against a fake server: what it sends, prints and exits with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fakes.rest_server import RestServer
from pierhead.cli.main import main

_WEBHOOKS = "/api/2.0/pierhead/webhooks"
_ACTIVE = {
    "id": "1" * 32,
    "model_name": "c.s.m",
    "events": ["COMMENT_CREATED", "MODEL_VERSION_CREATED"],
    "http_url_spec": {"url": "https://example.com/hook", "enable_ssl_verification": True},
    "status": "ACTIVE",
    "failures": 2,
    "next_try_at": 1000,
}
_DISABLED = {
    **{key: value for key, value in _ACTIVE.items() if key not in ("model_name", "next_try_at")},
    "id": "2" * 32,
    "status": "DISABLED",
    "disabled_because": "the receiver answered 410",
}
_DELIVERY = {
    "id": "d" * 32,
    "webhook_id": "1" * 32,
    "event": "COMMENT_CREATED",
    "event_timestamp": 1000,
    "state": "WAITING",
    "tries": 3,
    "last_outcome": "status 503",
    "body": "{}",
}


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer() as server:
        yield server


@pytest.fixture
def run(server: RestServer, tmp_path: Path) -> Any:
    variables = {
        "DATABRICKS_HOST": server.url,
        "DATABRICKS_TOKEN": "phd_x",
        "DATABRICKS_CONFIG_FILE": str(tmp_path / "cfg"),
        "DATABRICKS_CONFIG_PROFILE": None,
        "PIERHEAD_HOME": str(tmp_path / "home"),
    }

    def invoke(*arguments: object) -> Result:
        return CliRunner(env=variables).invoke(main, ["webhooks", *map(str, arguments)])

    return invoke


def test_list_shows_all_pages_and_why_one_is_disabled(server: RestServer, run: Any) -> None:
    pages = [{"webhooks": [_ACTIVE], "next_page_token": "t"}, {"webhooks": [_DISABLED]}]
    server.answer(f"GET {_WEBHOOKS}", *pages)

    done = run("list", "--model", "c.s.m")

    assert done.exit_code == 0
    first, second = done.stdout.splitlines()[1:]
    assert "c.s.m" in first
    assert "1970-01-01 00:00:01Z" in first
    assert " all " in second
    assert "410" in done.stderr
    assert f"pierhead webhooks retry {'2' * 32}" in done.stderr
    assert "page_token=t" in server.last.path
    assert "model_name=c.s.m" in server.last.path


def test_deliveries_show_what_came_of_them(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_WEBHOOKS}/{'1' * 32}/deliveries", {"deliveries": [_DELIVERY]})

    done = run("deliveries", "1" * 32, "--limit", 7)

    assert done.stdout.splitlines()[1].split() == [
        *("d" * 32, "COMMENT_CREATED", "1970-01-01", "00:00:01Z", "WAITING", "3", "-", "status", "503"),
    ]
    assert server.last.path.endswith("max_results=7")
    assert json.loads(run("deliveries", "1" * 32, "-o", "json").stdout) == {"deliveries": [_DELIVERY]}


def test_retry_asks_the_server_and_says_where_to_look(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_WEBHOOKS}/{'1' * 32}/retry", {"webhook": _ACTIVE})

    done = run("retry", "1" * 32)

    assert (done.exit_code, done.stdout) == (0, "")
    assert "ACTIVE; next: pierhead webhooks deliveries" in done.stderr


def test_who_may_not_is_told_so(server: RestServer, run: Any) -> None:
    server.answers[f"GET {_WEBHOOKS}"] = [(403, {"error_code": "PERMISSION_DENIED", "message": "no"})]

    assert run("list", "--model", "c.s.m").exit_code == 4
