"""Whether the platform answers requests, seen from outside."""

import http.client
import ssl
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from pierhead.processes.signals import SignalInbox

Probe = Callable[[], bool]

_PROBE_TIMEOUT_S = 2.0
_PAUSE_S = 0.05


def answers_ok(address: str, path: str, token: str = "", timeout_s: float = _PROBE_TIMEOUT_S) -> bool:
    """Whether GET `path` answers 200."""
    return status_of(address, path, token, timeout_s) == 200


def status_of(address: str, path: str, token: str = "", timeout_s: float = _PROBE_TIMEOUT_S) -> int | None:
    """The status that GET `path` answers; None if there is no answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection = _connection(address, timeout_s)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _connection(address: str, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    if parts.scheme != "https":
        return http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
    # We ask ourselves, on an address that the certificate need not name.
    return http.client.HTTPSConnection(parts.netloc, timeout=timeout_s, context=ssl._create_unverified_context())


def platform_probe(address: str, token: str) -> Probe:
    """Ready means: the gateway answers, and through it the api, which has found the token in the database."""

    def probe() -> bool:
        return answers_ok(address, "/health") and answers_ok(address, "/api/2.0/preview/scim/v2/Me", token)

    return probe


class ReadinessWatch:
    """Asks in a thread until the probe says yes, then wakes the inbox."""

    def __init__(self, probe: Probe, inbox: SignalInbox) -> None:
        self._probe = probe
        self._inbox = inbox
        self._found = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="readiness", daemon=True)
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        return self._found.is_set()

    def stop(self) -> None:
        """End the thread; takes as long as one probe at most."""
        self._stopped.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stopped.is_set():
            if self._probe():
                self._found.set()
                self._inbox.wake_up()
                return
            self._stopped.wait(_PAUSE_S)
