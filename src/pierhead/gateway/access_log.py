"""One JSON line for some of the invocations: who asked what, what came of it, how long it took. Never a body."""

import os
from math import log, log1p
from random import random

import orjson

from pierhead.gateway.asker import Asker
from pierhead.gateway.route import Route
from pierhead.gateway.wall_clock import WallClock
from pierhead.kit.clock import monotonic_s

_KEPT_BYTES = 32 * 1024


class AccessLog:
    """Keeps the share `rate` (0-1) of all invocations. Lines are collected, and written by `flush`."""

    def __init__(self, descriptor: int, rate: float, clock: WallClock) -> None:
        self._descriptor = descriptor
        self._rate = rate
        self._clock = clock
        self._lines: list[bytes] = []
        self._kept_bytes = 0
        self._until_next = self._gap()

    def is_next(self) -> bool:
        """Whether this invocation is one of those that are kept. To be asked once for each."""
        # A draw for the gap to the next one costs a hundredth of a draw for each.
        self._until_next -= 1
        if self._until_next > 0:
            return False
        self._until_next = self._gap()
        return True

    def write(self, asker: Asker, route: Route, peer: str, request_id: str, status: int, total_ms: float) -> None:
        line = orjson.dumps(
            {
                "event": "request",
                "timestamp_ms": self._clock.ms_at(monotonic_s()),
                "status": status,
                "endpoint": route.endpoint.name,
                "entity": route.entity.name,
                "model_version": route.entity.model_version,
                "user": asker.principal.user_name,
                "peer": peer,
                "request_id": request_id,
                "total_ms": round(total_ms, 3),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        self._lines.append(line)
        self._kept_bytes += len(line)
        if self._kept_bytes >= _KEPT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was kept, with one write. What a full disk does not take is lost: nobody waits for a log."""
        if not self._lines:
            return
        lines, self._lines, self._kept_bytes = self._lines, [], 0
        try:
            os.write(self._descriptor, b"".join(lines))
        except OSError:
            return

    def _gap(self) -> float:
        """How many invocations from one that is kept to the next, as if each were drawn on its own."""
        if self._rate <= 0:
            return float("inf")
        return 1 if self._rate >= 1 else 1 + int(log(1 - random()) / log1p(-self._rate))
