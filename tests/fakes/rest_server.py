"""A server that answers what a test tells it, and remembers what was asked."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: Any
    token: str


@dataclass
class RestServer:
    """`answers` maps `METHOD PATH` (without query) to bodies, given one after the other; the last one stays."""

    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, call: str, *bodies: Any, status: int = 200) -> None:
        self.answers[call] = [(status, body) for body in bodies]

    def refuse(self, call: str, status: int, error_code: str, message: str) -> None:
        self.answers[call] = [(status, {"error_code": error_code, "message": message})]

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    def __enter__(self) -> "RestServer":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                outer.asked.append(Asked(self.command, self.path, json.loads(raw) if raw else None, token))
                queue = outer.answers.get(f"{self.command} {self.path.partition('?')[0]}")
                missing = (404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"no such path: {self.path}"})
                status, body = missing if not queue else queue.pop(0) if len(queue) > 1 else queue[0]
                sent = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

            def log_message(self, *_: Any) -> None:
                """Tests read `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
