"""A receiver of webhooks on a loopback port, and deliverers that never leave the process."""

import contextlib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from pierhead.registry.ports import Post, Reply, Unreached


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def delivery_id(self) -> str:
        return self.headers["x-pierhead-delivery-id"]


class Receiver:
    """Answers with `status` and `text`, and keeps what it got."""

    def __init__(self, status: int = 200, text: str = "thanks", certificate: Path | None = None) -> None:
        self.status = status
        self.text = text
        self.received: list[Received] = []
        self.headers: dict[str, str] = {}
        self.hold = threading.Event()
        self.hold.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {key.lower(): value for key, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                receiver.hold.wait(30)
                self.send_response(receiver.status)
                for key, value in receiver.headers.items():
                    self.send_header(key, value)
                raw = receiver.text.encode()
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    super().handle()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake belongs to the thread of the connection: one that fails shall not end the server.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def events(self) -> list[str]:
        return [each.json["event"] for each in self.received]


@dataclass
class FakeDeliverer:
    """Answers by a function of what is posted; `posts` is what was sent."""

    answer: Callable[[Post], Reply | Unreached] = lambda _post: Reply(200, "")
    posts: list[Post] = field(default_factory=list)

    def post(self, post: Post) -> Reply | Unreached:
        self.posts.append(post)
        return self.answer(post)
