"""A child's work goes over to a successor that listens on the same socket, and nobody is turned away.

First the successor starts; once it accepts, the old process is told to retire: it accepts nothing more, ends each
connection behind its next answer, and goes. Both share one listening socket, so a caller always finds somebody.
"""

import time

from pierhead.kit.home import Home
from pierhead.processes.children import Child

# How long a successor may take to accept, and an old process to answer what it has.
_READY_WITHIN_S = 60.0
_GONE_WITHIN_S = 60.0

STEP_S = 0.02
"""How often to look while a hand-over is under way."""


class HandOver:
    """One child and its successor; `step` it until `is_over`. Times on the monotonic clock."""

    def __init__(self, old: Child, home: Home) -> None:
        """Raises OSError if the successor cannot be started."""
        self.old = old
        self.new = Child(old.spec, home)
        self.is_over = False
        self.failure = ""
        """Why the old process stays; empty while the successor may still take over, and once it has."""
        self._since_s = time.monotonic()
        self._has_gone_over = False
        self.new.start(self._since_s)

    @property
    def has_gone_over(self) -> bool:
        """Whether the successor accepts and the old process retires."""
        return self._has_gone_over

    def step(self, now_s: float) -> None:
        """Look how far it is, and do what is next."""
        if self._has_gone_over:
            self._see_off(now_s)
            return
        is_ready = self.old.spec.is_accepting
        if self.new.process_id is None:
            self._fail("its successor does not start")
        elif is_ready is not None and is_ready(self.new.process_id):
            self._has_gone_over = True
            self._since_s = now_s
            self.old.ask_to_retire()
        elif now_s - self._since_s > _READY_WITHIN_S:
            self.new.kill()
            self._fail(f"its successor does not accept within {_READY_WITHIN_S:.0f} s")

    def _see_off(self, now_s: float) -> None:
        if self.old.process_id is None:
            self.is_over = True
        elif now_s - self._since_s > _GONE_WITHIN_S:
            self.old.kill()

    def _fail(self, failure: str) -> None:
        self.is_over = True
        self.failure = failure
