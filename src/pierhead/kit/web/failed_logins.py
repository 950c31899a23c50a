"""Calls without a valid token: counted, and told to the log now and then."""

import threading
from collections import Counter

import structlog

from pierhead.kit.clock import monotonic_s

log = structlog.get_logger()

_EVERY_S = 10.0
_MOST_ADDRESSES = 1000


class FailedLogins:
    """They are not recorded one by one: nobody knows whose they are, and anybody who reaches the port can cause
    millions."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._counts: Counter[str] = Counter()
        self._told_s: float | None = None
        self._lock = threading.Lock()

    def count(self, source_ip: str | None) -> None:
        """One more from this address. The first is told at once, the next together after a while."""
        now_s = monotonic_s()
        with self._lock:
            address = source_ip or "unknown"
            known = address in self._counts or len(self._counts) < _MOST_ADDRESSES
            self._counts[address if known else "others"] += 1
            if self._told_s is not None and now_s - self._told_s < self._every_s:
                return
            counts, self._counts, self._told_s = self._counts, Counter(), now_s
        log.warning("calls without a valid token", calls=counts.total(), addresses=dict(counts.most_common(5)))
