"""Steady traffic on kept connections, with the fate of every single request."""

import http.client
import json
import select
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from harness.platform import Platform, wait_until

ANSWERED = "answered"
LOST = "connection lost"
REFUSED = "connection refused"

_PAUSE_S = 0.01
_TIMEOUT_S = 130.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request. `status` is 0 and `entity` empty without an answer; times on the monotonic clock."""

    request_id: str
    fate: str
    status: int
    entity: str
    began_s: float
    ended_s: float
    detail: str

    @property
    def is_good(self) -> bool:
        return self.status == 200


class Traffic:
    """Invocations of one endpoint on `connections` connections, from the beginning to the end of a `with`.

    Each connection has one request under way at a time and is opened anew when it breaks: as ordinary clients do, it
    is looked at before each request, so that a connection which broke while nothing was under way costs nothing.
    """

    def __init__(
        self,
        platform: Platform,
        endpoint: str,
        row: dict[str, float] | None = None,
        *,
        connections: int = 4,
        rows: Callable[[], Mapping[str, object]] | None = None,
    ) -> None:
        """`rows` gives the row of each request; without it all send `row`. It is called from several threads."""
        self.endpoint = endpoint
        self.connections = connections
        self.outcomes: list[Outcome] = []
        self._url = urlsplit(platform.url)
        self._token = platform.token
        one = row or {"x": 1.0}
        self._rows: Callable[[], Mapping[str, object]] = rows or (lambda: one)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        self.wait_for(4 * self.connections)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        print(self.summary())

    def stop(self) -> None:
        """Let every connection end the request that it has under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_S)
            assert not thread.is_alive(), "a request has had no answer for minutes"

    def wait_for(self, count: int, timeout_s: float = 60) -> None:
        """Until `count` more requests have had a good answer."""
        wanted = self._count_good() + count
        wait_until(f"{count} more answers", lambda: self._count_good() >= wanted, timeout_s)

    @property
    def failed(self) -> list[Outcome]:
        """Every request without a good answer."""
        return [outcome for outcome in self.outcomes if not outcome.is_good]

    @property
    def answered(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.fate == ANSWERED]

    def entities(self) -> Counter[str]:
        return Counter(outcome.entity for outcome in self.outcomes if outcome.is_good)

    def summary(self) -> str:
        fates = Counter(outcome.status or outcome.fate for outcome in self.outcomes)
        slowest_s = max((outcome.ended_s - outcome.began_s for outcome in self.outcomes), default=0.0)
        return f"{self.endpoint}: {dict(fates)}, slowest {slowest_s:.2f} s, by {dict(self.entities())}"

    # --- details

    def _count_good(self) -> int:
        return sum(outcome.is_good for outcome in list(self.outcomes))

    def _run(self) -> None:
        connection = self._new_connection()
        try:
            while not self._stop.wait(_PAUSE_S):
                if _is_broken(connection):
                    connection.close()
                outcome = self._ask(connection)
                self.outcomes.append(outcome)
                if outcome.fate == REFUSED and self._stop.wait(0.1):
                    return
        finally:
            connection.close()

    def _new_connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=_TIMEOUT_S)

    def _ask(self, connection: http.client.HTTPConnection) -> Outcome:
        request_id = uuid.uuid4().hex
        body = json.dumps({"dataframe_records": [self._rows()], "client_request_id": request_id}).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        began_s = time.monotonic()
        try:
            connection.request("POST", f"/serving-endpoints/{self.endpoint}/invocations", body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except ConnectionRefusedError as error:
            connection.close()
            return Outcome(request_id, REFUSED, 0, "", began_s, time.monotonic(), repr(error))
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Outcome(request_id, LOST, 0, "", began_s, time.monotonic(), repr(error))
        entity = response.headers.get("served-model-name", "")
        detail = "" if response.status == 200 else text
        return Outcome(request_id, ANSWERED, response.status, entity, began_s, time.monotonic(), detail)


def _is_broken(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side has closed a connection on which nothing is under way."""
    if connection.sock is None:
        return False
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return bool(readable)
