"""What the web application's door does before any route is asked."""

import base64
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.asgi import LiveApp
from pierhead.kit.errors import Unauthenticated
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.render import json_response


def _authenticate(token: str) -> Caller:
    if token != "good":
        raise Unauthenticated("no such token")
    return Caller("1", "ada", frozenset())


async def _whoami(request: Request) -> Response:
    return json_response({"user": request.state.caller.user_name})


async def _fail(_request: Request) -> Response:
    raise RuntimeError("secret detail")


@pytest.fixture(scope="module")
def app() -> Iterator[LiveApp]:
    routes = [
        Route("/who", _whoami, methods=["GET", "POST"]),
        Route("/fail", _fail),
        Route("/open", lambda _request: json_response({})),
    ]
    web = application(routes, authenticate=_authenticate, is_public="/open".__eq__, workspace_id="42")
    with LiveApp(web) as live:
        yield live


def test_a_bearer_token_and_a_basic_password_are_the_same_key(app: LiveApp) -> None:
    basic = base64.b64encode(b"token:good").decode()

    assert app.get("/who", {"Authorization": "Bearer good"}).json() == {"user": "ada"}
    assert app.get("/who", {"Authorization": f"Basic {basic}"}).json() == {"user": "ada"}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer bad"}, {"Authorization": "Basic !!"}])
def test_nobody_gets_in_without_a_token(app: LiveApp, header: dict[str, str]) -> None:
    answer = app.get("/who", header)

    assert answer.status == 401
    assert answer.json()["error_code"] == "UNAUTHENTICATED"


def test_a_public_path_needs_none_and_every_answer_names_the_workspace(app: LiveApp) -> None:
    answer = app.get("/open", {})

    assert answer.status == 200
    assert answer.headers["x-databricks-org-id"] == "42"


def test_another_sites_page_cannot_write_with_a_remembered_login(app: LiveApp) -> None:
    answer = app.request("POST", "/who", {"Authorization": "Bearer good", "Origin": "http://evil.example"})

    assert (answer.status, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_unknown_paths_and_methods_answer_in_our_shape(app: LiveApp) -> None:
    headers = {"Authorization": "Bearer good"}

    assert app.get("/nowhere", headers).json()["error_code"] == "ENDPOINT_NOT_FOUND"
    assert app.request("PUT", "/who", headers).status == 405
    assert "message" in app.request("PUT", "/who", headers).json()


def test_a_bug_answers_a_sentence_and_keeps_its_details_to_the_log(app: LiveApp) -> None:
    answer = app.get("/fail", {"Authorization": "Bearer good"})

    assert (answer.status, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
