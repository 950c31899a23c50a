"""A gateway as a worker sees it: frames over a unix socket, one blocking call at a time."""

import itertools
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pierhead.kit import frames

PATIENCE_S = 60.0


def wait_for(condition: Callable[[], Any], what: str, *, patience_s: float = PATIENCE_S) -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {patience_s} s in vain for {what}")


class GatewayLink:
    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._reader = frames.FrameReader()
        self._inbox: list[tuple[int, int, bytes]] = []
        self._ids = itertools.count(1)

    def send(self, body: Any, content_type: str = "application/json", *, timeout_ms: int = 30_000) -> int:
        """The request's id."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = frames.Request(next(self._ids), content_type, timeout_ms, raw)
        self._socket.sendall(frames.encode_request(request))
        return request.id

    def signal(self, kind: int, request_id: int = 0) -> None:
        self._socket.sendall(frames.encode_signal(kind, request_id))

    def receive(self) -> tuple[int, int, bytes] | None:
        """The next frame as (kind, request id, payload); None when the worker has closed."""
        while not self._inbox:
            try:
                chunk = self._socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not chunk:
                return None
            self._inbox += self._reader.feed(chunk)
        return self._inbox.pop(0)

    def answer(self) -> frames.Response:
        """The next response; other frames are skipped."""
        while (frame := self.receive()) is not None:
            kind, request_id, payload = frame
            if kind == frames.RESPONSE:
                return frames.decode_response(request_id, payload)
        raise AssertionError("the worker closed without an answer")

    def ask(self, body: Any, content_type: str = "application/json") -> tuple[int, Any]:
        """Status and decoded JSON of one invocation."""
        self.send(body, content_type)
        response = self.answer()
        assert response.content_type == "application/json"
        return response.status, json.loads(response.body)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "GatewayLink":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
