"""Whether children still do anything: a process that hangs is not seen dead by its parent."""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue

from pierhead.processes.readiness import status_of

SignOfLife = Callable[[], bool]
"""Asks a child for a sign of life; blocks for as long as an answer may take under load."""

_ANSWER_S = 10.0
_FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """When a child that gives no sign of life is given up: after `misses` in a row over `silence_s` at least.

    One that has not shown any since it started gets `first_sign_s`, as it may be loading on a busy machine.
    """

    period_s: float = 5.0
    misses: int = 3
    silence_s: float = 30.0
    first_sign_s: float = 180.0


class Listening:
    """Tells from one child's signs of life and their absence whether it hangs. Times on the monotonic clock."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._process_id: int | None = None
        self._heard_s = 0.0
        self._limit_s = 0.0
        self._misses = 0

    def note(self, process_id: int, asked_s: float, now_s: float, *, has_answered: bool) -> bool:
        """Take note of a question at `asked_s` and what came of it; whether to give up this process."""
        if process_id != self._process_id:
            self._process_id, self._heard_s, self._misses = process_id, asked_s, 0
            self._limit_s = self._patience.first_sign_s
        if has_answered:
            self._heard_s, self._misses = now_s, 0
            self._limit_s = self._patience.silence_s
            return False
        self._misses += 1
        return self._misses >= self._patience.misses and self.silent_s(now_s) >= self._limit_s

    def silent_s(self, now_s: float) -> float:
        """How long ago its last sign of life was, or the first question if there was none."""
        return now_s - self._heard_s


@dataclass(frozen=True, slots=True)
class Hanging:
    name: str
    process_id: int
    silent_s: float


class LivenessWatch:
    """Asks each child in a thread of its own, and wakes the supervisor when one hangs. It kills nobody itself."""

    def __init__(
        self,
        signs: Mapping[str, SignOfLife],
        process_id_of: Callable[[str], int | None],
        wake_up: Callable[[], None],
        patience: Patience,
    ) -> None:
        self._signs = signs
        self._process_id_of = process_id_of
        self._wake_up = wake_up
        self._patience = patience
        self._found: SimpleQueue[Hanging] = SimpleQueue()
        self._stopped = threading.Event()
        self._telling = threading.Lock()

    def start(self) -> None:
        for name, sign in self._signs.items():
            # Daemons: a question that is under way shall not hold up the end.
            threading.Thread(target=self._ask, args=(name, sign), name=f"liveness {name}", daemon=True).start()

    def stop(self) -> None:
        """Nobody is woken any more."""
        with self._telling:
            self._stopped.set()

    def take(self) -> Sequence[Hanging]:
        """Those found hanging since the last call."""
        found = []
        while True:
            try:
                found.append(self._found.get_nowait())
            except Empty:
                return found

    def _ask(self, name: str, sign: SignOfLife) -> None:
        listening = Listening(self._patience)
        while not self._stopped.wait(self._patience.period_s):
            process_id = self._process_id_of(name)
            if process_id is None:
                continue
            began_s = time.monotonic()
            has_answered = sign()
            if self._process_id_of(name) != process_id:
                continue
            if listening.note(process_id, began_s, time.monotonic(), has_answered=has_answered):
                self._tell(Hanging(name, process_id, listening.silent_s(time.monotonic())))

    def _tell(self, hanging: Hanging) -> None:
        with self._telling:
            if not self._stopped.is_set():
                self._found.put(hanging)
                self._wake_up()


def gateway_sign(address: str, traffic_file: Path, *, answer_s: float = _ANSWER_S) -> SignOfLife:
    """A gateway lives if it writes its counters, as it does every second, or answers.

    One alone would not do: a gateway at the limit of its connections answers nobody new, and on a full disk it
    writes nothing; neither is a reason to take from its callers what they have.
    """

    def sign() -> bool:
        return _is_fresh(traffic_file) or status_of(address, "/health", timeout_s=answer_s) is not None

    return sign


def writes_as(traffic_file: Path) -> Callable[[int], bool]:
    """Whether the gateway of a process id accepts: it writes its first counters right after it has begun to."""

    def is_accepting(process_id: int) -> bool:
        try:
            found = json.loads(traffic_file.read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(found, dict) and found.get("process_id") == process_id

    return is_accepting


def api_sign(api_socket: Path, *, answer_s: float = _ANSWER_S) -> SignOfLife:
    """The api lives if it answers anything at all where it needs no database."""

    def sign() -> bool:
        return _answers(api_socket, "/.well-known/databricks-config", answer_s)

    return sign


def _is_fresh(file: Path) -> bool:
    try:
        return abs(time.time() - file.stat().st_mtime) < _FRESH_S
    except OSError:
        return False


def _answers(unix_socket: Path, path: str, answer_s: float) -> bool:
    """Whether there is any HTTP answer on this socket."""
    connection = HTTPConnection("localhost", timeout=answer_s)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(answer_s)
        connection.sock.connect(str(unix_socket))
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True
