"""One side of the comparison as the job sees it: a child that holds the original, or one that holds the artifact."""

import json
import time
from typing import Any

from pierhead.compile.extract.conversation import COMMAND, FAILED, REPLY, Channel, encode_json
from pierhead.compile.job.sandbox import Confined, Sandbox
from pierhead.compile.parity.cases import Case
from pierhead.compile.parity.comparison import Given
from pierhead.kit.frames import DECLINED, HEADER, Request, decode_response, encode_request


class SideFailed(Exception):
    """The child is gone, or did not answer; the message says which of them, and how."""


class CommandRefused(Exception):
    """A command could not be done; the child lives on. The message says why."""


class Side:
    """Asks one question at a time."""

    def __init__(self, name: str, sandbox: Sandbox, confined: Confined) -> None:
        """`name` is for people: `the original`."""
        self._name = name
        self._sandbox = sandbox
        self._confined = confined
        self._channel = Channel(confined.end)
        self._asked = 0

    def command(self, command: str, *, within_s: float | None = None, **fields: Any) -> dict[str, Any]:
        """Raises CommandRefused or SideFailed."""
        frame = encode_json(COMMAND, {"command": command, **fields})
        kind, payload = self._exchange(frame, within_s, f"({command})")
        reply: dict[str, Any] = json.loads(payload)
        if kind == FAILED:
            raise CommandRefused(reply["reason"])
        if kind != REPLY:
            raise self._failed("sent what is no reply")
        return reply

    def score(self, case: Case) -> Given:
        """Raises SideFailed."""
        return self._score(encode_request(Request(self._next(), case.content_type, 0, case.body)))

    def score_natively(self, case: Case, kind: int) -> Given:
        """As a frame of another `kind`. Raises SideFailed."""
        frame = encode_request(Request(self._next(), case.content_type, 0, case.body))
        length, _, request_id = HEADER.unpack_from(frame)
        return self._score(HEADER.pack(length, kind, request_id) + frame[HEADER.size :])

    def _next(self) -> int:
        self._asked += 1
        return self._asked

    def _score(self, frame: bytes) -> Given:
        kind, payload = self._exchange(frame, None, "(predict)")
        if kind == DECLINED:
            return Given(0, payload, declined=True)
        response = decode_response(self._asked, payload)
        return Given(response.status, response.body)

    def stop(self) -> None:
        self._confined.kill()

    def _exchange(self, frame: bytes, within_s: float | None, what: str) -> tuple[int, bytes]:
        patience_s = min(within_s or self._sandbox.limits.call_s, self._sandbox.left_s)
        ends_s = time.monotonic() + patience_s
        try:
            self._confined.end.settimeout(max(patience_s, 0.001))
            self._channel.send(frame)
            self._confined.end.settimeout(max(ends_s - time.monotonic(), 0.001))
            found = self._channel.receive()
        except TimeoutError:
            late = "the job's time was over" if self._sandbox.left_s <= 0 else f"no answer within {patience_s:.0f} s"
            self._confined.kill(f"{late} {what}")
            raise self._failed() from None
        except OSError:
            raise self._failed() from None
        if found is None:
            raise self._failed()
        return found[0], found[2]

    def _failed(self, how: str = "") -> SideFailed:
        return SideFailed(f"{self._name}: {how or self._confined.how_it_ended()}")
