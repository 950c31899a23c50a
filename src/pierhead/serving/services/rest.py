"""How the reconciler waits between two ticks: long if nothing happens, no longer than it must if somebody waits."""

import time
from typing import Protocol

from pierhead.kit.clock import monotonic_s

_GLANCE_S = 0.025
# However many nudges there are, other loops of the process get their turn.
_LEAST_S = 0.02


class Nudges(Protocol):
    def wait(self, timeout_s: float) -> bool:
        """Whether there was a nudge, at the latest after this time."""


class Watched(Protocol):
    """What the reconciler says of itself."""

    @property
    def is_waiting_for_workers(self) -> bool: ...

    def has_news(self) -> bool: ...


class Rest:
    """Ends early when a gateway nudges, or a worker that starts is ready or dead."""

    def __init__(self, nudges: Nudges, watched: Watched) -> None:
        self._nudges = nudges
        self._watched = watched

    def rest(self, longest_s: float) -> None:
        deadline_s = monotonic_s() + longest_s
        time.sleep(min(_LEAST_S, longest_s))
        while (left_s := deadline_s - monotonic_s()) > 0:
            glance_s = min(left_s, _GLANCE_S) if self._watched.is_waiting_for_workers else left_s
            if self._nudges.wait(glance_s) or self._watched.has_news():
                return
