"""Questions to MLflow's server over its unix socket. They wait; made for threads."""

import http.client
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pierhead.kit.errors import Unavailable

_PATIENCE_S = 120
_API = "/mlflow/api/2.0/mlflow"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that is no failure of the server: `body` is its JSON object, `{}` if it is none."""

    status: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        return str(self.body.get("message", "not found by the tracking server"))


class MlflowSocket:
    """The server at the other end of a unix socket."""

    def __init__(self, path: Path, patience_s: float = _PATIENCE_S) -> None:
        self._path = path
        self._patience_s = patience_s

    def ask(self, method: str, path: str, body: Any = None) -> Told:
        """The answer to `method path`, a path behind MLflow's prefix. Raises Unavailable if the server has none."""
        connection = _UnixConnection(self._path, self._patience_s)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, _API + path, orjson.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the tracking server does not answer ({type(error).__name__}); try again") from error
        finally:
            connection.close()
        if answer.status >= 500:
            raise Unavailable(f"the tracking server failed at {path.partition('?')[0]}; try again")
        return Told(answer.status, orjson.loads(text) if text.startswith(b"{") else {})


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("mlflow", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
