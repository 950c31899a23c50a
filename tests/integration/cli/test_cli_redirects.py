"""A token goes to the host it was given for and to no other."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fakes.rest_server import RestServer
from pierhead.cli.failures import Failure
from pierhead.cli.remote import Remote
from pierhead.cli.target import Target


@pytest.fixture
def elsewhere() -> Iterator[RestServer]:
    with RestServer() as server:
        server.answer("GET /api/x", {"stolen": True})
        yield server


@pytest.fixture(params=[301, 302, 303, 307, 308])
def redirecting(request: pytest.FixtureRequest, elsewhere: RestServer) -> Iterator[str]:
    """The address of a server that sends every request on to `elsewhere`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.send_header("Location", elsewhere.url + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_redirect_is_told_and_not_followed(redirecting: str, elsewhere: RestServer) -> None:
    with pytest.raises(Failure, match=f"sends requests on to {elsewhere.url}/api/x"):
        Remote(Target(redirecting, "phd_x")).get("/api/x")
    assert elsewhere.asked == []
